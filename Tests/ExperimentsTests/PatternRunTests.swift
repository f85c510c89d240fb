import Experiments
import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// Runs whose weights leave in blocks or N:M groups.
@Suite(.serialized) struct PatternRunTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func training(_ length: Step) -> TrainingPlan {
    TrainingPlan(length: length, batchSize: 60, learningRate: LearningRateSchedule(base: 1.2e-3), seed: 3)
  }

  private func experiment(
    _ pattern: WeightPattern, _ sparsity: Double, _ timing: PruningPlan.Timing = .rounds(1, recovery: .epochs(2)),
    allocation: Allocation = .layer, schedule: SparsitySchedule = .exponential, network: String = "mlp:64-40-22-10"
  ) -> Experiment {
    let recovers = if case .rounds = timing { true } else { false }
    return Experiment(
      start: .network(network, weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3), training: training(.epochs(4)),
      pruning: PruningPlan(
        criterion: .magnitude, granularity: .weight, pattern: pattern, allocation: allocation, amount: .total(sparsity), timing: timing,
        schedule: schedule, seed: 3), recovery: recovers ? training(.epochs(2)) : nil)
  }

  /// Numbers of weights other than 0 in each group of consecutive inputs.
  private func groups(of size: Int, _ name: String, in model: Model) throws -> Set<Int> {
    let weight = try model.tensor(ParameterName(name, .weight))
    let inputs = weight.shape[1]
    let values = try weight.detached().contiguous().array(Float.self)
    return Set(
      stride(from: 0, to: values.count, by: inputs).flatMap { row in
        stride(from: 0, to: inputs / size * size, by: size).map { start in (0..<size).count { values[row + start + $0] != 0 } }
      })
  }

  /// After the removal and after the training that follows; one shot, and by one weight a round.
  @Test(arguments: [PruningPlan.Timing.rounds(1, recovery: .epochs(2)), .rounds(2, recovery: .epochs(1)), .during(every: .epochs(1))])
  func everyGroupKeepsItsShareThroughTraining(timing: PruningPlan.Timing) throws {
    let experiment = experiment(.nm(kept: 2, of: 4), 0.5, timing, schedule: .linear)
    try experiment.validate()
    let runner = try Runner(experiment)
    try runner.run()
    for name in ["fc1", "fc2", "fc3"] { #expect(try groups(of: 4, name, in: runner.model) == [2]) }
    // 64·40 + 40·22 + 22·10 weights; of the last layer's 22 inputs two are over, of which one stays.
    #expect(runner.state.events.last?.kept == 1830 && runner.state.events.last?.prunable == 3660)
    #expect(try runner.model.facts().nonZeroWeights == 1830)
    let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(row.weights?.removed == 1830 && row.weights?.asked == 0.5 && row.weights?.dead == nil)
    #expect(
      row.notes?.first { $0.subject == "pattern" }?.words
        == "at most 2 of 4 inputs are left in each of 920 groups, counting 10 smaller ones at edges")
    #expect(row.method?.hasPrefix("weights (2 of each 4 inputs stay) by magnitude") == true)
    // The recipe that the model file keeps.
    let recipe = try #require(try runner.file().recipe)
    #expect(recipe.contains("\"pattern\":\"nm:2:4\""))
    #expect(try JSONDecoder().decode(Experiment.self, from: Data(recipe.utf8)).pruning == experiment.pruning)
  }

  @Test(arguments: [PruningPlan.Timing.rounds(1, recovery: .epochs(1)), .rounds(3, recovery: .epochs(1)), .during(every: .epochs(1))])
  func blocksStayGone(timing: PruningPlan.Timing) throws {
    let runner = try Runner(
      experiment(.block(rows: 4, columns: 4), 0.75, timing, allocation: .global, schedule: .cubic))
    try runner.run()
    let plan = try #require(runner.experiment.pruning)
    let counts = try #require(try plan.patternCounts(of: runner.model))
    // 10·16, 6·10 and 3·6 blocks; fc2 has two outputs over, fc3 two outputs and two inputs.
    #expect(counts.cells == 238 && counts.small == 10 + 8 && counts.broken == 0)
    let kept = try #require(runner.state.events.last).kept
    #expect(abs(kept - 915) <= 8, "\(kept)")
    #expect(try runner.model.facts().nonZeroWeights == kept)
    #expect(try runner.model.network.channelGroups().groups.map(\.width) == [40, 22])
    let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(row.weights?.removed == 3660 - kept && row.layers?.reduce(0) { $0 + $1.kept } == kept)
    let words = try #require(row.notes?.first { $0.subject == "pattern" }?.words)
    let difference = abs(kept - 915)
    let end =
      difference == 0
      ? ""
      : "; \(difference) \(difference == 1 ? "weight" : "weights") \(kept < 915 ? "more" : "fewer") than asked gone, as blocks leave whole"
    #expect(words == "\(counts.left) of 238 blocks of 4×4 weights are left, counting 18 smaller ones at edges" + end)
  }

  @Test func brokenOffRunsEndWithTheSameBytes() throws {
    for experiment in [
      experiment(.block(rows: 1, columns: 4), 0.8, .rounds(2, recovery: .epochs(2)), allocation: .global),
      experiment(.nm(kept: 1, of: 4), 0.75),
    ] {
      #expect(try BrokenOffRun(experiment, breakingAfter: [7, 20]).file == BrokenOffRun(experiment).file)
    }
  }

  /// What a run has left in groups, a later one goes on from.
  @Test func aLaterRunGoesOn() throws {
    let folder = try TemporaryDirectory()
    let first = try Runner(experiment(.nm(kept: 2, of: 4), 0.5))
    try first.run()
    try first.file().write(to: folder.file("half.safetensors"))
    var next = experiment(.nm(kept: 1, of: 4), 0.75)
    next.start = .file(folder.file("half.safetensors"))
    next.stages.removeFirst()
    let second = try Runner(next)
    try second.run()
    for name in ["fc1", "fc2", "fc3"] { #expect(try groups(of: 4, name, in: second.model) == [1]) }
    #expect(second.state.events.first?.removed == 64 * 10 + 10 * 22 + 5 * 10)
    // Of 3,660 weights 2,745 are asked for; ten groups of two keep one, not half of one.
    let row = try second.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(row.weights?.removed == 2740 && row.weights?.earlier == 1830)
    #expect(
      row.notes?.first { $0.subject == "pattern" }?.words
        == "at most 1 of 4 inputs is left in each of 920 groups, counting 10 smaller ones at edges; 5 weights fewer than asked gone, as "
        + "shorter groups round up")
  }

  @Test func votesTakeNoPatterns() throws {
    var wrong = experiment(.nm(kept: 2, of: 4), 0.5)
    wrong.stages.append(MetaPrune(RegularizedTraining(training(.epochs(1))), try #require(wrong.pruning), MetaPruningPlan()))
    let words = "--method meta-pruning removes single weights, units or filters: --granularity nm:2:4 does not go with it"
    #expect(throws: PlanError(words)) { try wrong.validate() }
  }
}
