import Datasets
import Experiments
import Foundation
import Interruptions
import Pruning
import Synchronization
import TestSupport
import Testing
import Torch
import Training

/// Whole runs that are stopped wherever they ask.
@Suite(.serialized) struct InterruptionTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func training(_ length: Step) -> TrainingPlan {
    TrainingPlan(length: length, batchSize: 60, learningRate: LearningRateSchedule(base: 1.2e-3), seed: 3)
  }

  private func experiment(_ timing: PruningPlan.Timing, _ criterion: Criterion, _ granularity: Granularity = .unit, trains: Bool = true)
    -> Experiment
  {
    Experiment(
      start: .network("mlp:64-12-10", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3),
      training: trains ? training(.epochs(3)) : nil,
      pruning: PruningPlan(
        criterion: criterion, granularity: granularity, scope: .layer, amount: .perEvent(0.3), timing: timing, seed: 3),
      recovery: training(.iterations(4)))
  }

  /// Whether the run ended, and how often it looked whether to stop.
  private func run(_ runner: Runner, stoppingAt number: Int) throws -> (ended: Bool, questions: Int) {
    let asked = Atomic(0)
    do {
      try Interruption.$isRequested.withValue(
        { asked.wrappingAdd(1, ordering: .relaxed).newValue >= number }, operation: { try runner.run() })
    } catch is Interrupted {
      return (false, asked.load(ordering: .relaxed))
    } catch TrainingError.interrupted, TrainingError.interruptedAmongNetworks {
      #expect(runner.hasCheckpoint)
      return (false, asked.load(ordering: .relaxed))
    }
    return (true, asked.load(ordering: .relaxed))
  }

  private func bytes(_ runner: Runner, in folder: TemporaryDirectory) throws -> Data {
    try runner.file().write(to: folder.file("model"))
    return try Data(contentsOf: URL(fileURLWithPath: folder.file("model")))
  }

  /// Twenty places, spread over the whole run; from each it goes on to the same bytes, and has a checkpoint if it says so.
  @Test(arguments: ["rounds", "during", "start", "meta", "masks", "fractions", "sequence", "votes"]) func wherever(kind: String) throws {
    let data = try TemporaryDirectory()
    let experiment =
      switch kind {
      case "rounds": try self.experiment(.rounds(2, recovery: .iterations(4)), Criterion(named: "abs-mrs"))
      case "meta", "masks", "fractions":
        Experiment(
          start: .network("mlp:64-12-3", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3),
          training: training(.iterations(4)),
          pruning: PruningPlan(
            method: "meta-pruning", criterion: .magnitude, granularity: .weight, allocation: .layer, amount: .perEvent(0.3),
            timing: .rounds(1, recovery: .iterations(3)), gates: kind == "masks" ? GatePlan() : nil, seed: 3),
          meta: MetaPruningPlan(
            keeps: kind == "masks" ? .masks : .weights, learning: MetaPlan(.fomaml, tasks: 1, innerSteps: 1),
            form: .init(ways: 3, shots: 1, queries: 2),
            fractionSteps: kind == "fractions" ? 4 : nil, controls: [.full],
            judgingTasks: 3,
            headFit: HeadFit(steps: 3)))
      case "sequence":
        SequenceFixtures.experiment(
          DataSequence(datasets: try SequenceFixtures.datasets(data), heads: .fresh, headFit: HeadFit(steps: 3)), epochs: 1)
      case "votes":
        SequenceFixtures.experiment(
          DataSequence(datasets: try SequenceFixtures.datasets(data), passes: 2, keepIf: .majority, headFit: HeadFit(steps: 3)),
          criterion: try Criterion(named: "weight-norm"), epochs: 1)
      case "during": self.experiment(.during(every: .epochs(1), until: nil), .activation)
      default: self.experiment(.atStart(rounds: 5), .magnitude, .weight)
      }
    let folder = try TemporaryDirectory()
    let checkpoint = folder.file("run.checkpoint")
    let unbroken = try Runner(experiment)
    let (ended, questions) = try run(unbroken, stoppingAt: .max)
    #expect(ended && questions > 20, "\(questions)")
    let expected = try bytes(unbroken, in: folder)
    var withCheckpoint = 0
    // The last question may come after the last step, when nothing is left to be stopped.
    for number in stride(from: 1, to: questions, by: max(questions / 20, 1)) {
      try? FileManager.default.removeItem(atPath: checkpoint)
      var told = 0
      let runner = try Runner(
        experiment, options: .init(checkpoint: checkpoint, checkpointEvery: .epochs(1), didCheckpoint: { told += 1 }))
      let (ended, _) = try run(runner, stoppingAt: number)
      #expect(!ended)
      #expect(runner.hasCheckpoint == FileManager.default.fileExists(atPath: checkpoint) && runner.hasCheckpoint == (told > 0), "\(number)")
      withCheckpoint += runner.hasCheckpoint ? 1 : 0
      let resumed = try Runner(experiment, options: .init(checkpoint: checkpoint, resume: true))
      #expect(resumed.hasCheckpoint == runner.hasCheckpoint)
      try resumed.run()
      #expect(try bytes(resumed, in: folder) == expected, "\(kind) \(number)")
    }
    #expect(withCheckpoint > 5, "\(withCheckpoint)")
  }

  /// Nothing is written before the first training: there is nothing to go on from, and nothing is said to be.
  @Test func removalsBeforeAnyTraining() throws {
    let folder = try TemporaryDirectory()
    let runner = try Runner(
      Experiment(
        start: .network("mlp:64-40-10", weights: nil), data: nil, training: nil,
        pruning: PruningPlan(
          criterion: .synflow, granularity: .weight, scope: .global, amount: .total(0.9), timing: .atStart(rounds: 50), seed: 3)),
      options: .init(checkpoint: folder.file("c")))
    #expect(try !run(runner, stoppingAt: 20).ended)
    #expect(!runner.hasCheckpoint && !FileManager.default.fileExists(atPath: folder.file("c")))
  }
}
