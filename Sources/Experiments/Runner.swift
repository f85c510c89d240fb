internal import Datasets
internal import Files
internal import Foundation
internal import Interruptions
internal import Networks
internal import Pruning
internal import Results
internal import Torch
public import Training

/// Carries out one experiment: trains, prunes, recovers, compacts, with a checkpoint to go on from.
///
/// Killed at any instant and resumed, it ends with the same bytes as an unbroken run: between two checkpoints nothing is lost but
/// time.
public final class Runner {
  /// What is carried out.
  public let experiment: Experiment
  /// What was recorded.
  public private(set) var state = RunState()
  /// The model as it stands.
  public private(set) var model: Model
  /// Names of the classes.
  public let classes: [String]
  /// How images become numbers; nil where nobody has seen any.
  public let preprocessing: Preprocessing?

  /// The images, divided; nil where the experiment has none.
  let data: TrainingData?
  let options: Options
  private var resumed: Checkpoint?
  /// The file of the checkpoint that this run wrote, or goes on from.
  private var ownCheckpoint: FileIdentity?
  // Made when first asked for: short runs keep no checkpoint, and it looks at every image.
  private var surroundings: Surroundings?
  // Of the file that the run begins with, which its model may replace.
  private let startChecksum: String?
  private var lastCheckpoint = Date()
  /// Whether there is a checkpoint of this run: it wrote one, or goes on from one.
  public var hasCheckpoint: Bool { ownCheckpoint != nil }

  /// Loads the data and the model, or the checkpoint.
  public init(_ experiment: Experiment, options: Options = Options()) throws {
    self.experiment = experiment
    self.options = options
    try experiment.validate()
    data = try experiment.data?.load(note: options.note)
    // Whoever is done may have put the model in the place of what it was made of, which must not be looked at again.
    let saved = Result { try SavedRun(experiment, options) }
    let finished = (try? saved.get()).flatMap { $0.isFinished ? $0 : nil }
    let start =
      try finished?.start(of: experiment)
      ?? experiment.startingFile(for: data?.training, note: options.note) { [data] network, size in
        let work = try experiment.work(images: data?.training.count, evaluated: data?.evaluatedCount ?? 0, of: network)
        try network.check(work, within: options.memory, elementSize: size)
      }
    startChecksum = try finished?.checkpoint.surroundings?.start ?? experiment.startChecksum(for: options)
    // Before a checkpoint is judged: what is refused must not depend on whether there is one.
    if finished == nil { try experiment.check(on: start.model, data) }
    classes = data?.training.classNames ?? start.classes
    preprocessing =
      data.map { Preprocessing(inputShape: $0.training.imageShape, mean: $0.normalization.mean, deviation: $0.normalization.deviation) }
      ?? start.preprocessing
    if let saved = try saved.get(), let path = options.checkpoint {
      state = saved.state
      try RecordError.naming(path, as: "a damaged checkpoint") { [data] in
        try saved.check(against: experiment, starting: start.model, on: data, within: options.memory)
      }
      let surroundings = Surroundings(device: options.device, sparse: options.sparse, data: data, start: startChecksum)
      if let words = try saved.checkpoint.surroundings?.goOn(in: surroundings, from: path, startedWith: experiment.start.path) {
        options.note("\(path) \(words)")
        state.changes = (state.changes ?? []) + [words]
      }
      self.surroundings = surroundings
      model = saved.checkpoint.model
      resumed = saved.checkpoint
      ownCheckpoint = saved.identity
      options.didCheckpoint()
    } else {
      model = start.model
      state.history = start.history
      state.startingWeights = Dictionary(
        try MaskSet(start.model).layers.map { ($0.name, $0.kept) }, uniquingKeysWith: { first, _ in first })
      state.startedFromHistory = start.history.contains { $0.removed.contains { !$0.value.isEmpty } }
    }
  }

  /// Runs to the end, from wherever it stands.
  ///
  /// - Throws: ``TrainingError/interrupted(iteration:)`` after a checkpoint; `Interrupted` where none could be made, so that an earlier one
  ///   holds, if there is one (``hasCheckpoint``); and everything that can go wrong on the way.
  public func run() throws {
    if state.phase == 0, resumed == nil, case .file(let path) = experiment.start { state.startingBytes = try RegularFile(path).size }
    let phases = experiment.phases
    let pruner = try experiment.pruning.map(makePruner)
    if let untracedWords { options.note(untracedWords) }
    if state.phase == 0, resumed == nil, experiment.training == nil { try recordDense(model) }
    while state.phase < phases.count {
      try Interruption.check()
      try carryOut(phases[state.phase], pruner)
      state.phase += 1
      resumed = nil
      // Also after the last one where the model will replace what it was made of: pruned again, it would be another.
      if state.phase < phases.count || options.replacesInput(of: experiment) { try checkpoint(training: nil) }
    }
    guard let pruning = experiment.pruning, pruning.granularity == .weight else { return }
    survivors = try MaskSet(model).layers.map { LayerSurvivors(layer: $0.name, kept: $0.kept, of: $0.prunable) }
    if pruning.compact, let pruner { try compact(pruner) }
  }

  /// Steps of all finished trainings.
  private var iterations: Int { state.trainings.reduce(0) { $0 + $1.iterations } }

  /// A pruner that sees what the experiment has: examples, evaluations, the clock.
  private func makePruner(_ plan: PruningPlan) throws -> Pruner {
    let pruner = try Pruner(
      plan, original: state.denseNetwork ?? model.network, current: model.network, events: state.events.count,
      weights: state.startingWeights, present: state.events.first.map { $0.kept + $0.removed })
    pruner.examples = { [unowned self] in
      try data.map {
        try $0.examples(
          plan.exampleCount(classes: $0.training.classes), seed: plan.seed, channelsLast: model.network.hasConvolutions)
      }
    }
    pruner.evaluate = { [unowned self] model, isLast in
      if isLast { try note("pruned", model) }
      return try evaluate(model)
    }
    pruner.note = options.note
    pruner.proves = options.proves
    pruner.latency = latency(against: state.denseNetwork ?? model.network)
    return pruner
  }

  /// Seconds of a network's forward pass, as a share of the dense one's at the same moment: the two take turns, so that what disturbs
  /// the machine disturbs both.
  private func latency(against original: Network) -> (Network) throws -> Double {
    var dense: Model?
    var reference: Double?
    return { network in
      let other = try dense ?? Model(original, seed: 0)
      dense = other
      // The least of several: a neighbour only ever adds, and a search that compares medians of bad moments goes astray.
      let least = try Latency.interleaved([other, Model(network, seed: 0)], batch: 1, repetitions: 11).map { $0.min() ?? 0 }
      let base = reference ?? least[0]
      reference = base
      return least[0] > 0 ? base * least[1] / least[0] : base
    }
  }

  /// Records the accuracy of a stage between the dense and the final model on the test set; of the last removal, which is the one that
  /// is told.
  private func note(_ stage: String, _ model: Model) throws {
    guard let test = data?.test, let data else { return }
    state.stages.append(.init(event: state.events.count + 1, stage: stage, test: try model.evaluate(test, data)))
  }

  private func trainingData() throws -> TrainingData {
    guard let data else { throw PlanError("training needs images: give --dataset, or --epochs 0 to prune without training") }
    return data
  }

  private func carryOut(_ phase: Experiment.Phase, _ pruner: Pruner?) throws {
    switch phase {
    case .train:
      guard let plan = experiment.training else { return }
      let isSparse = !state.events.isEmpty
      try train(plan, name: isSparse ? "sparse training" : "training", hooks: pruner.map { [$0] } ?? [])
      if !isSparse { try recordDense(model) }
    case .pruneAtStart(let count):
      guard let pruner else { return }
      // How fresh weights do on the test set tells nothing.
      if experiment.start.isFresh {
        state.dense = try model.facts()
        state.denseNetwork = model.network
      } else {
        try recordDense(model)
      }
      try pruneAtStart(pruner, count)
    case .trainAndPrune:
      guard let plan = experiment.training, let pruner else { return }
      pruner.willPrune = { [unowned self] trainer in
        if state.dense == nil {
          state.dense = try trainer.model.facts()
          state.denseNetwork = trainer.model.network
          state.denseTest = try trainer.evaluateTest()
          state.denseValidation = trainer.log.evaluations.last?.validation
        }
      }
      pruner.didPrune = { [unowned self] event, removal in record(event, removal) }
      try train(plan, name: "training", hooks: [pruner])
      if state.dense == nil { try recordDense(model) }
    case .trainScores:
      guard let plan = experiment.training, let pruning = experiment.pruning else { return }
      let popup = try EdgePopup(pruning, model: model)
      if resumed == nil {
        try recordDense(model)
        model = try popup.masked(model)
      }
      try train(plan, name: "scores", hooks: [popup])
      state.randomWeights = try model.countOfRandomWeights(from: experiment.startingFile(for: data?.training).model)
      let whole = try popup.event(pruning, of: model, iteration: iterations)
      record(whole.event, whole.removal)
    case .prune(let k, let count):
      guard let pruner else { return }
      // Where nothing was trained since the last removal, its evaluation holds still.
      let isUntouched = state.events.last.map { $0.iteration == iterations } ?? false
      let before = try isUntouched ? state.events.last?.after : evaluate(model)
      try sweepIfNeeded(pruner)
      var pruned = try pruner.prune(model, event: k, of: count, iteration: iterations)
      model = try rescalingDropout(pruned.model, pruner)
      pruned.event.before = before
      pruned.event.after = try evaluate(model)
      if k == count { try note(pruned.isRepaired ? "repaired" : "pruned", model) }
      record(pruned.event, pruned.removal)
    case .recover(let k, let count):
      guard let plan = experiment.recovery else { return }
      try train(plan, name: "round \(k)/\(count)", hooks: pruner.map { [$0] } ?? [])
    }
  }

  /// Shows a criterion that sums over steps the training images, where there were no steps.
  private func sweepIfNeeded(_ pruner: Pruner) throws {
    guard pruner.needsSweep else { return }
    let data = try trainingData()
    try pruner.sweep(model, batches: data.evaluationBatches(data.training, batchSize: 64, channelsLast: model.network.hasConvolutions))
  }

  /// What a removal left, with dropout to match where the plan says so.
  private func rescalingDropout(_ pruned: Model, _ pruner: Pruner) throws -> Model {
    guard pruner.plan.rescalesDropout else { return pruned }
    let (rescaled, changes) = try pruned.rescalingDropout(from: model)
    for change in changes {
      let (before, after) = (DropoutNote.short(change.before), DropoutNote.short(change.after))
      options.note("\(change.node): dropout \(before) → \(after), as \(change.listeners.joined(separator: ", ")) lost connections")
    }
    return rescaled
  }

  /// Carries out all removals before training. Of weights they are one event: what stays is all that anybody asks about.
  private func pruneAtStart(_ pruner: Pruner, _ count: Int) throws {
    var whole: (event: PruningEvent, removal: RemovalEvent)?
    for k in 1...count {
      if options.interrupted() { throw Interrupted() }
      try sweepIfNeeded(pruner)
      let pruned = try pruner.prune(model, event: k, of: count, iteration: 0)
      model = pruned.model
      guard var sum = whole, !pruner.plan.granularity.isStructured else {
        if let whole { record(whole.event, whole.removal) }
        whole = (pruned.event, pruned.removal)
        continue
      }
      sum.removal.masked.merge(pruned.removal.masked, uniquingKeysWith: +)
      let (removed, collapse) = (sum.event.removed + pruned.event.removed, sum.event.collapse ?? pruned.event.collapse)
      let ties = sum.event.ties.flatMap { sum in pruned.event.ties.map { sum.merged(with: $0) } }
      sum.event = pruned.event
      sum.event.ties = ties
      sum.event.removed = removed
      sum.event.collapse = collapse
      whole = sum
    }
    if let whole { record(whole.event, whole.removal) }
  }

  private func record(_ event: PruningEvent, _ removal: RemovalEvent) {
    state.events.append(event)
    state.history.append(removal)
    options.note(event.summary)
    if let words = tieWords(of: event) { options.note("ties in prune \(event.number): \(words)") }
  }

  private func recordDense(_ model: Model) throws {
    state.dense = try model.facts()
    state.denseNetwork = model.network
    state.denseTest = try evaluateTest(model)
    state.denseValidation = try evaluate(model)
  }

  private func evaluate(_ model: Model) throws -> Evaluation? {
    guard let data else { return nil }
    return try data.validation.map { try model.evaluate($0, data) }
  }

  private func evaluateTest(_ model: Model) throws -> Evaluation? {
    guard let data else { return nil }
    return try data.test.map { try model.evaluate($0, data) }
  }

  private func train(_ plan: TrainingPlan, name: String, hooks: [any TrainingHook]) throws {
    let before = state.seconds
    let penalty = try experiment.slimming.map { try SlimmingPenalty(strength: $0, network: model.network) }
    let regrowth = hooks.lazy.compactMap { $0 as? Pruner }.first.flatMap { pruner in
      pruner.plan.regrowth.map { RegrowthHook($0, pruner: pruner, start: model) }
    }
    let l1 = try experiment.l1.map { try L1Penalty(strength: $0) }
    let hooks = hooks + (regrowth.map { [$0] } ?? []) + (penalty.map { [$0] } ?? []) + (l1.map { [$0] } ?? [])
    let trainer = try RecordError.naming(options.checkpoint ?? "", as: "a damaged checkpoint") {
      try Trainer(
        plan, model: model, data: trainingData(), hooks: hooks, state: resumed?.training, device: options.device, sparse: options.sparse)
    }
    let started = Date()
    let interval = (options.checkpointEvery ?? .epochs(1)).iterations(perEpoch: trainer.iterationsPerEpoch)
    try trainer.run(
      afterStep: { trainer in
        let stop = options.interrupted()
        let due = trainer.iteration % max(interval, 1) == 0 && (options.checkpointEvery != nil || -lastCheckpoint.timeIntervalSinceNow > 5)
        if stop || due, !trainer.isFinished {
          state.seconds = before + Date().timeIntervalSince(started)
          model = trainer.model
          try checkpoint(training: trainer.state())
        }
        if stop, !trainer.isFinished { throw TrainingError.interrupted(iteration: trainer.iteration) }
      }, report: { options.report(RunProgress(phase: name, training: $0)) })
    // Row-major, as a checkpoint would give it back: sums over another layout end in other bits.
    model = try trainer.model.moved(to: .cpu)
    model.tensors = try model.tensors.mapValues { try $0.contiguous() }
    state.seconds = before + Date().timeIntervalSince(started)
    if let regrowth {
      state.regrowth = try regrowth.memory.report(model)
      state.regrowth.map { options.note($0.summary) }
    }
    state.trainings.append(
      .init(
        phase: name, iterations: trainer.totalIterations, best: trainer.log.best, last: trainer.log.evaluations.last,
        evaluations: trainer.log.evaluations, epochSeconds: trainer.epochSeconds.map(\.seconds)))
  }

  private func compact(_ pruner: Pruner) throws {
    let compacted = try pruner.compact(model, iteration: iterations)
    model = compacted.model
    for line in compacted.notes { options.note(line) }
    if let removal = compacted.removal { state.history.append(removal) }
    compactionProof = compacted.proof?.relativeDifference
    compactionIsConstant = compacted.proof?.isConstant ?? false
    isCompacted = compacted.removal != nil
  }

  /// Whether dead units were cut out at the end.
  private(set) var isCompacted = false

  /// The largest relative difference of the final compaction's proof; nil if nothing was cut there.
  public private(set) var compactionProof: Double?

  /// Whether the outputs that it compared were the same for all inputs.
  private(set) var compactionIsConstant = false

  /// What is kept of each layer's weights before the final compaction; nil where weights are not pruned.
  private(set) var survivors: [LayerSurvivors]?

  private func checkpoint(training: Trainer.State?) throws {
    guard let path = options.checkpoint else { return }
    let surroundings = surroundings ?? Surroundings(device: options.device, sparse: options.sparse, data: data, start: startChecksum)
    self.surroundings = surroundings
    let progress = try JSONEncoder.records.text(SavedRun.Progress(recipe: experiment.json, state: state))
    try Checkpoint(model: model, training: training, progress: progress, surroundings: surroundings)
      .write(to: path, asPrivateAs: options.output)
    ownCheckpoint = FileIdentity(path)
    lastCheckpoint = Date()
    options.didCheckpoint()
  }

  /// Removes the checkpoint that this run wrote or went on from: for when all is written and told.
  public func removeCheckpoint() {
    guard let path = options.checkpoint, let ownCheckpoint else { return }
    Checkpoint.remove(path, identity: ownCheckpoint)
  }

  /// The model on the test set; nil without one.
  public func evaluateTest() throws -> Evaluation? { try evaluateTest(model) }

  /// What is saved.
  public func file() throws -> ModelFile {
    ModelFile(model: model, history: state.history, preprocessing: preprocessing, classes: classes, recipe: try experiment.json)
  }
}

extension Model {
  func evaluate(_ set: ImageSet, _ data: TrainingData) throws -> Evaluation {
    try evaluate(data.evaluationBatches(set, for: network))
  }
}
