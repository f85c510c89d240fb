import Datasets
import Experiments
import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// Masks of classifier layers that meta-pruning learns.
@Suite(.serialized) struct MetaMasksTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  /// Eight outer steps, then rounds of a removal and four more.
  private func experiment(
    _ update: OuterUpdate = .reptile, network: String = "mlp:64-16-3", amount: PruningPlan.Amount = .total(0.8), rounds: Int = 1,
    controls: [MetaPruningPlan.Control] = [], length: Int = 8, recovery: Int = 4, lambda: Double = 0.1, gates: Bool = true
  ) -> Experiment {
    let training = TrainingPlan(
      length: .iterations(length), batchSize: 18, optimizer: update == .reptile ? .sgd(momentum: 0) : .adam(),
      learningRate: .init(base: update == .reptile ? 0.5 : 0.01), seed: 3)
    return Experiment(
      start: .network(network, weights: nil), data: DataPlan(dataset: "digits", seed: 3), training: training,
      pruning: PruningPlan(
        method: "meta-pruning", criterion: .magnitude, granularity: .weight, allocation: .global, amount: amount,
        timing: .rounds(rounds, recovery: .iterations(recovery)), gates: gates ? GatePlan(lambda: lambda) : nil, seed: 3),
      meta: MetaPruningPlan(
        keeps: .masks, learning: MetaPlan(update, tasks: 2, innerSteps: 2, innerRate: 0.1), form: .init(ways: 3, shots: 2, queries: 4),
        controls: controls, judgingTasks: 20, headFit: HeadFit(steps: 10)))
  }

  private func row(_ runner: Runner) throws -> RunRecord {
    try runner.row(command: ["espalier"], version: "0", file: nil, latencyBatches: [])
  }

  /// 64·16 + 16·3 weights, of which exactly 80 % leave, whatever the outer update; so do those of the controls.
  @Test(arguments: OuterUpdate.allCases) func askedIsAchieved(_ update: OuterUpdate) throws {
    let controls = MetaPruningPlan.Control.allCases.filter { update != .mldg || $0 != .oneDataset }
    let runner = try Runner(experiment(update, controls: controls))
    try runner.run()
    let row = try row(runner)
    #expect(try #require(row.meta).arms.map(\.weights) == [1072] + Array(repeating: 214, count: controls.count))
    #expect(row.weights?.removed == 858 && row.weights?.asked == 0.8)
    #expect(runner.state.history.first?.criterion == "gates" && runner.state.history.first?.masked.values.reduce(0, +) == 858)
    let text = row.text(), report = try #require(runner.state[GateReport.self])
    #expect(text.contains("\ngates  ") && text.contains("masks learned") && report.count == 1072)
    #expect(report.layers.reduce(0) { $0 + $1.kept } == 214)
    // What left is 0, and the gates of what stayed are in the weights.
    for (name, mask) in runner.model.masks { #expect(try runner.model.tensor(name).nonZeroCount(outside: mask) == 0) }
  }

  /// In two rounds what leaves first is among what has left in the end, and stays 0 while gates go on.
  @Test func roundsRemoveMoreAndMore() throws {
    let runner = try Runner(experiment(amount: .total(0.75), rounds: 2))
    try runner.run()
    #expect(runner.state.events.map(\.kept) == [536, 268] && runner.state.events.map(\.asked) == [536, 804])
    let each = try Runner(experiment(amount: .perEvent(0.5), rounds: 2))
    try each.run()
    #expect(each.state.events.map(\.kept) == [536, 268])
  }

  /// What closed by itself before an early removal took it counts as well as what closed before the last.
  @Test func gatesThatClosedInAllRounds() throws {
    let runner = try Runner(experiment(network: "mlp:64-32-3", rounds: 3, length: 60, recovery: 15))
    try runner.run()
    let (report, events) = (try #require(runner.state[GateReport.self]), runner.state.events)
    #expect(events.map(\.kept) == [1254, 733, 429])
    #expect(report.closed > events[1].kept && report.closed <= report.count, "\(report)")
  }

  /// Convolutions are not pruned, and not counted.
  @Test func convolutionsAreLeftAlone() throws {
    var builder = NetworkBuilder("small", input: .image(channels: 1, height: 8, width: 8))
    builder.convolution("conv", 4, kernel: 3)
    builder.relu()
    builder.flatten()
    builder.linear("fc1", 12)
    builder.relu()
    builder.linear("fc2", 3)
    let folder = try TemporaryDirectory()
    try ModelFile(model: Model(builder.network(), seed: 1)).write(to: folder.file("m"))
    let run = experiment(amount: .total(0.9), controls: [.random], length: 2, recovery: 1)
    let runner = try Runner(Experiment(start: .file(folder.file("m")), data: run.data, stages: run.stages))
    try runner.run()
    // 144·12 + 12·3 weights of linear layers, of which 1,588 leave; 4·9 of the convolution.
    #expect(runner.state.events[0].prunable == 1764 && runner.state.events[0].kept == 176)
    #expect(try runner.model.masks[ParameterName("conv", .weight)].map { try $0.nonZeroCount() == $0.count } ?? true)
    let row = try row(runner), weights = try #require(row.weights)
    #expect(try #require(row.meta).arms.map(\.weights) == [212, 212])
    #expect((weights.dead ?? 0) <= weights.left)
    #expect(
      weights.left - (weights.dead ?? 0) - (weights.zeros ?? 0) + (weights.ignored ?? 0) == row.pruned?.nonZeroWeights, "\(weights)")
  }

  /// Gates learn to keep what tasks need: at 90 % they leave more than chance does.
  @Test(arguments: [OuterUpdate.reptile, .maml]) func learnedMasksBeatChance(_ update: OuterUpdate) throws {
    let runner = try Runner(
      experiment(update, network: "mlp:64-32-3", amount: .total(0.9), controls: [.random], length: 80, recovery: 40))
    try runner.run()
    let arms = try #require(row(runner).meta).arms
    #expect(arms[1].training.accuracy > arms[0].training.accuracy + 0.05, "\(update): \(arms.map(\.training.accuracy))")
  }

  /// Broken off at any step, or in what follows one, it ends with the same bytes and says the same of its gates.
  @Test(arguments: [OuterUpdate.reptile, .maml]) func brokenOffItEndsWithTheSameBytes(_ update: OuterUpdate) throws {
    let experiment = experiment(update, rounds: 2, controls: [.full, .oneDataset])
    let unbroken = try BrokenOffRun(experiment)
    // 16 steps for each network, removals after 8 and 12 of them.
    for steps in [[3], [8], [19], [24, 1], [33], [38, 2, 4], [40], [44], [46]] {
      let broken = try BrokenOffRun(experiment, breakingAfter: steps)
      #expect(broken.file == unbroken.file, "after \(steps)")
      #expect(broken.runner.state[GateReport.self] == unbroken.runner.state[GateReport.self])
    }
  }

  @Test func plansThatContradictThemselvesAreRefused() throws {
    func refusal(_ experiment: Experiment) -> String {
      do {
        _ = try Runner(experiment)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(
      refusal(experiment(gates: false)) == "masks are learned by gates: a plan of them goes with --meta masks, and with nothing else")
    #expect(refusal(experiment(lambda: -1)) == "--lambda -1.0 is impossible: give 0 or a positive number, e.g. 0.1")
  }
}
