import Experiments
import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// `--method l0` from start to end on the embedded digits.
@Suite(.serialized) struct GateRunTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func experiment(
    _ network: String = "mlp:64-20-10", granularity: Granularity = .unit, amount: PruningPlan.Amount = .total(0.5), epochs: Int = 8
  ) -> Experiment {
    Experiment(
      start: .network(network, weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3),
      training: TrainingPlan(
        length: .epochs(epochs), batchSize: 30, optimizer: .adam(), learningRate: .init(base: 0.01), seed: 3),
      pruning: PruningPlan(
        method: "l0", criterion: .magnitude, granularity: granularity, allocation: .global, amount: amount, timing: .everyStep,
        schedule: .oneShot, gates: GatePlan(lambda: 0.1, learningRate: 0.05), seed: 3))
  }

  @Test func unitsAndPixelsLeaveAndTheRowSaysSo() throws {
    let runner = try Runner(experiment(epochs: 20))
    try runner.run()
    let event = try #require(runner.state.events.first)
    #expect(event.removed == 42 && event.kept == 42 && event.prunable == 84 && event.asked == 42)
    #expect(try #require(event.proof) < 1e-4)
    let widths = event.widths
    let (inputs, hidden) = (try #require(widths["fc1.inputs"]), try #require(widths["fc1"]))
    #expect(inputs + hidden == 42)
    let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(row.pruned.map { $0.macs <= inputs * hidden + hidden * 10 } == true)
    #expect(row.units?.removed == 42 && row.units?.total == 84)
    #expect(row.dense.accuracyAtEnd == nil)
    #expect(try #require(row.pruned?.accuracyAtEnd).fraction > 0.6)
    let note = try #require(row.notes?.first { $0.subject == "gates" })
    #expect(note.words.contains("of 84 closed by themselves, at λ 0.1 times "))
    #expect(note.words.contains("left: fc1.inputs \(inputs) of 64, fc1 \(hidden) of 20"))
    #expect(runner.file().history.count >= 1)
  }

  @Test func weightsOfLinearLayersAreMasked() throws {
    let runner = try Runner(experiment(granularity: .weight, amount: .total(0.7), epochs: 20))
    try runner.run()
    // 64·20 + 20·10 = 1,480 weights.
    #expect(runner.state.events.map(\.kept) == [444])
    let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(row.weights?.removed == 1036 && row.weights?.total == 1480)
    #expect(try #require(row.pruned?.accuracyAtEnd).fraction > 0.5)
  }

  @Test(arguments: [Granularity.unit, .weight]) func aBrokenRunEndsWithTheSameBytes(granularity: Granularity) throws {
    for amount in [PruningPlan.Amount.total(0.5), .learned] {
      let run = experiment(granularity: granularity, amount: amount, epochs: 2)
      let unbroken = try BrokenOffRun(run).file
      #expect(try BrokenOffRun(run, breakingAfter: [1, 7, 5]).file == unbroken)
    }
  }

  /// A trained model goes on with gates, and is what the row compares with.
  @Test func aTrainedModelMayBeGiven() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("dense.safetensors")
    let dense = try Runner(
      Experiment(
        start: .network("mlp:64-20-10", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3),
        training: TrainingPlan(length: .epochs(10), batchSize: 30, learningRate: .init(base: 0.01), seed: 3)))
    try dense.run()
    try dense.file().write(to: path)
    var run = experiment()
    run.start = .file(path)
    let runner = try Runner(run)
    try runner.run()
    let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(try #require(row.dense.accuracyAtEnd).fraction > 0.8 && row.units?.removed == 42)
  }

  @Test func recipesKeepTheGates() throws {
    let run = experiment(amount: .learned)
    let json = try run.json
    #expect(json.contains("\"gates\":{") && json.contains("\"learned\":{}") && !json.contains("\"stages\""))
    #expect(try JSONDecoder().decode(Experiment.self, from: Data(json.utf8)) == run)
    #expect(run.stages.map { type(of: $0).name } == ["train-gates"])
    #expect(experiment(granularity: .weight).stages.map { type(of: $0).name } == ["train-gates", "compact"])
    // Plans without gates are written as before.
    var plan = try #require(run.pruning)
    plan.gates = nil
    #expect(try !String(decoding: JSONEncoder().encode(plan), as: UTF8.self).contains("gates"))
  }

  @Test func theMemoryOfGatesCounts() throws {
    // 1000·1000 weights: 4 MB a copy.
    let wide = experiment("mlp:64-1000-1000-10", granularity: .weight, epochs: 1)
    let plain = Experiment(start: wide.start, data: wide.data, training: wide.training?.plan)
    let limit = MemoryLimit(bytes: 60_000_000)
    #expect(throws: Never.self) { try Runner(plain, options: .init(memory: limit)) }
    #expect(throws: NetworkError.self) { try Runner(wide, options: .init(memory: limit)) }
  }
}
