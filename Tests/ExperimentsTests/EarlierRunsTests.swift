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

/// Runs that begin with a file which an earlier run has left.
@Suite(.serialized) struct EarlierRunsTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private let network = "mlp:64-40-20-10"

  private func plan(_ granularity: Granularity, _ amount: PruningPlan.Amount, rounds: Int = 1, recovery: Step = .iterations(0))
    -> PruningPlan
  {
    PruningPlan(
      criterion: granularity == .weight ? .magnitude : .l2, granularity: granularity, scope: .layer, amount: amount,
      timing: .rounds(rounds, recovery: recovery), seed: 3)
  }

  private func file(_ plan: PruningPlan, in folder: TemporaryDirectory, from start: Experiment.Start? = nil) throws -> (
    path: String, row: RunRecord, notes: [String]
  ) {
    var notes: [String] = []
    let runner = try Runner(
      Experiment(start: start ?? .network(network, weights: nil), data: nil, training: nil, pruning: plan),
      options: .init(note: { notes.append($0) }))
    try runner.run()
    let path = folder.file("\(UUID().uuidString).safetensors")
    try runner.file().write(to: path)
    return (path, try runner.row(command: [], version: "", file: path, latencyBatches: []), notes)
  }

  /// 3,560 weights, of which 90 % leave, and then what compaction cuts out with dead units.
  @Test func theSameSparsityAgain() throws {
    let folder = try TemporaryDirectory()
    let first = try file(plan(.weight, .total(0.9)), in: folder)
    let weights = try #require(first.row.weights)
    let dead = try #require(weights.dead)
    #expect(weights.total == 3560 && weights.left == 356 && weights.earlier == nil)
    // Each of the row's counts leads to the next.
    #expect(weights.left - dead - (weights.zeros ?? 0) == first.row.pruned?.nonZeroWeights)
    #expect(try #require(first.row.pruned).prunableWeights < 3560)
    let again = try file(plan(.weight, .total(0.9)), in: folder, from: .file(first.path))
    #expect(again.row.weights == Removal(asked: 0.9, removed: 3204 + dead, of: 3560, earlier: 3204 + dead))
    #expect(again.row.pruned?.nonZeroWeights == first.row.pruned?.nonZeroWeights)
    #expect(again.row.notes == [RunNote(subject: "removals", words: "none took anything: what was asked for had left before this run")])
    #expect(again.notes == ["prune 1 after step 0: 0 removed, \(356 - dead) left; \(3204 + dead) of 3560 had left before"])
    // 128, 40 and 10 of 2560, 800 and 200.
    let more = try file(plan(.weight, .total(0.95), rounds: 3), in: folder, from: .file(again.path))
    #expect(more.row.weights?.left == 178 && more.row.weights?.total == 3560 && more.row.weights?.earlier == 3204 + dead)
  }

  /// Units: 40 and 20 of them, half of which leave, then nothing, then down to 30 %.
  @Test func unitsCountFromTheOriginal() throws {
    let folder = try TemporaryDirectory()
    let first = try file(plan(.unit, .total(0.5)), in: folder)
    #expect(first.row.units == Removal(asked: 0.5, removed: 30, of: 60) && first.row.dense.units == 60 && first.row.pruned?.units == 30)
    #expect(first.row.pruned?.outputs == 40)
    let again = try file(plan(.unit, .total(0.5), rounds: 2), in: folder, from: .file(first.path))
    #expect(again.row.units == Removal(asked: 0.5, removed: 30, of: 60, earlier: 30))
    let more = try file(plan(.unit, .total(0.7), rounds: 2), in: folder, from: .file(again.path))
    #expect(more.row.units == Removal(asked: 0.7, removed: 42, of: 60, earlier: 30))
    // 40·0.3 and 20·0.3 are left.
    let left = try ModelFile(contentsOf: more.path).model.network
    #expect(try left.channelGroups().groups.map(\.width) == [12, 6] && left.original == Architecture.parse(network))
    // A fraction of what is left counts from there.
    let half = try file(plan(.unit, .perEvent(0.5)), in: folder, from: .file(first.path))
    #expect(half.row.units == Removal(asked: 0.75, askedCount: 45, removed: 45, of: 60, earlier: 30))
  }

  @Test func costsCountFromTheOriginal() throws {
    let folder = try TemporaryDirectory()
    let half = CostTarget(.macs, .less(0.5))
    let first = try file(plan(.unit, .cost(half)), in: folder)
    let reached = try #require(first.row.targets.last)
    #expect(reached.original == 3560 && reached.asked == 1780 && reached.before == nil)
    let again = try file(plan(.unit, .cost(half)), in: folder, from: .file(first.path))
    #expect(
      again.row.targets == [
        ReachedCost(measure: "macs", original: 3560, before: reached.achieved, asked: 1780, achieved: reached.achieved)
      ])
    #expect(again.row.pruned?.macs == first.row.pruned?.macs)
  }

  /// Broken off at any moment, the second run goes on from where it began, not from where it stands.
  @Test func aLaterRunResumes() throws {
    let folder = try TemporaryDirectory()
    let first = try file(plan(.unit, .total(0.3)), in: folder)
    let training = TrainingPlan(length: .iterations(6), batchSize: 60, learningRate: LearningRateSchedule(base: 1e-3), seed: 3)
    for (granularity, amount) in [
      (Granularity.unit, PruningPlan.Amount.total(0.7)), (.unit, .cost(CostTarget(.macs, .less(0.8)))), (.weight, .total(0.9)),
    ] {
      let experiment = Experiment(
        start: .file(first.path), data: DataPlan(dataset: "digits", seed: 3), training: nil,
        pruning: plan(granularity, amount, rounds: 3, recovery: .iterations(6)), recovery: training)
      let whole = try BrokenOffRun(experiment)
      let broken = try BrokenOffRun(experiment, breakingAfter: [3, 4, 4])
      #expect(broken.file == whole.file)
      let rows = try [whole, broken].map { try $0.runner.row(command: [], version: "", file: nil, latencyBatches: []) }
      #expect(rows[0].units == rows[1].units && rows[0].weights == rows[1].weights && rows[0].targets == rows[1].targets)
    }
  }

  /// Where a file cannot tell its original, fractions count from what it holds, and that is said.
  @Test func aPastThatIsNotTold() throws {
    let folder = try TemporaryDirectory()
    let path = try file(plan(.unit, .total(0.5)), in: folder).path
    var old = try ModelFile(contentsOf: path)
    let network = old.model.network
    old.model.network = Network(name: "of my own", nodes: network.nodes, outputs: network.outputs)
    try old.write(to: path)
    let again = try file(plan(.unit, .total(0.5)), in: folder, from: .file(path))
    #expect(again.row.units == Removal(asked: 0.5, removed: 15, of: 30))
    let words = "the file does not say from which network its units left: what was asked for counts from what it holds"
    #expect(again.notes.first == words && again.row.notes == [RunNote(subject: "original", words: words)])
    // Under the catalogue's name the history leads there.
    old.model.network = Network(name: network.name, nodes: network.nodes, outputs: network.outputs)
    try old.write(to: path)
    #expect(try ModelFile(contentsOf: path).model.network == network)
  }
}
