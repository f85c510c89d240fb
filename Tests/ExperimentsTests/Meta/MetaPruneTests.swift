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

@Suite(.serialized) struct MetaPruneTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func meta(
    _ update: OuterUpdate = .reptile, keeps: MetaPruningPlan.Kept = .weights, controls: [MetaPruningPlan.Control] = []
  ) -> MetaPruningPlan {
    MetaPruningPlan(
      keeps: keeps, learning: MetaPlan(update, tasks: 2, innerSteps: update == .mldg ? 1 : 2, innerRate: 0.1),
      form: .init(ways: 3, shots: 2, queries: 4), controls: controls, judgingTasks: 20, headFit: HeadFit(steps: 10))
  }

  /// Five outer steps, then rounds of a removal and four more.
  private func experiment(
    _ meta: MetaPruningPlan, network: String = "mlp:64-16-3", criterion: Criterion = .magnitude, granularity: Granularity = .weight,
    sparsity: Double = 0.8, rounds: Int = 2, rate: Double = 0.5, recovery: Int = 4
  ) -> Experiment {
    let training = TrainingPlan(
      length: .iterations(5), batchSize: 18, optimizer: .sgd(momentum: 0), learningRate: .init(base: rate), seed: 3)
    return Experiment(
      start: .network(network, weights: nil), data: DataPlan(dataset: "digits", seed: 3), training: training,
      pruning: PruningPlan(
        method: "meta-pruning", criterion: criterion, granularity: granularity, allocation: .global, amount: .total(sparsity),
        timing: .rounds(rounds, recovery: .iterations(recovery)), gates: meta.keeps == .masks ? GatePlan() : nil, seed: 3), meta: meta)
  }

  private func row(_ runner: Runner) throws -> RunRecord {
    try runner.row(command: ["espalier"], version: "0", file: nil, latencyBatches: [])
  }

  @Test func askedIsAchievedAndEveryNetworkIsJudged() throws {
    let runner = try Runner(experiment(meta(controls: MetaPruningPlan.Control.allCases)))
    try runner.run()
    let row = try row(runner)
    let arms = try #require(row.meta).arms
    #expect(arms.map(\.name) == ["full", "random, of equal size", "pruned by one data set", "pruned"])
    // 64·16 + 16·3 weights, of which exactly 80 % leave.
    #expect(arms.map(\.weights) == [1072, 214, 214, 214])
    #expect(row.weights?.removed == 858 && row.weights?.asked == 0.8 && row.meta?.classes == [6, 1, 3])
    for arm in arms {
      #expect(arm.training.tasks == 20 && arm.unseen.tasks == 20 && arm.unseen.ways == 3)
      #expect((0...10).contains(arm.unseen.steps) && (0...1).contains(arm.unseen.accuracy) && arm.seconds > 0)
    }
    // The row's accuracies are those on unseen classes: of the full network and of the pruned one, 20 tasks of 3·4 queries.
    #expect(row.dense.accuracyAtEnd?.count == 240 && row.dense.accuracyAtEnd?.fraction == arms[0].unseen.accuracy)
    #expect(row.pruned?.accuracyAtEnd?.count == 240 && row.pruned?.accuracyAtEnd?.fraction == arms[3].unseen.accuracy)
    #expect(runner.state.events.map(\.iteration) == [5, 9] && runner.state.trainings.map(\.iterations) == [13])
    #expect(row.text().contains("last layer fitted alone") && row.text().contains("\ntasks  "))
    // Queries of one task are alike: what an accuracy is sure to is the spread over tasks, in the row as in its table.
    #expect(row.dense.accuracyAtEnd?.standardError == arms[0].unseen.standardError)
    #expect(row.pruned?.accuracyAtEnd?.standardError == arms[3].unseen.standardError)
    #expect(try runner.model.network.classes == 3 && runner.file().classes == [])
  }

  @Test func oneTaskHasNoStandardError() throws {
    var plan = meta(controls: [.full])
    plan.judgingTasks = 1
    let runner = try Runner(experiment(plan))
    try runner.run()
    let lines = try row(runner).text().split(separator: "\n").filter { $0.hasPrefix("test accuracy, end") || $0.hasPrefix("full ") }
    #expect(lines.count == 2 && lines.allSatisfy { $0.split(separator: "±").count == 3 && $0.contains(" % ± –") }, "\(lines)")
    #expect(lines.allSatisfy { !$0.contains("± 0.00") })
  }

  /// The seconds of all networks are those of the run, the ones before it was broken off among them.
  @Test func secondsAddUp() throws {
    let folder = try TemporaryDirectory()
    let run = experiment(meta(controls: [.full]))
    var count = 0
    let options = Runner.Options(
      checkpoint: folder.file("run.checkpoint"),
      interrupted: {
        count += 1
        if count == 11 { Thread.sleep(forTimeInterval: 0.5) }
        return count == 12
      })
    let first = try Runner(run, options: options)
    let stop = #expect(throws: TrainingError.self) { try first.run() }
    #expect(stop.map { "\($0)" } == "interrupted after step 12 of all networks")
    let second = try Runner(run, options: .init(checkpoint: folder.file("run.checkpoint"), resume: true))
    try second.run()
    let arms = try #require(try row(second).meta).arms
    #expect(first.state.seconds > 0.5 && arms[0].seconds > first.state.seconds)
    #expect(abs(arms.reduce(0) { $0 + $1.seconds } - second.state.seconds) < 1e-6)
  }

  /// It learns: after a hundred steps accuracy on new tasks is above that of the weights that it began with. Not MLDG, whose first term is
  /// a loss before any step: with labels that change from task to task it teaches indifference.
  @Test(arguments: [OuterUpdate.reptile, .fomaml, .maml]) func itLearns(_ update: OuterUpdate) throws {
    var experiment = experiment(meta(update, controls: [.full]), network: "mlp:64-32-3", sparsity: 0.5, rounds: 1, rate: 0.5, recovery: 40)
    func accuracy(_ experiment: Experiment) throws -> Double {
      let runner = try Runner(experiment)
      try runner.run()
      return try #require(row(runner).meta?.arms.last?.training.accuracy)
    }
    let untrained = try accuracy(experiment.with(rate: 1e-30))
    experiment = experiment.with(rate: update == .reptile ? 0.5 : 0.01, length: 60, optimizer: update == .reptile ? nil : .adam())
    #expect(try accuracy(experiment) > untrained + 0.03, "\(update): \(untrained)")
  }

  // MARK: - What lasts beyond a removal

  /// At a vanishing learning rate: Algorithm 1 ends with its first weights, Algorithm 2 with those drawn last, both under their masks.
  @Test(arguments: [MetaPruningPlan.Kept.weights, .architecture]) func weightsLastOrAreDrawnAfresh(_ keeps: MetaPruningPlan.Kept) throws {
    let experiment = experiment(meta(keeps: keeps), rate: 1e-30)
    var stages = experiment.stages
    stages.removeLast()
    let runner = try Runner(
      Experiment(start: experiment.start, data: experiment.data, stages: stages))
    let first = runner.model
    try runner.run()
    let drawn = try Model(
      first.network, initialization: .kaimingUniform, seed: SeedPurpose.initialization.seed(from: 3) &+ 2)
    let (expected, other) = keeps == .weights ? (first, drawn) : (drawn, first)
    for name in first.network.prunableWeights {
      let (found, mask) = (try runner.model.tensor(name), try #require(runner.model.masks[name]))
      func masked(_ tensor: Tensor) throws -> [UInt8] { try mask.select(tensor.detached(), else: tensor.detached().zerosLike()).bytes() }
      #expect(try found.detached().bytes() == masked(expected.tensor(name)))
      #expect(try found.detached().bytes() != masked(other.tensor(name)))
    }
  }

  @Test func unitsLeaveWithAProof() throws {
    let runner = try Runner(
      experiment(
        meta(keeps: .architecture, controls: [.random]), network: "mlp:64-24-12-3", criterion: .l2, granularity: .unit, sparsity: 0.5))
    try runner.run()
    let row = try row(runner)
    #expect(row.units?.removed == 18 && row.units?.total == 36 && row.proof?.surgeries == 2)
    #expect(try #require(row.meta).arms.map(\.weights).allSatisfy { $0 < 64 * 24 + 24 * 12 + 12 * 3 })
  }

  /// Criteria that look at examples find those of tasks, with the labels that they have there.
  @Test(arguments: ["taylor", "snip", "obd", "random", "lamp"]) func everyCriterionOfWeights(_ name: String) throws {
    let runner = try Runner(experiment(meta(), criterion: Criterion(named: name), rounds: 1))
    try runner.run()
    #expect(try MaskSet(runner.model).kept <= 214 && runner.state.events[0].kept == 214)
  }

  @Test(arguments: ["activation", "apoz", "abs-mrs", "fpgm"]) func everyCriterionOfUnits(_ name: String) throws {
    let runner = try Runner(experiment(meta(), criterion: Criterion(named: name), granularity: .unit, sparsity: 0.5, rounds: 1))
    try runner.run()
    #expect(runner.state.events[0].kept == 8)
  }

  // MARK: - Broken off

  @Test(arguments: [OuterUpdate.reptile, .maml], [MetaPruningPlan.Kept.weights, .architecture])
  func brokenOffItEndsWithTheSameBytes(_ update: OuterUpdate, _ keeps: MetaPruningPlan.Kept) throws {
    let experiment = experiment(meta(update, keeps: keeps, controls: [.full, .random]))
    let unbroken = try BrokenOffRun(experiment)
    // 13 steps for each network, removals after 5 and 9 of them.
    for steps in [[2], [5], [13], [18], [20, 3], [31], [35, 1, 2]] {
      let broken = try BrokenOffRun(experiment, breakingAfter: steps)
      #expect(broken.file == unbroken.file, "after \(steps)")
      let (arms, expected) = (try row(broken.runner).meta?.arms, try row(unbroken.runner).meta?.arms)
      #expect(arms?.map(\.unseen) == expected?.map(\.unseen) && arms?.map(\.training) == expected?.map(\.training))
    }
  }

  /// Weights that were removed move on out of sight, and some are among those that the next removal keeps; counts are exact all the same.
  @Test(arguments: [MetaPruningPlan.Kept.weights, .architecture]) func straightThroughWeightsComeBack(_ keeps: MetaPruningPlan.Kept) throws
  {
    var plan = meta(.fomaml, keeps: keeps)
    plan.learning.pruneGradient = .straightThrough
    let experiment = experiment(plan)
    let unbroken = try BrokenOffRun(experiment)
    let events = unbroken.runner.state.events
    #expect(try events.map(\.kept) == [479, 214] && MaskSet(unbroken.runner.model).kept <= 214)
    for steps in [[3], [5], [7], [9], [11, 1]] {
      #expect(try BrokenOffRun(experiment, breakingAfter: steps).file == unbroken.file, "after \(steps)")
    }
    // What had left before the second removal does not leave again, unless it had come back.
    var voted = plan
    voted.keepIf = .majority
    let run = try BrokenOffRun(self.experiment(voted)).runner
    let votes = try #require(run.state[MetaOutcome.self]?.votes)
    #expect(votes[0].removed == 593 && (265..<479).contains(votes[1].removed), "\(votes)")
    #expect(votes[1].overruled <= votes[1].removed)
    #expect(run.state.events.map(\.removed) == votes.map(\.removed))
    #expect(run.state.history.prefix(2).map { $0.masked.values.reduce(0, +) } == votes.map(\.removed))
    var recomputed = plan
    recomputed.learning.pruneGradient = .recomputed
    #expect(try BrokenOffRun(self.experiment(recomputed)).file != unbroken.file)
  }

  /// How a removal is spread is learned, and the counts add up all the same; broken off or not.
  @Test(arguments: [Granularity.weight, .unit]) func learnedFractionsAddUp(_ granularity: Granularity) throws {
    func experiment(_ steps: Int?) -> Experiment {
      var plan = meta(controls: [.random, .oneDataset])
      plan.fractionSteps = steps
      return self.experiment(
        plan, network: "mlp:64-24-12-3", criterion: granularity == .weight ? .magnitude : .l2, granularity: granularity, sparsity: 0.5)
    }
    let unbroken = try BrokenOffRun(experiment(3))
    #expect(unbroken.runner.state.events.last?.kept == (granularity == .weight ? 930 : 18))
    let shares = try #require(unbroken.runner.state[MetaOutcome.self]?.shares)
    #expect(shares.map(\.layer) == (granularity == .weight ? ["fc1", "fc2", "fc3"] : ["fc1", "fc2"]))
    #expect(abs(shares.reduce(0) { $0 + log($1.share) }) < 1e-9 && Set(shares.map(\.share)).count > 1)
    #expect(try row(unbroken.runner).text().contains("\nfractions  "))
    for steps in [[7], [18], [31], [35]] { #expect(try BrokenOffRun(experiment(3), breakingAfter: steps).file == unbroken.file) }
    #expect(try BrokenOffRun(experiment(nil)).file != unbroken.file)
  }

  /// Tasks vote on what leaves: the counts are what was asked whatever the rule, which only counts its exceptions; broken off or not.
  @Test(arguments: [(Granularity.weight, "magnitude"), (.weight, "taylor"), (.unit, "activation")])
  func tasksVote(_ granularity: Granularity, _ score: String) throws {
    let criterion = try Criterion(named: score)
    func experiment(_ rule: KeepRule?) -> Experiment {
      var plan = meta(controls: [.random, .oneDataset])
      (plan.keepIf, plan.learning.tasks, plan.learning.innerRate) = (rule, 3, 1)
      return self.experiment(plan, network: "mlp:64-24-12-3", criterion: criterion, granularity: granularity, sparsity: 0.5)
    }
    let unbroken = try BrokenOffRun(experiment(.majority))
    let kept = granularity == .weight ? [1315, 930] : [25, 18]
    #expect(unbroken.runner.state.events.map(\.kept) == kept)
    for steps in [[2], [18], [22], [31], [35, 1]] {
      #expect(try BrokenOffRun(experiment(.majority), breakingAfter: steps).file == unbroken.file)
    }
    #expect(try BrokenOffRun(experiment(nil)).file != unbroken.file)
    var exceptions: [(overruled: Int, spared: Int)] = []
    for rule in [KeepRule.atLeast(1), .majority, .all] {
      let run = try BrokenOffRun(experiment(rule))
      let votes = try #require(run.runner.state[MetaOutcome.self]?.votes)
      let total = granularity == .weight ? 1860 : 36
      #expect(votes.map(\.removed) == [total - kept[0], kept[0] - kept[1]])
      for (name, tensor) in run.runner.model.tensors {
        #expect(try tensor.detached().bytes() == unbroken.runner.model.tensor(name).detached().bytes())
      }
      exceptions.append(votes.reduce((0, 0)) { ($0.0 + $1.overruled, $0.1 + $1.spared) })
      #expect(try row(run.runner).text(width: 400).contains("\nvotes        \(votes.map(\.words).joined(separator: "; "))\n"))
    }
    // Each removes as much as leaves: so nothing leaves that all keep, and nothing stays that none keeps.
    #expect(exceptions[0].overruled > 0 && exceptions[0].spared == 0, "\(exceptions)")
    #expect(exceptions[2].overruled == 0 && exceptions[2].spared > 0, "\(exceptions)")
    #expect(exceptions[1].overruled <= exceptions[0].overruled && exceptions[1].spared <= exceptions[2].spared, "\(exceptions)")
  }

  /// Where chance chooses weights, a loss of those of the last layer is worse than one of as many of the first: relatively more of it is kept.
  @Test func fractionsAreLearnedByTheLoss() throws {
    let plan = MetaPruningPlan(
      learning: MetaPlan(.reptile, tasks: 4, innerSteps: 5, innerRate: 0.1), form: .init(ways: 3, shots: 5, queries: 15), fractionSteps: 40,
      controls: [], judgingTasks: 5, headFit: HeadFit(steps: 5))
    var experiment = experiment(plan, network: "mlp:64-48-3", criterion: .random, sparsity: 0.9, rounds: 1)
    experiment.stages = experiment.stages.map { stage in
      guard var stage = stage as? MetaPrune else { return stage }
      stage.pruning.allocation = .uniform
      stage.training.plan.length = .iterations(60)
      return stage
    }
    let runner = try Runner(experiment)
    try runner.run()
    let shares = try #require(runner.state[MetaOutcome.self]?.shares)
    #expect(shares[1].layer == "fc2" && shares[1].share > 1.05, "\(shares)")
  }

  @Test func unitsBrokenOffEndWithTheSameBytes() throws {
    let experiment = experiment(meta(.fomaml, controls: [.oneDataset]), criterion: .activation, granularity: .unit, sparsity: 0.5)
    let unbroken = try BrokenOffRun(experiment)
    for steps in [[4], [7], [16], [19, 2], [24]] { #expect(try BrokenOffRun(experiment, breakingAfter: steps).file == unbroken.file) }
  }

  @Test func theRecipeComesBack() throws {
    var plan = meta(.maml, keeps: .architecture, controls: [.random])
    let experiment = experiment(plan)
    #expect(try JSONDecoder().decode(Experiment.self, from: Data(experiment.json.utf8)) == experiment)
    #expect(try experiment.json.contains("\"meta\":{") && !experiment.json.contains("\"stages\""))
    plan.judgingTasks = 21
    #expect(try self.experiment(plan).json != experiment.json)
  }

  // MARK: - What is impossible

  private func refusal(_ experiment: Experiment) -> String {
    do {
      _ = try Runner(experiment)
      return "accepted"
    } catch { return "\(error)" }
  }

  @Test func impossiblePlansAreRefusedBeforeAnyWork() {
    func refused(_ change: (inout MetaPruningPlan) -> Void) -> String {
      var plan = meta()
      change(&plan)
      return refusal(experiment(plan, network: "mlp:64-16-\(max(plan.form.ways, 1))"))
    }
    #expect(refused { $0.form.ways = 7 } == "tasks of 7 classes: there are 6 of digits to draw from")
    #expect(refused { $0.form.shots = 500 }.hasPrefix("tasks with 500 + 4 examples of each class: class "))
    #expect(refused { $0.form.ways = 1 } == "--ways 1 is impossible: give 2 to 10000")
    #expect(refused { $0.form.shots = 0 } == "--shots 0 is impossible: give 1 to 10000")
    #expect(refused { $0.form.queries = -1 } == "--queries -1 is impossible: give 1 to 10000")
    #expect(refused { $0.fractionSteps = 0 } == "--learn-fractions 0 is impossible: give 1 to 10000")
    #expect(
      refused { $0.keepIf = .atLeast(3) } == "--keep-if 3 is impossible: of 2 tasks, give 1 to 2")
    #expect(
      refused {
        $0.keepIf = .majority
        $0.learning.tasks = 1
      } == "--keep-if majority lets tasks vote, and there is one: give --tasks 2 or more")
    #expect(
      refused {
        $0.keepIf = .majority
        $0.keeps = .masks
      } == "--keep-if does not go with --meta masks, whose gates decide what leaves")
    #expect(refused { $0.judgingTasks = 0 } == "--judging-tasks 0 is impossible: give 1 to 10000")
    #expect(
      refused {
        $0.learning.update = .mldg
        $0.form.ways = 4
      } == "--outer mldg tests on other classes than it trains on: of the 6 to learn from, tasks of 4 leave too few; give --ways 3 or less")
    #expect(
      refused {
        $0.learning.update = .mldg
        $0.controls = [.oneDataset]
      } == "--outer mldg needs other classes to test on: --controls one-dataset does not go with it")
    #expect(refused { $0.fractionSteps = 2 } == "accepted")
    var spread = meta()
    spread.fractionSteps = 2
    #expect(
      refusal(experiment(spread, criterion: .l2, granularity: .unit))
        == "--learn-fractions spreads a removal over layers, and mlp:64-16-3 has one that can be pruned: fc1")
    spread = meta()
    spread.keepIf = .majority
    #expect(
      refusal(experiment(spread, criterion: .random))
        == "--keep-if majority does not go with --criterion random, by which all vote for the same: what is kept would be chance")
    spread = meta()
    spread.form.ways = 4
    #expect(refusal(experiment(spread)) == "network mlp:64-16-3 has 3 outputs, a task (--ways) has 4 classes")
    #expect(
      refusal(experiment(spread, network: "lenet-5")).hasPrefix("network lenet-5 takes 1×28×28 images, digits has 1×8×8; "))
    var passing = meta(.maml)
    passing.learning.pruneGradient = .straightThrough
    #expect(
      refusal(experiment(passing, criterion: .l2, granularity: .unit))
        == "--prune-gradient straight-through chooses anew among all weights: give --granularity weight and --sparsity")
    #expect(
      refusal(experiment(meta(), recovery: 0))
        == "meta-pruning learns before and after each removal: its trainings need at least one step each")
  }

  @Test func networksWithoutALastLayerAreRefused() throws {
    var builder = NetworkBuilder("bent", input: .image(channels: 1, height: 8, width: 8))
    builder.flatten()
    builder.linear("fc", 3)
    builder.relu()
    let (model, stage) = (try Model(builder.network(), seed: 1), try #require(experiment(meta()).stages.first as? MetaPrune))
    #expect(throws: PlanError("meta-pruning fits the last layer to each task: bent does not end in a linear layer")) {
      try stage.check(on: model, nil)
    }
  }
}

extension Experiment {
  /// The same with another outer learning rate and length.
  fileprivate func with(rate: Double, length: Int? = nil, optimizer: OptimizerPlan? = nil) -> Experiment {
    var result = self
    result.stages = stages.map { stage in
      guard var stage = stage as? MetaPrune else { return stage }
      stage.training.plan.learningRate.base = rate
      if let length { stage.training.plan.length = .iterations(length) }
      if let optimizer { stage.training.plan.optimizer = optimizer }
      return stage
    }
    return result
  }
}
