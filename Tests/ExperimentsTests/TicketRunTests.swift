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

/// edge-popup and Han's pipeline from start to end on the embedded digits.
@Suite(.serialized) struct TicketRunTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func popup(compact: Bool = true) -> Experiment {
    Experiment(
      start: .network("mlp:64-20-10-x2", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3),
      initialization: .signedKaiming,
      training: TrainingPlan(
        length: .epochs(5), batchSize: 30, optimizer: .sgd(weightDecay: 1e-4), learningRate: .init(base: 0.1, decay: .cosine), seed: 3),
      pruning: PruningPlan(
        method: "edge-popup", criterion: .magnitude, granularity: .weight, allocation: .layer, amount: .total(0.5), timing: .everyStep,
        compact: compact, seed: 3))
  }

  @Test func randomWeightsAreChosenAndTheRowSaysSo() throws {
    let runner = try Runner(popup(compact: false))
    try runner.run()
    // 64·40 + 40·10 = 2,960 weights, half of each layer.
    #expect(try runner.model.facts().nonZeroWeights == 1480)
    #expect(runner.state[RandomWeights.self]?.count == 1480)
    #expect(runner.state.events.map(\.kept) == [1480])
    #expect(runner.state.history.map(\.masked) == [["fc1.weight": 1280, "fc2.weight": 200]])
    let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(row.weights?.removed == 1480 && row.weights?.total == 2960)
    #expect(
      row.notes == [
        RunNote(
          subject: "weights",
          words: "random: the 1,480 that are used equal their initial values bit for bit, biases are 0, norms the identity")
      ])
    #expect(row.text(width: 300).contains("edge-popup: weights by trained scores, 50 % of each layer in all, chosen anew at every step"))
    // Chance is a tenth.
    let (before, after) = (try #require(row.dense.accuracyAtEnd), try #require(row.pruned?.accuracyAtEnd))
    #expect(before.fraction < 0.3 && after.fraction > 0.5)
  }

  @Test func aBrokenRunEndsWithTheSameBytes() throws {
    let unbroken = try BrokenOffRun(popup()).file
    #expect(try BrokenOffRun(popup(), breakingAfter: [1, 7, 12]).file == unbroken)
  }

  private func dropped() throws -> Model {
    var builder = NetworkBuilder("dropped", input: .image(channels: 1, height: 8, width: 8))
    builder.flatten()
    builder.linear("fc1", 40)
    builder.relu()
    builder.dropout(0.5, "drop")
    builder.linear("fc2", 10)
    return try Model(builder.network(), seed: 3)
  }

  @Test func hansRetrainingHasTheRescaledDropout() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("dropped.safetensors")
    try ModelFile(model: dropped()).write(to: path)
    let recovery = TrainingPlan(length: .epochs(1), batchSize: 60, learningRate: .init(base: 1e-4), seed: 3)
    let han = Experiment(
      start: .file(path), data: DataPlan(dataset: "digits", subset: 300, seed: 3), training: nil, l1: 1e-4,
      pruning: PruningPlan(
        method: "han", criterion: .threshold, granularity: .weight, allocation: .layer, amount: .deviations(0.8),
        timing: .rounds(2, recovery: .epochs(1)), compact: false, rescalesDropout: true, seed: 3), recovery: recovery)
    var lines: [String] = []
    let runner = try Runner(han, options: .init(note: { lines.append($0) }))
    try runner.run()
    let kept = try #require(MaskSet(runner.model).layers.last).kept
    #expect(kept > 0 && kept < 400)
    guard case .dropout(let rescaled)? = runner.model.network.node(named: "drop")?.operation else {
      Issue.record("no dropout")
      return
    }
    #expect(abs(rescaled - 0.5 * (Double(kept) / 400).squareRoot()) < 1e-12)
    #expect(lines.count { $0.hasPrefix("drop: dropout 0.") && $0.hasSuffix(", as fc2 lost connections") } == 2)
    let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(row.notes == [RunNote(subject: "dropout", words: "drop 0.5 → \((rescaled * 1e4).rounded() / 1e4)")])
    #expect(row.method?.hasSuffix(", dropout rescaled") == true)
  }
}
