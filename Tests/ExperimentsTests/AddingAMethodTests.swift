import Experiments
import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

// What Documentation/AddingAMethod.md shows, word for word: a test below compares them.

// MARK: - The stage

/// Kept weights, biases and norms go back to the values that the run began with (Frankle & Carbin 2019).
struct RewindToStart: Stage {
  static let name = "rewind-to-start"

  func carryOut(in run: Runner) throws {
    run.model = try run.model.rewound(to: run.startingModel())
    run.note("kept weights are back at their first values")
  }
}

// MARK: - The method

extension PruningMethod {
  /// Train, prune once, rewind, and train again with the whole schedule: a lottery ticket of one round.
  static let oneTicket: PruningMethod = {
    var method = PruningMethod(
      name: "one-ticket", summary: "trained, pruned once, and trained again from the first values", paper: "Frankle & Carbin 2019",
      allocation: .layer)
    method.stages = { plans in
      guard let training = plans.training, let pruning = plans.pruning else { return plans.stagesByTiming }
      return [
        Train(training), Prune(pruning, round: 1, of: 1), RewindToStart(), Recover(training, round: 1, of: 1), Compact(pruning),
      ]
    }
    return method
  }()
}

// MARK: - The test

struct OneTicketTests {
  private let plans: MethodOptions = {
    let training = TrainingPlan(length: .epochs(2), batchSize: 60, learningRate: .init(base: 0.001), seed: 3)
    let pruning = PruningPlan(
      method: "one-ticket", criterion: .magnitude, granularity: .weight, allocation: .layer, amount: .total(0.5),
      timing: .rounds(1, recovery: .epochs(2)), seed: 3)
    return MethodOptions(training: .init(training), recovery: .init(training), pruning: pruning)
  }()

  private func run(_ stages: [any Stage]) throws -> Experiment {
    Experiment(start: .network("mlp:64-12-10", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3), stages: stages)
  }

  @Test func keptWeightsGoBackBitForBit() throws {
    // Without the second training, so that the rewound weights can be seen.
    let runner = try Runner(run(Array(PruningMethod.oneTicket.stages(plans).prefix(3))))
    let first = runner.model
    try runner.run()
    #expect(try MaskSet(runner.model).kept == 444)
    for name in runner.model.network.prunableWeights {
      let mask = try #require(runner.model.masks[name])
      let kept = try first.tensor(name).detached()
      #expect(try runner.model.tensor(name).bytes() == mask.select(kept, else: kept.zerosLike()).bytes())
    }
  }

  @Test func brokenOffItEndsWithTheSameBytes() throws {
    let experiment = try run(PruningMethod.oneTicket.stages(plans))
    let unbroken = try BrokenOffRun(experiment)
    #expect(unbroken.runner.state.trainings.map(\.phase) == ["training", "round 1/1"])
    for step in [3, 8] { #expect(try BrokenOffRun(experiment, breakingAfter: [step]).file == unbroken.file) }
  }
}

// MARK: - The page

@Suite struct AddingAMethodTests {
  /// Each Swift block of the page stands in this file.
  @Test func thePageShowsThisFile() throws {
    let file = URL(filePath: #filePath)
    let page = file.deletingLastPathComponent().appending(path: "../../Documentation/AddingAMethod.md").standardized
    let blocks = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```swift\n").dropFirst()
      .map { $0.components(separatedBy: "```")[0] }
    let source = try String(contentsOf: file, encoding: .utf8)
    #expect(blocks.count == 3)
    for block in blocks { #expect(source.contains(block), "\(block)") }
  }

  /// A method that is in no catalogue has recipes all the same: its stages.
  @Test func itsRecipeIsItsStages() throws {
    let training = RegularizedTraining(TrainingPlan(length: .epochs(2), batchSize: 60, learningRate: .init(base: 0.001)))
    let pruning = PruningPlan(
      method: "one-ticket", criterion: .magnitude, granularity: .weight, allocation: .layer, amount: .total(0.5),
      timing: .rounds(1, recovery: .epochs(2)))
    let stages = PruningMethod.oneTicket.stages(MethodOptions(training: training, recovery: training, pruning: pruning))
    let json = try Experiment(start: .network("mlp:64-12-10", weights: nil), data: nil, stages: stages).json
    #expect(json.contains("{\"stage\":\"rewind-to-start\"}"))
  }
}
