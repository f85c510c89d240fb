internal import Datasets
internal import Foundation
internal import Interruptions
internal import Networks
public import Pruning
internal import Results
internal import Torch
public import Training

// What stages use to do their work: trainings, evaluations, and the record.

extension Runner {
  /// Whether the current stage resumes in mid-training, from a checkpoint.
  public var isResumed: Bool { resumed?.training != nil }

  /// Number of steps of all finished trainings.
  public var iterations: Int { state.trainings.reduce(0) { $0 + $1.iterations } }

  /// Passes a line to the caller, e.g. for the terminal.
  public func note(_ line: String) { options.note(line) }

  /// Stops the run if that was requested; for use before new work begins.
  ///
  /// - Throws: `Interrupted`.
  public func stopIfAsked() throws {
    if options.interrupted() { throw Interrupted() }
  }

  // MARK: - Trainings

  /// Trains the model, from the checkpoint's step if the run resumes in this training, and records the result.
  ///
  /// - Parameters:
  ///   - phase: name of the training in progress and record, e.g. `round 2/5`.
  ///   - hooks: hooks of the trainer, called in this order, before those of regrowth and penalties.
  /// - Throws: ``TrainingError/interrupted(iteration:)`` after a checkpoint, `PlanError` without data.
  public func train(_ training: RegularizedTraining, phase: String, hooks: [any TrainingHook]) throws {
    let before = state.seconds
    let regrowth = hooks.lazy.compactMap { $0 as? Pruner }.first.flatMap { pruner in
      pruner.plan.regrowth.map { RegrowthHook($0, pruner: pruner, start: model) }
    }
    let hooks = try hooks + (regrowth.map { [$0] } ?? []) + training.penalties(for: model.network)
    let trainer = try RecordError.naming(options.checkpoint ?? "", as: "a damaged checkpoint") {
      try Trainer(
        training.plan, model: model, data: trainingData(), hooks: hooks, state: resumed?.training, device: options.device,
        kernels: options.kernels, teacher: teacher(of: training.plan))
    }
    noteKernels(of: trainer)
    let (number, steps) = (state.trainings.count, iterations)
    func edge(after done: Int) -> RunMoment.Phase {
      RunMoment.Phase(phase: phase, training: number, step: steps + done, steps: trainer.totalIterations)
    }
    if !isResumed { try tell(.began(edge(after: 0))) }
    var meter = try WorkMeter(trainer)
    let started = Date()
    let interval = (options.checkpointEvery ?? .epochs(1)).iterations(perEpoch: trainer.iterationsPerEpoch)
    try trainer.run(
      afterStep: { trainer in
        state.work = try meter.work(of: trainer, after: state.work)
        let stop = options.interrupted()
        let due = trainer.iteration % max(interval, 1) == 0 && (options.checkpointEvery != nil || isCheckpointOverdue)
        if stop || due, !trainer.isFinished {
          state.seconds = before + Date().timeIntervalSince(started)
          model = trainer.model
          try checkpoint(training: trainer.state())
        }
        if stop, !trainer.isFinished { throw TrainingError.interrupted(iteration: trainer.iteration) }
      },
      report: { progress in
        options.report(RunProgress(phase: phase, training: progress))
        guard let record = progress.evaluation else { return }
        let epoch = Double(record.iteration) / Double(progress.iterationsPerEpoch)
        try tell(
          .evaluated(record.moment(phase, training: number, epoch: epoch, after: steps, learningRate: progress.learningRate)))
      })
    // Row-major, as when read from a checkpoint: sums over another memory layout are rounded differently.
    model = try trainer.model.moved(to: .cpu)
    model.tensors = try model.tensors.mapValues { try $0.contiguous() }
    state.seconds = before + Date().timeIntervalSince(started)
    if let regrowth {
      let report = try regrowth.memory.report(model)
      state[RegrowthReport.self] = report
      note(report.summary)
    }
    state.trainings.append(
      .init(
        phase: phase, iterations: trainer.totalIterations, iterationsPerEpoch: trainer.iterationsPerEpoch, best: trainer.log.best,
        last: trainer.log.evaluations.last,
        evaluations: trainer.log.evaluations, epochSeconds: trainer.epochSeconds.map(\.seconds)))
    try tell(.ended(edge(after: trainer.totalIterations)))
  }

  /// Takes note of the kernels that train, and tells if they are not those that were asked for.
  private func noteKernels(of trainer: Trainer) {
    let isOurs = trainer.usesOwnKernels
    let choice = options.kernels.choice
    if !isOurs, usesOwnKernels == nil, [.sparse, .dense].contains(choice) {
      let isSparse = choice == .sparse && trainer.model.network.hasConvolutions
      note("--kernels \(choice): " + (isSparse ? wordsOfConvolutions(trainer.keptWeightsUse) : Self.wordsOfChains))
    }
    usesOwnKernels = isOurs || usesOwnKernels == true
  }

  private static let wordsOfChains =
    "libtorch trains this network; our own kernels are for chains of linear layers and ReLUs, without augmentation, penalties and teachers"

  /// Unlike the kernels of chains, those of convolutions compute single layers, and only with masks.
  private func wordsOfConvolutions(_ use: KeptWeightsUse) -> String {
    switch use {
    case .never: "libtorch trains this network; kept weights alone are for convolutions of one group, without gates"
    case .onceMasked where experiment.pruning == nil: "libtorch trains this network; no convolution has a mask"
    case .onceMasked:
      "libtorch trains this network until single weights are removed; convolutions then compute with kept weights alone, and libtorch the rest"
    case .now:
      "convolutions with a mask compute with kept weights alone, unless a step wants the gradients of all; libtorch computes the rest"
    }
  }

  private func trainingData() throws -> TrainingData {
    guard let data else { throw PlanError("training needs images: give --dataset, or --epochs 0 to prune without training") }
    return data
  }

  // MARK: - Evaluations

  /// Evaluates a model on the validation images; nil if there are none.
  public func evaluate(_ model: Model) throws -> Evaluation? {
    guard let data else { return nil }
    return try data.validation.map { try evaluate(model, on: $0, of: data) }
  }

  /// Evaluates the current model on the test images; nil if there are none.
  public func evaluateTest() throws -> Evaluation? {
    guard let data else { return nil }
    return try data.test.map { try evaluate(model, on: $0, of: data) }
  }

  /// Evaluates an intermediate model on the test images and records the result for the row.
  ///
  /// Only for the last removal: to look at the test set more often would be to select by it.
  /// - Parameter stage: what was done to the model, `pruned` or `repaired`.
  public func judge(_ stage: String, _ model: Model) throws {
    guard let test = data?.test, let data else { return }
    state.verdicts.append(.init(event: state.events.count + 1, stage: stage, test: try evaluate(model, on: test, of: data)))
  }

  func evaluate(_ model: Model, on set: ExampleSet, of data: TrainingData) throws -> Evaluation {
    try model.moved(to: options.device).evaluate(set, data)
  }

  // MARK: - The record

  /// Adds a removal to the record and the model file's history, and reports it.
  ///
  /// - Parameters:
  ///   - removal: nil for one that took nothing away.
  ///   - step: training steps finished before it, if the event counts those of another training only.
  /// - Throws: what an observer throws.
  public func record(_ event: PruningEvent, _ removal: RemovalEvent?, step: Int? = nil) throws {
    state.events.append(event)
    if let removal { state.history.append(removal) }
    note(event.summary)
    if let words = tieWords(of: event) { note("ties in prune \(event.number): \(words)") }
    let things = experiment.pruning?.granularity.plural ?? ""
    try tell(.removed(event.moment(things, step: step ?? event.iteration)))
  }

  /// Records size, cost and accuracies of the current model as those of the dense one that the row compares with; one pass over the
  /// validation and test images.
  public func recordDense() throws {
    try recordDenseShape()
    state.denseTest = try evaluateTest()
    state.denseValidation = try evaluate(model)
  }

  /// Records size and cost of the current model as those of the dense one, without accuracies: those of untrained weights say nothing.
  public func recordDenseShape() throws {
    state.dense = try model.facts()
    state.denseNetwork = model.network
    try keepChoices(of: model)
  }

  /// Records a trainer's model as the dense one; reuses its last evaluation on the validation images.
  public func recordDense(of trainer: Trainer) throws {
    state.dense = try trainer.model.facts()
    state.denseNetwork = trainer.model.network
    try keepChoices(of: trainer.model)
    state.denseTest = try trainer.evaluateTest()
    state.denseValidation = trainer.log.evaluations.last?.validation
  }

  /// Reads or initialises once more the model that the run began with.
  public func startingModel() throws -> Model { try experiment.startingFile(for: data?.training, reader: options.reader).model }

  // MARK: - Removals

  /// Creates a pruner with access to the experiment's examples, evaluations and latency measurements.
  func makePruner(_ plan: PruningPlan) throws -> Pruner {
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
      if isLast { try judge("pruned", model) }
      return try evaluate(model)
    }
    pruner.note = options.note
    pruner.proves = options.proves
    pruner.latency = Latency.share(of: state.denseNetwork ?? model.network, device: options.device)
    return pruner
  }

  /// Passes the training images through the model for a criterion that sums over training steps, if there were no steps.
  public func sweepIfNeeded(_ pruner: Pruner) throws {
    guard pruner.needsSweep else { return }
    let data = try trainingData()
    try pruner.sweep(model, batches: data.evaluationBatches(data.training, batchSize: 64, channelsLast: model.network.hasConvolutions))
  }

  /// Returns the pruned model, with dropout probabilities rescaled if the plan asks for that.
  public func rescalingDropout(_ pruned: Model, _ pruner: Pruner) throws -> Model {
    guard pruner.plan.rescalesDropout else { return pruned }
    let (rescaled, changes) = try pruned.rescalingDropout(from: model)
    for change in changes {
      let (before, after) = (DropoutNote.short(change.before), DropoutNote.short(change.after))
      note("\(change.node): dropout \(before) → \(after), as \(change.listeners.joined(separator: ", ")) lost connections")
    }
    return rescaled
  }
}

extension Model {
  func evaluate(_ set: ExampleSet, _ data: TrainingData) throws -> Evaluation {
    try evaluate(data.evaluationBatches(set, for: network))
  }
}
