internal import Datasets
internal import Foundation
internal import Interruptions
public import Networks
public import Torch

/// The training loop.
///
/// The same model, plan and data give the same bits, even if the loop is interrupted at any step and continued from its ``State``: order
/// and augmentation are pure functions of seed, epoch and position, and every other stream of randomness is part of the state.
public final class Trainer {
  /// The plan that the training follows.
  public let plan: TrainingPlan
  /// The model in training; ``replaceModel(_:slices:)`` exchanges it between steps.
  ///
  /// Read it anew after each step: kernels of our own bring its tensors up to date when it is read.
  public var model: Model {
    engine?.lend()
    return present
  }
  /// Number of finished steps.
  public private(set) var iteration: Int
  /// Evaluations and losses so far.
  public private(set) var log: TrainingLog
  /// The course of the training in steps.
  public let span: TrainingSpan
  /// The network that a distillation learns from, laid out for inference; nil without one.
  public let teacher: Model?
  /// Number of steps in total.
  public var totalIterations: Int { span.total }
  /// Number of steps per epoch.
  public var iterationsPerEpoch: Int { span.perEpoch }
  /// Number of examples that the finished steps computed with, each as often as it was drawn.
  public var examples: Int {
    let (epochs, steps) = iteration.quotientAndRemainder(dividingBy: iterationsPerEpoch)
    return epochs * data.training.count + min(steps * plan.batchSize, data.training.count)
  }
  /// How often, in this process, masks or network have been replaced.
  public private(set) var changes = 0
  /// Seconds per epoch of steps and of what hooks do within them, without evaluations and ``TrainingHook/didFinishStep(_:)``; epochs that
  /// began before a resume are missing.
  public private(set) var epochSeconds: [(epoch: Int, seconds: Double)] = []
  /// Whether the evaluation after the last step was interrupted; it is repeated when the training continues.
  public private(set) var isStepOpen: Bool
  /// Whether nothing is left to do.
  public var isFinished: Bool { iteration >= totalIterations && !isStepOpen }
  /// Seconds of training in this process, evaluations included.
  public private(set) var seconds = 0.0

  /// Whether the next step is computed by kernels of our own; see ``TrainingKernels``.
  public var usesOwnKernels: Bool { !needsGradients && (try? ownEngine()) != nil }
  /// Whether the next step computes, in some layer, with the kept weights only.
  public var usesSparseKernels: Bool {
    guard !needsGradients else { return false }
    return (try? ownEngine())?.isSparse ?? ((try? ownConvolutions())?.filters.isEmpty == false)
  }

  /// Whether convolutions compute with their kept weights alone because that was asked for.
  public var keptWeightsUse: KeptWeightsUse { SparseConvolutions.use(in: present, convolutionKernels) }

  // The value of `model`, possibly out of date with respect to `engine`.
  private var present: Model
  let data: TrainingData
  private let kernels: TrainingKernels
  var engine: FullyConnectedEngine?
  // False if masks or tensors have changed since `engine` was created.
  private var hasChosenEngine = false
  // Unlike kernels for whole networks, they do not mind augmentation and teachers.
  private let convolutionKernels: TrainingKernels
  // nil if masks have changed since it was chosen.
  private var convolutions: SparseConvolutions?
  lazy var team = WorkerTeam(threads: kernels.threads ?? TorchRuntime.threads)
  private let device: Device
  let loader: BatchLoader
  let hooks: [any TrainingHook]
  let dropout: Generator
  var executor: Executor
  let teaching: Executor?
  // Where student and teacher look; nil where logits alone are compared.
  let transfer: AttentionTransfer?
  // Nil unless a hook multiplies weights by factors.
  var gatedWeights: GatedWeights?
  let gates: (any WeightGates)?
  var optimizer: Optimizer
  private let evaluated: EvaluatedParts
  // nil unless the present epoch was timed from its beginning.
  private var timeInEpoch: Duration?

  /// Creates a trainer at the start of a training or at a state; `model` itself is not changed.
  ///
  /// - Parameters:
  ///   - evaluated: prepared validation and test parts, for callers that train several times; by default the data's own.
  ///   - kernels: what computes the steps; libtorch does while a hook needs gradients or observes nodes, and for fully connected networks with
  ///     augmentation and with a teacher.
  ///   - teacher: the network that the plan's distillation learns from; it is not changed.
  /// - Throws: ``PlanError`` if plan or hooks are impossible, ``RecordError`` if the state is, ``TrainingError/noData``, and what data
  ///   and model throw.
  public init(
    _ plan: TrainingPlan, model: Model, data: TrainingData, hooks: [any TrainingHook] = [], state: State? = nil, device: Device = .cpu,
    evaluated: EvaluatedParts? = nil, kernels: TrainingKernels = .automatic, teacher: Model? = nil
  ) throws {
    try plan.validate()
    try hooks.validateNames()
    guard data.training.count > 0 else { throw TrainingError.noData }
    try plan.checkBatches(for: model.network, of: data.training.count)
    self.plan = plan
    self.hooks = hooks
    self.teacher = try plan.distillation.map { _ in try plan.checked(teacher, for: model.network).laidOutForInference().moved(to: device) }
    teaching = try self.teacher.map(Executor.init)
    transfer = try plan.distillation?.transfer(from: self.teacher?.network, to: model.network)
    let channelsLast = model.network.hasConvolutions
    loader = try data.loader(
      batchSize: plan.batchSize, seed: SeedPurpose.order.seed(from: plan.seed), augment: plan.augment, channelsLast: channelsLast)
    let span = try TrainingSpan(plan, perEpoch: loader.batchesPerEpoch)
    try state?.check(for: plan, span, hooks)
    self.span = span
    self.evaluated = try evaluated ?? EvaluatedParts(of: data, for: model.network)
    dropout = try Generator(seed: SeedPurpose.dropout.seed(from: plan.seed))
    self.device = device
    self.data = data
    let isAugmented = !loader.augmentation.isNone
    self.kernels = isAugmented || plan.distillation != nil ? .libtorch : kernels
    present = try model.laidOutForTraining(on: device)
    do {
      optimizer = try Optimizer(plan.optimizer, model: present, state: state?.optimizer ?? .init(stepCount: 0, moments: [:]))
    } catch let error as PlanError { throw RecordError(error.description) }
    let (trained, gates) = (present, hooks.weightGates)
    self.gates = gates
    convolutionKernels = gates == nil ? kernels : .libtorch
    let gatedWeights = try gates.map { try GatedWeights(trained, by: $0) }
    self.gatedWeights = gatedWeights
    executor = try Executor(gatedWeights?.model ?? trained)
    iteration = state?.iteration ?? 0
    log = state?.log ?? TrainingLog()
    isStepOpen = state?.isStepOpen ?? false
    timeInEpoch = !isStepOpen && iteration % loader.batchesPerEpoch == 0 ? .zero : nil
    if let state { try restore(state) }
  }

  private func restore(_ state: State) throws {
    let fresh = try dropout.state()
    // libtorch's own message about an invalid generator state would fill a screen.
    guard state.dropout.shape == fresh.shape, state.dropout.elementType == fresh.elementType,
      (try? dropout.restore(state.dropout)) != nil
    else { throw RecordError("random.dropout is not the state of a random stream") }
    for hook in hooks {
      do { try hook.restore((state.hooks[hook.name] ?? [:]).mapValues { try $0.moved(to: device) }) } catch let error as RecordError {
        throw error
      } catch {
        throw RecordError("what hook \(hook.name) keeps does not fit this run")
      }
    }
  }

  /// Returns the engine for the present masks, created on demand: some hooks change masks at every step.
  func ownEngine() throws -> FullyConnectedEngine? {
    if !hasChosenEngine {
      engine = try FullyConnectedEngine(
        kernels, model: present, optimizer: optimizer, data: data, batchSize: plan.batchSize, evaluated: evaluated.sets, gates: gates,
        team: { team })
    }
    hasChosenEngine = true
    return engine
  }

  /// Returns the convolutions that compute with kept weights alone for the present masks, chosen on demand.
  func ownConvolutions() throws -> SparseConvolutions {
    let chosen = try convolutions ?? SparseConvolutions(present, convolutionKernels)
    convolutions = chosen
    return chosen
  }

  /// Must be called whenever masks or tensors change.
  private func forgetEngine() {
    changes += 1
    engine = nil
    hasChosenEngine = false
    convolutions = nil
  }

  var needsGradients: Bool { hooks.contains { $0.needsGradients(self) } }

  /// Returns the present state; its tensors are the live ones and must be written before the next step.
  public func state() throws -> State {
    engine?.lend()
    return State(
      iteration: iteration, log: log, optimizer: optimizer.state, dropout: try dropout.state(),
      hooks: Dictionary(uniqueKeysWithValues: try hooks.map { ($0.name, try $0.state()) }), isStepOpen: isStepOpen)
  }

  /// Trains to the end of the plan.
  ///
  /// - Parameters:
  ///   - afterStep: called after every step and its evaluation, and if an evaluation is interrupted; an error that it throws stops the
  ///     loop in a state that can be continued.
  ///   - report: called with the progress after every step, and before hooks act on its end.
  /// - Throws: ``TrainingError/nonFiniteLoss(iteration:learningRate:)``, `Interrupted`, and whatever a hook, `afterStep` or `report` throws.
  public func run(afterStep: (Trainer) throws -> Void = { _ in }, report: (TrainingProgress) throws -> Void = { _ in }) throws {
    let clock = ContinuousClock()
    let started = clock.now
    defer { seconds += (clock.now - started) / .seconds(1) }
    if isStepOpen {
      let mean = log.lossCount == 0 ? log.evaluations.last?.trainingLoss ?? 0 : log.lossSum / Double(log.lossCount)
      try endStep(loss: mean, learningRate: rate(ofStep: iteration - 1), afterStep, report)
    }
    while iteration < totalIterations {
      let stepStarted = clock.now
      let epoch = iteration / iterationsPerEpoch
      let rate = rate(ofStep: iteration)
      let isAside = hooks.contains { $0.trainsAside(self) }
      let loss = try step(epoch: epoch, index: iteration % iterationsPerEpoch, learningRate: rate)
      iteration += 1
      if !isAside {
        log.lossSum += loss
        log.lossCount += 1
      }
      for hook in hooks { try hook.didStep(self) }
      timeInEpoch? += clock.now - stepStarted
      try endStep(loss: loss, learningRate: rate, afterStep, report)
    }
  }

  /// Completes a step: evaluates if that is due, then calls hooks and callbacks.
  private func endStep(
    loss: Double, learningRate: Double, _ afterStep: (Trainer) throws -> Void, _ report: (TrainingProgress) throws -> Void
  ) throws {
    isStepOpen = true
    var evaluation: EvaluationRecord?
    if iteration % max(plan.evaluateEvery.iterations(perEpoch: iterationsPerEpoch), 1) == 0 || iteration == totalIterations {
      do { evaluation = try evaluate() } catch let stop as Interrupted {
        // Nothing has changed since the step: a state saved now continues with this evaluation.
        try afterStep(self)
        throw stop
      }
    }
    isStepOpen = false
    try report(
      TrainingProgress(
        iteration: iteration, total: totalIterations, iterationsPerEpoch: iterationsPerEpoch, loss: loss, learningRate: learningRate,
        evaluation: evaluation))
    if iteration % iterationsPerEpoch == 0 {
      if let timeInEpoch { epochSeconds.append((iteration / iterationsPerEpoch, timeInEpoch / .seconds(1))) }
      timeInEpoch = .zero
    }
    for hook in hooks { try hook.didFinishStep(self) }
    try afterStep(self)
  }

  private func rate(ofStep step: Int) -> Double {
    plan.learningRate.rate(at: max(step, 0), of: totalIterations, perEpoch: iterationsPerEpoch)
  }

  private func evaluate() throws -> EvaluationRecord {
    let loss = log.lossCount == 0 ? log.evaluations.last?.trainingLoss ?? 0 : log.lossSum / Double(log.lossCount)
    var record = EvaluationRecord(iteration: iteration, trainingLoss: loss, validation: try evaluateValidation(), test: nil)
    let isBest = record.validation.map { $0.loss < log.best?.validation?.loss ?? .infinity } ?? false
    if isBest || iteration == totalIterations { record.test = try evaluateTest() }
    log.lossSum = 0
    log.lossCount = 0
    log.evaluations.append(record)
    return record
  }

  private func evaluate(on part: EvaluatedParts.Part?) throws -> Evaluation? {
    guard let part else { return nil }
    let evaluation =
      if let other = try standIn() { try Executor(other.laidOutForTraining(on: device)).evaluate(part.batches) } else {
        try ownEngine()?.evaluate(part.panels) ?? evaluate(part.batches)
      }
    // The last step, or a hook after a step, can break a model without a further step that would reveal it.
    guard evaluation.loss.isFinite else {
      throw TrainingError.nonFiniteLoss(iteration: iteration, learningRate: rate(ofStep: iteration - 1))
    }
    return evaluation
  }

  private func evaluate(_ batches: EvaluationBatches) throws -> Evaluation {
    executor.keptFilters = try ownConvolutions().filters
    defer { executor.keptFilters = [:] }
    return try executor.evaluate(batches)
  }

  /// Returns the model that a hook wants evaluated in place of the present one; nil if none does.
  private func standIn() throws -> Model? {
    for hook in hooks { if let other = try hook.evaluatedModel(self) { return other } }
    return nil
  }

  /// Evaluates the present model on the validation set; nil without one.
  ///
  /// - Throws: ``TrainingError/nonFiniteLoss(iteration:learningRate:)``.
  public func evaluateValidation() throws -> Evaluation? { try evaluate(on: evaluated.validation) }

  /// Evaluates the present model on the test set; nil without one.
  ///
  /// - Throws: ``TrainingError/nonFiniteLoss(iteration:learningRate:)``.
  public func evaluateTest() throws -> Evaluation? { try evaluate(on: evaluated.test) }

  /// Continues with a copy of another model; the optimizer's moments are cut by the slices that made it from the present one.
  ///
  /// - Parameter slices: the slices passed to ``Model/cut(to:slices:)``; empty if no tensor changed its shape.
  /// - Throws: ``ModelError`` and ``PlanError`` if model and slices do not fit each other; the present model then stays.
  public func replaceModel(_ replacement: Model, slices: [TensorSlice]) throws {
    engine?.lend()
    try goOn(with: replacement, optimizer.state.cut(by: slices))
  }

  /// Continues with copies of another model of the same network and of the given moments; a missing moment starts at zero.
  ///
  /// - Throws: ``PlanError`` if a moment does not fit; the present model then stays.
  public func replaceModel(_ replacement: Model, optimizer state: Optimizer.State) throws {
    engine?.lend()
    try goOn(with: replacement, state)
  }

  private func goOn(with replacement: Model, _ state: Optimizer.State) throws {
    let laidOut = try replacement.laidOutForTraining(on: device)
    let next = try Optimizer(plan.optimizer, model: laidOut, state: state)
    gatedWeights = try gates.map { try GatedWeights(laidOut, by: $0) }
    executor = try Executor(gatedWeights?.model ?? laidOut)
    present = laidOut
    optimizer = next
    forgetEngine()
  }

  /// Replaces all masks: from now on elements that the new ones prune are exactly 0.
  ///
  /// - Throws: ``ModelError`` if a mask does not fit; the earlier masks then stay.
  public func adoptMasks(_ masks: [ParameterName: Tensor]) throws {
    engine?.lend()
    present = try Model(network: present.network, tensors: present.tensors, masks: masks.mapValues { try $0.moved(to: device) })
    try optimizer.adoptMasks(of: present)
    forgetEngine()
  }
}
