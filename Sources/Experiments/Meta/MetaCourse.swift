internal import Datasets
internal import Foundation
internal import Interruptions
internal import Networks
internal import Pruning
internal import Results
internal import Torch
internal import Training

/// A meta-pruning in progress: one network after the other, each a number of trainings with removals between them.
///
/// All steps of all networks are counted through, so that one number, the present model and the optimizer say where it stands.
final class MetaCourse {
  /// A network that is learned.
  enum Arm: Hashable {
    case control(MetaPruningPlan.Control)
    case pruned

    var name: String {
      switch self {
      case .control(.full): "full"
      case .control(.random): "random, of equal size"
      case .control(.oneDataset): "pruned by one data set"
      case .pruned: "pruned"
      }
    }
  }

  let stage: MetaPrune
  unowned let runner: Runner
  let tasks: MetaTasks
  private let arms: [Arm]
  /// Numbers of steps after which an arm's trainings end.
  let ends: [Int]
  private var perArm: Int { ends.last ?? 0 }
  private var total: Int { arms.count * perArm }

  /// Number of finished steps of all arms.
  private var iteration = 0
  /// Whether what follows a training, the removal or the judgement, is still to be done.
  private var isOpen = false
  private var log = TrainingLog()
  private var model: Model
  private var dropout: Generator
  private var learner: MetaLearner?
  /// Values of pruned weights, if prune steps are passed straight through.
  private var hidden: [ParameterName: Tensor] = [:]
  /// What decides which weights leave, until the last removal, if masks are learned.
  private var gates: MetaGates?
  /// Weights that gates leave alone, if masks are learned.
  private let ungated: [String]
  private var pruner: (arm: Arm, pruner: Pruner)?
  /// The votes of tasks on the removal at hand; nil if they do not vote.
  private var ballot: Ballot?
  var outcome: MetaOutcome
  /// Seconds of the run before this process took it up.
  private let before: Double
  private let started = Date()
  /// Seconds of the run so far.
  private var seconds: Double { before + Date().timeIntervalSince(started) }

  /// Begins, or goes on from the run's checkpoint.
  ///
  /// - Throws: `RecordError` for a checkpoint that this run cannot have written.
  init(_ stage: MetaPrune, in run: Runner) throws {
    guard let data = run.data else { throw PlanError("meta-pruning needs images: give --dataset") }
    self.stage = stage
    runner = run
    before = run.state.seconds
    arms = stage.meta.controls.map { .control($0) } + [.pruned]
    var done = 0
    ends = stage.segments.map { length in
      done += length
      return done
    }
    let tasks = try MetaTasks(stage.meta, of: data, seed: stage.training.plan.seed, channelsLast: run.model.network.hasConvolutions)
    self.tasks = tasks
    ungated = stage.pruning.gates == nil ? [] : try MetaGates.ungated(in: run.model.network, ignoring: stage.pruning.ignored)
    model = run.model
    dropout = try Generator(seed: 0)
    outcome =
      run.state[MetaOutcome.self]
      ?? MetaOutcome(
        learning: stage.meta.words, classes: [tasks.split.training, tasks.split.validation, tasks.split.test].map(\.count),
        headSteps: stage.meta.headFit.steps, arms: [], begun: run.state.seconds)
    // A checkpoint keeps from when the first network's seconds count.
    run.state[MetaOutcome.self] = outcome
    if run.state.dense == nil { try run.recordDenseShape() }
    if let state = run.resumed?.training { try goOn(from: state) }
  }

  private func goOn(from state: Trainer.State) throws {
    try RecordError.naming(runner.options.checkpoint ?? "", as: "a damaged checkpoint") {
      let finished = state.isStepOpen ? (state.iteration - 1) / perArm : state.iteration / perArm
      guard (0..<total).contains(state.iteration) || state.iteration == total && state.isStepOpen, outcome.arms.count == finished else {
        throw RecordError("meta-pruning of \(total) steps cannot go on from step \(state.iteration) with \(outcome.arms.count) networks")
      }
      guard !state.isStepOpen || state.iteration > 0 && ends.contains((state.iteration - 1) % perArm + 1) else {
        throw RecordError("no training of a meta-pruning ends with step \(state.iteration)")
      }
      (iteration, isOpen, log) = (state.iteration, state.isStepOpen, state.log)
      do { try dropout.restore(state.dropout) } catch { throw RecordError("random.dropout is not the state of a random stream") }
      for (name, tensor) in state.hooks["meta"] ?? [:] {
        guard let name = ParameterName(name), let own = model.tensors[name], tensor.shape == own.shape,
          tensor.elementType == own.elementType
        else { throw RecordError("what hook meta keeps does not fit this run") }
        hidden[name] = tensor
      }
      let place = (state.isStepOpen ? state.iteration - 1 : state.iteration) % perArm
      if learnsMasks(arms[min(state.iteration / perArm, arms.count - 1)], before: place), state.isStepOpen || place > 0 {
        gates = try makeGates()
        try gates?.restore(state.hooks["gates"] ?? [:])
      }
      // Where a training begins, so does its optimizer.
      guard !state.optimizer.moments.isEmpty else { return }
      do { learner = try makeLearner(model, state.optimizer) } catch let error as PlanError { throw RecordError(error.description) }
    }
  }

  /// Takes all steps that are left, with removals and judgements, and leaves the pruned network to the runner.
  func carryOut() throws {
    if isOpen { try close() }
    while iteration < total {
      if iteration % perArm == 0 { try runner.tell(.began(edge(of: iteration / perArm))) }
      let loss = try step()
      iteration += 1
      log.lossSum += loss.value
      log.lossCount += 1
      isOpen = ends.contains((iteration - 1) % perArm + 1)
      let evaluated = log.evaluations.count
      if isOpen { try close() }
      let done = iteration % perArm
      runner.options.report(
        RunProgress(
          phase: arms[(iteration - 1) / perArm].name,
          training: TrainingProgress(
            iteration: done == 0 ? perArm : done, total: perArm, iterationsPerEpoch: 0, loss: loss.value, learningRate: loss.rate,
            evaluation: log.evaluations.count > evaluated ? log.evaluations.last : nil)))
      runner.state.seconds = seconds
      let stop = runner.options.interrupted()
      guard iteration < total, stop || isCheckpointDue else { continue }
      try save()
      if stop { throw TrainingError.interruptedAmongNetworks(iteration: iteration) }
    }
    runner.model = model
    // The sum of the networks' seconds.
    runner.state.seconds = outcome.begun
    runner.state.trainings.append(
      .init(
        phase: "meta-training", iterations: perArm, best: log.best, last: log.evaluations.last, evaluations: log.evaluations,
        epochSeconds: []))
  }

  private var isCheckpointDue: Bool {
    guard let every = runner.options.checkpointEvery else { return runner.isCheckpointOverdue }
    return iteration % max(every.iterations(perEpoch: ends.first ?? 1), 1) == 0
  }

  private func save() throws {
    runner.model = learner?.model ?? model
    let kept = learner?.hiddenTensors ?? hidden
    var hooks: [String: [String: Tensor]] = [:]
    if !kept.isEmpty { hooks["meta"] = Dictionary(uniqueKeysWithValues: kept.map { ($0.description, $1) }) }
    hooks["gates"] = try gates?.state()
    let optimizer = learner?.optimizer.state ?? .init(stepCount: 0, moments: [:])
    try runner.checkpoint(
      training: Trainer.State(
        iteration: iteration, log: log, optimizer: optimizer, dropout: dropout.state(), hooks: hooks, isStepOpen: isOpen))
  }

  // MARK: - Steps

  /// Takes an outer step; first begins the training that it belongs to, if it is the first of one.
  private func step() throws -> (value: Double, rate: Double) {
    let (arm, step) = (arms[iteration / perArm], iteration % perArm)
    let training = ends.firstIndex { $0 > step } ?? 0
    let learner = try self.learner ?? begin(arm, training)
    self.learner = learner
    let rate = rate(at: step)
    try gates?.begin(step, of: learner.model, gain: learner.gain(learningRate: rate))
    let loss = try learner.step(on: tasks.learned(at: step, ofOneDataset: arm == .control(.oneDataset)), learningRate: rate)
    return (loss, rate)
  }

  /// The learning rate of an arm's step, from 0; each training of an arm has the whole schedule.
  private func rate(at step: Int) -> Double {
    let training = ends.firstIndex { $0 > step } ?? 0
    let start = training == 0 ? 0 : ends[training - 1]
    let length = ends[training] - start
    return stage.training.plan.learningRate.rate(at: step - start, of: length, perEpoch: length)
  }

  /// The beginning or the end of a network's trainings, as a moment.
  private func edge(of arm: Int) -> RunMoment.Phase {
    RunMoment.Phase(phase: arms[arm].name, training: arm, step: iteration, steps: perArm)
  }

  private func begin(_ arm: Arm, _ training: Int) throws -> MetaLearner {
    let seed = stage.training.plan.seed
    if training == 0 {
      model = try runner.startingModel()
      log = TrainingLog()
      dropout = try Generator(seed: SeedPurpose.dropout.seed(from: seed))
      hidden = [:]
      gates = learnsMasks(arm, before: 0) ? try makeGates() : nil
    } else if stage.meta.keeps == .architecture, arm != .control(.full) {
      let fresh = try runner.experiment.initialization.tensors(
        for: model.network, seed: SeedPurpose.initialization.seed(from: seed) &+ UInt64(training))
      model = try Model(network: model.network, tensors: fresh, masks: model.masks)
      if passesThrough { hidden = try fresh.filter { model.masks[$0.key] != nil }.mapValues { try $0.copied() } }
      try model.applyMasks()
    }
    return try makeLearner(model, nil)
  }

  private func makeLearner(_ model: Model, _ state: Optimizer.State?) throws -> MetaLearner {
    try MetaLearner(
      stage.meta.learning, optimizer: stage.training.plan.optimizer, model: model, state: state, hidden: hidden, gates: gates,
      dropout: dropout)
  }

  /// Whether gates decide what the next removal of an arm takes, given the number of its finished steps.
  private func learnsMasks(_ arm: Arm, before step: Int) -> Bool {
    stage.pruning.gates != nil && [.pruned, .control(.oneDataset)].contains(arm) && step < gatedSteps
  }

  /// Number of an arm's steps before its last removal.
  private var gatedSteps: Int { ends.dropLast().last ?? 0 }

  private func makeGates() throws -> MetaGates {
    try MetaGates(stage.pruning, model: model, examples: runner.data?.training.count ?? 1, steps: gatedSteps)
  }

  // MARK: - Between trainings

  /// Does what follows a training; if that is interrupted, a checkpoint goes on with it.
  private func close() throws {
    do {
      let (arm, step) = (arms[(iteration - 1) / perArm], (iteration - 1) % perArm + 1)
      // Row-major, as when read from a checkpoint: sums over another memory layout are rounded differently.
      var present = try (learner?.model ?? model).copied()
      present.tensors = try present.tensors.mapValues { try $0.contiguous() }
      if let learner { hidden = try learner.hiddenTensors.mapValues { try $0.detached().contiguous().copied() } }
      let validation = try tasks.judge(gates?.folded(present) ?? present, by: .validation)?.evaluation
      let record = EvaluationRecord(iteration: step, trainingLoss: log.lossSum / Double(max(log.lossCount, 1)), validation: validation)
      if step == perArm {
        try finish(arm, present)
      } else {
        model = try prune(present, arm, removal: (ends.firstIndex(of: step) ?? 0) + 1, step, validation)
      }
      log.evaluations.append(record)
      let number = (iteration - 1) / perArm
      try runner.tell(
        .evaluated(
          record.moment(arm.name, training: number, epoch: nil, after: iteration - step, learningRate: rate(at: step - 1))))
      if step == perArm { try runner.tell(.ended(edge(of: number))) }
      (log.lossSum, log.lossCount) = (0, 0)
      learner = nil
      isOpen = false
    } catch let stop as Interrupted {
      runner.state.seconds = seconds
      try save()
      throw stop
    }
  }

  private var passesThrough: Bool { stage.meta.learning.pruneGradient == .straightThrough }

  private func prune(_ present: Model, _ arm: Arm, removal: Int, _ step: Int, _ validation: Evaluation?) throws -> Model {
    guard arm != .control(.full) else { return present }
    runner.model = present
    let candidate = passesThrough ? try present.uncovered(by: hidden) : present
    ballot = arm == .control(.random) ? nil : try votes(on: candidate, arm, removal: removal)
    let shares = arm == .control(.random) ? nil : try learnedShares(of: candidate, arm, removal: removal)
    let pruner = try self.pruner(of: arm, shares)
    var pruned = try prune(candidate, pruner, arm, removal: removal, step)
    if passesThrough {
      hidden = try candidate.tensors.filter { pruned.model.masks[$0.key] != nil }.mapValues { try $0.detached().copied() }
      // The choice is among all weights, but what had left before does not leave again.
      let taken = try present.weights(lostIn: pruned.model)
      pruned.event.removed = taken.values.reduce(0, +)
      pruned.removal.masked = Dictionary(uniqueKeysWithValues: taken.filter { $0.value > 0 }.map { ($0.key.description, $0.value) })
    }
    let folded = try gates?.folded(pruned.model) ?? pruned.model
    if arm == .pruned {
      pruned.event.before = validation
      pruned.event.after = try tasks.judge(folded, by: .validation)?.evaluation
      if let ballot { try count(ballot, pruned, of: present, candidate, pruner, removal: removal) }
      if let gates { try count(gates, present, pruned.model, isLast: removal == ends.count - 1) }
      try runner.record(pruned.event, pruned.removal, step: iteration)
    }
    if let shares {
      outcome.shares = shares
      runner.state[MetaOutcome.self] = outcome
    }
    guard let gates else { return pruned.model }
    if removal < ends.count - 1 {
      try gates.closeRemoved(pruned.model)
      return pruned.model
    }
    self.gates = nil
    return folded
  }

  func prune(_ candidate: Model, _ pruner: Pruner, _ arm: Arm, removal: Int, _ step: Int) throws -> Pruner.Pruned {
    if ballot == nil, pruner.needsSweep {
      try pruner.sweep(candidate, batches: tasks.examples(1000, ofOneDataset: arm == .control(.oneDataset)))
    }
    if let ballot { pruner.scores = ballot.scores(name: stage.pruning.criterion.name) }
    return try pruner.prune(candidate, event: removal, of: ends.count - 1, iteration: step)
  }

  /// Counts the gates that had closed by themselves, each once: those that a removal takes, and at the last also those that stay.
  private func count(_ gates: MetaGates, _ present: Model, _ pruned: Model, isLast: Bool) throws {
    let closed = try (outcome.closed ?? 0) + gates.closedCount(present)
    outcome.closed = try closed - gates.closedCount(pruned)
    runner.state[MetaOutcome.self] = outcome
    guard isLast else { return }
    let layers = try MaskSet(pruned).layers.filter { !ungated.contains($0.name) }
    runner.state[GateReport.self] = GateReport(
      count: layers.reduce(0) { $0 + $1.prunable }, closed: closed, strength: nil,
      layers: layers.map { LayerSurvivors(layer: $0.name, kept: $0.kept, of: $0.prunable) })
  }

  /// Returns the pruner of an arm; with learned shares it is another one for each removal.
  private func pruner(of arm: Arm, _ shares: [MetaOutcome.Share]?) throws -> Pruner {
    guard shares == nil else { return try makePruner(for: arm, shares) }
    if let pruner, pruner.arm == arm { return pruner.pruner }
    let made = try makePruner(for: arm, nil)
    pruner = (arm, made)
    return made
  }

  /// Creates a pruner for an arm, for which only examples of its own tasks exist.
  func makePruner(for arm: Arm, _ shares: [MetaOutcome.Share]?) throws -> Pruner {
    var plan = arm == .control(.random) ? stage.pruning.atRandom : stage.pruning
    plan.ignored += ungated
    if let shares { plan.allocation = .shares(Dictionary(shares.map { ($0.layer, $0.share) }, uniquingKeysWith: { first, _ in first })) }
    let (made, planned) = (try runner.makePruner(plan), plan)
    made.examples = { [tasks, stage] in
      try tasks.examples(planned.exampleCount(classes: stage.meta.form.ways), ofOneDataset: arm == .control(.oneDataset))
    }
    made.evaluate = { [tasks] model, _ in arm == .pruned ? try tasks.judge(model, by: .validation)?.evaluation : nil }
    if arm != .pruned { made.note = { _ in } }
    if gates != nil { made.scores = GivenScores(name: "gates") { [unowned self] model, _ in try gates?.scores(model) ?? [] } }
    return made
  }

  private func finish(_ arm: Arm, _ present: Model) throws {
    guard let seen = try tasks.judge(present, by: .seen), let unseen = try tasks.judge(present, by: .unseen) else { return }
    let seconds = seconds
    func accuracy(_ course: HeadFit.Course, ways: Int) -> HeadAccuracy {
      HeadAccuracy(
        ways: ways, tasks: course.byTask.count, accuracy: course.evaluation.accuracy, standardError: course.standardError,
        steps: course.steps(to: 0.95))
    }
    outcome.arms.append(
      MetaArm(
        name: arm.name, weights: try MaskSet(present).kept, training: accuracy(seen, ways: tasks.ways.seen),
        unseen: accuracy(unseen, ways: tasks.ways.unseen), seconds: seconds - outcome.begun))
    outcome.begun = seconds
    if arm != .pruned { outcome.shares = nil }
    runner.state[MetaOutcome.self] = outcome
    if arm == .control(.full) { runner.state.denseTest = unseen.evaluation }
    if arm == .pruned { runner.state.finalTest = unseen.evaluation }
    model = present
    pruner = nil
  }
}

extension Model {
  /// Returns how many weights that are there have left in a later model, by weight.
  fileprivate func weights(lostIn later: Model) throws -> [ParameterName: Int] {
    var lost: [ParameterName: Int] = [:]
    for (name, mask) in later.masks {
      let there = try masks[name] ?? mask.onesLike()
      lost[name] = try there.nonZeroCount() - there.select(mask, else: mask.zerosLike()).nonZeroCount()
    }
    return lost
  }
}

extension PruningPlan {
  /// The same plan by chance: single weights leave every layer by the same fraction.
  fileprivate var atRandom: PruningPlan {
    var plan = self
    plan.criterion = .random
    plan.allocation = granularity == .weight ? .uniform : allocation
    (plan.normalization, plan.batchNorms, plan.curvature, plan.gates) = (nil, nil, nil, nil)
    if repairs.isEmpty { plan.examples = nil }
    return plan
  }
}
