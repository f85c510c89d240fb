import Experiments
import Foundation
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// Weights that come back in whole runs on the embedded digits.
@Suite(.serialized) struct RegrowthRunTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func experiment(_ method: any Regrowth) -> Experiment {
    let isSparse = type(of: method).start == .sparse
    return Experiment(
      start: .network("mlp:64-20-10", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3),
      training: TrainingPlan(length: .epochs(8), batchSize: 60, learningRate: LearningRateSchedule(base: 1.2e-3), seed: 3),
      pruning: PruningPlan(
        criterion: isSparse ? .random : .magnitude, granularity: .weight, allocation: isSparse ? .erk : .global, amount: .total(0.9),
        timing: isSparse ? .atStart(rounds: 1) : .during(every: .epochs(1), until: .epochs(4)), schedule: .cubic, compact: false,
        regrowth: RegrowthPlan(method), seed: 3))
  }

  @Test(arguments: [0, 1, 2]) func resumedRunsEndWithTheSameBytes(member: Int) throws {
    let members: [any Regrowth] = [
      RigL(schedule: .init(interval: .iterations(5))), DoublePruning(prunedSteps: .iterations(2)), DenseSparseDense(prune: true),
    ]
    let experiment = experiment(members[member])
    let unbroken = try BrokenOffRun(experiment)
    let broken = try BrokenOffRun(experiment, breakingAfter: [7, 3, 9])
    #expect(broken.file == unbroken.file)
    #expect(broken.runner.state[RegrowthReport.self] == unbroken.runner.state[RegrowthReport.self])
    #expect(try #require(unbroken.runner.state[RegrowthReport.self]).exchanged > 0)
  }

  @Test func theRowTellsWhatCameBack() throws {
    let runner = try BrokenOffRun(experiment(DenseSparseDense())).runner
    let row = try runner.row(command: ["espalier", "prune"], version: "test", file: nil, latencyBatches: [1])
    // 64·20 + 20·10 = 1,480 weights, 1,332 of them back after two thirds of 8 epochs of 4 or 5 steps.
    let total = try #require(runner.state.trainings.last).iterations
    let regrowth = try #require(row.regrowth)
    #expect(
      regrowth.words == "dsd: 1 exchange, 1,332 weights came back; 100.00 % of all were alive at some time; at the end 1,480 of "
        + "1,480, for the last \(total - total * 2 / 3) steps")
    #expect(row.weights?.removed == 0 && row.weights?.asked == 0.9)
    #expect(row.text().contains("\nregrowth "))
  }
}
