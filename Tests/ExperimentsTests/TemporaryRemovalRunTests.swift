import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

@testable import Experiments

/// Whole runs whose removals only disturb.
@Suite(.serialized) struct TemporaryRemovalRunTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func experiment(_ kind: TemporaryRemoval.Kind, _ granularity: Granularity) -> Experiment {
    // 300 of the digits: 5 steps of 60 an epoch.
    Experiment(
      start: .network("mlp:64-16-12-10", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3),
      training: TrainingPlan(length: .epochs(5), batchSize: 60, learningRate: .init(base: 0.002), seed: 3),
      pruning: PruningPlan(
        criterion: granularity == .weight ? .magnitude : .l2, granularity: granularity, allocation: .layer, amount: .perEvent(0.3),
        timing: .during(every: .iterations(6), until: .iterations(20)), temporary: TemporaryRemoval(kind, hold: .iterations(2)), seed: 3))
  }

  @Test(arguments: TemporaryRemoval.Kind.allCases, [Granularity.weight, .unit])
  func itEndsWithTheSameBytesWhereverItWasBrokenOff(kind: TemporaryRemoval.Kind, granularity: Granularity) throws {
    let run = experiment(kind, granularity)
    let whole = try BrokenOffRun(run)
    // Within the first disturbance, at its end, and between two.
    #expect(try BrokenOffRun(run, breakingAfter: [7]).file == whole.file)
    #expect(try BrokenOffRun(run, breakingAfter: [8, 3]).file == whole.file)
    #expect(whole.runner.state.events.count == 3 && whole.runner.state.history.isEmpty)
    let row = try whole.runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(row.weights == nil && row.units == nil && row.layers == nil && row.proof == nil && row.unprovedSurgeries == nil)
    let left = try #require(row.pruned)
    // What was zeroed may stay so behind a ReLU that is never open.
    #expect(left.parameters == row.dense.parameters && (kind == .zero || left.nonZeroWeights == row.dense.nonZeroWeights))
    #expect(row.removals?.map(\.step) == [6, 12, 18] && row.removals?.allSatisfy { $0.removed > 0 && $0.before != nil } == true)
    #expect(row.instability != nil && row.method?.contains(" instead of removed") == true)
    let back = try JSONDecoder().decode(Experiment.self, from: Data(run.json.utf8))
    #expect(back == run && run.pruning?.temporary != nil)
  }
}
