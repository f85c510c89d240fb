internal import Datasets
internal import Foundation
internal import Interruptions
public import Networks
public import Torch

/// The training loop.
///
/// The same model, plan and data give the same bits, also when the loop is broken off at any step and continued from its
/// ``State``: order and augmentation are pure functions of seed, epoch and position, and every other stream of randomness
/// is in the state.
public final class Trainer {
  /// How it trains.
  public let plan: TrainingPlan
  /// What it trains; ``replaceModel(_:slices:)`` exchanges it in mid-course.
  ///
  /// Ask for it anew after each step: sparse kernels bring its tensors up to date when it is asked for.
  public var model: Model {
    sparse?.lend()
    return present
  }
  /// Finished steps.
  public private(set) var iteration: Int
  /// What was seen so far.
  public private(set) var log: TrainingLog
  /// Its course in steps.
  public let span: TrainingSpan
  /// Steps in all.
  public var totalIterations: Int { span.total }
  /// Steps in an epoch.
  public var iterationsPerEpoch: Int { span.perEpoch }
  /// Seconds of each epoch's steps and of what hooks do within them, evaluations and ``TrainingHook/didFinishStep(_:)`` apart;
  /// epochs that were begun before a resume are missing.
  public private(set) var epochSeconds: [(epoch: Int, seconds: Double)] = []
  /// Whether the evaluation that ends the last step was broken off; it begins anew when the training goes on.
  public private(set) var isStepOpen: Bool
  /// Whether nothing is left to do.
  public var isFinished: Bool { iteration >= totalIterations && !isStepOpen }
  /// Seconds since the training began in this process, evaluations included.
  public private(set) var seconds = 0.0

  /// Whether the next step computes with the kept weights only; see ``SparseTraining``.
  public var usesSparseKernels: Bool { !needsGradients && (try? kernels()) != nil }

  // What `model` is, perhaps behind `sparse`.
  private var present: Model
  private let data: TrainingData
  private let sparseTraining: SparseTraining
  private var sparse: SparseEngine?
  // False when masks or tensors are others than those that `sparse` was made for.
  private var hasChosenKernels = false
  private let device: Device
  private let loader: BatchLoader
  private let hooks: [any TrainingHook]
  private let dropout: Generator
  private var executor: Executor
  private var optimizer: Optimizer
  private let evaluated: EvaluatedParts
  // nil while the present epoch was not seen from its beginning.
  private var timeInEpoch: Duration?

  /// A trainer at the start, or at a state; `model` itself is not touched.
  ///
  /// - Parameters:
  ///   - evaluated: the data's validation and test parts, for those who train several times; its own unless given.
  ///   - sparse: whether kernels that know only the kept weights may be used; they are not while a hook needs gradients, images
  ///     are augmented or more of the network is left than they can gain from.
  /// - Throws: ``PlanError`` if plan or hooks are impossible, ``RecordError`` if the state is, ``TrainingError/noData``, and what data and
  ///   model throw.
  public init(
    _ plan: TrainingPlan, model: Model, data: TrainingData, hooks: [any TrainingHook] = [], state: State? = nil, device: Device = .cpu,
    evaluated: EvaluatedParts? = nil, sparse: SparseTraining = .automatic
  ) throws {
    try plan.validate()
    try hooks.validateNames()
    guard data.training.count > 0 else { throw TrainingError.noData }
    try plan.checkBatches(for: model.network, of: data.training.count)
    self.plan = plan
    self.hooks = hooks
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
    sparseTraining = isAugmented ? .never : sparse
    present = try model.laidOutForTraining(on: device)
    do {
      optimizer = try Optimizer(plan.optimizer, model: present, state: state?.optimizer ?? .init(stepCount: 0, moments: [:]))
    } catch let error as PlanError { throw RecordError(error.description) }
    executor = try Executor(present)
    iteration = state?.iteration ?? 0
    log = state?.log ?? TrainingLog()
    isStepOpen = state?.isStepOpen ?? false
    timeInEpoch = !isStepOpen && iteration % loader.batchesPerEpoch == 0 ? .zero : nil
    if let state { try restore(state) }
  }

  private func restore(_ state: State) throws {
    let fresh = try dropout.state()
    // libtorch's own words for what is no state of a generator would fill a screen.
    guard state.dropout.shape == fresh.shape, state.dropout.elementType == fresh.elementType,
      (try? dropout.restore(state.dropout)) != nil
    else { throw RecordError("random.dropout is no state of a random stream") }
    for hook in hooks {
      do { try hook.restore(state.hooks[hook.name] ?? [:]) } catch let error as RecordError { throw error } catch {
        throw RecordError("what hook \(hook.name) keeps does not fit this run")
      }
    }
  }

  /// The kernels for the present masks, made when first asked for: some hooks change masks at every step.
  private func kernels() throws -> SparseEngine? {
    if !hasChosenKernels {
      sparse = try SparseEngine(sparseTraining, model: present, optimizer: optimizer, data: data, evaluated: evaluated.sets)
    }
    hasChosenKernels = true
    return sparse
  }

  /// To be called whenever masks or tensors are others.
  private func forgetKernels() {
    sparse = nil
    hasChosenKernels = false
  }

  private var needsGradients: Bool { hooks.contains { $0.needsGradients(self) } }

  /// All that decides how training goes on.
  public struct State {
    /// Finished steps.
    public var iteration: Int
    /// Evaluations and running sums.
    public var log: TrainingLog
    /// Steps and moments.
    public var optimizer: Optimizer.State
    /// The dropout generator's.
    public var dropout: Tensor
    /// Each hook's, by name.
    public var hooks: [String: [String: Tensor]]
    /// Whether the last step's evaluation is still to come.
    public var isStepOpen: Bool
    /// A state of these parts.
    public init(
      iteration: Int, log: TrainingLog, optimizer: Optimizer.State, dropout: Tensor, hooks: [String: [String: Tensor]],
      isStepOpen: Bool = false
    ) {
      self.iteration = iteration
      self.log = log
      self.optimizer = optimizer
      self.dropout = dropout
      self.hooks = hooks
      self.isStepOpen = isStepOpen
    }

    /// - Throws: ``RecordError`` for what a training of this plan with these hooks cannot have come to.
    fileprivate func check(for plan: TrainingPlan, _ span: TrainingSpan, _ known: [any TrainingHook]) throws {
      guard (0...span.total).contains(iteration) else {
        throw RecordError("a training of \(span.total) steps cannot go on from step \(iteration)")
      }
      guard optimizer.moments.values.allSatisfy({ $0.isEmpty || $0.count == plan.optimizer.momentCount }) else {
        throw RecordError("its moments are those of another optimizer")
      }
      if let name = hooks.keys.sorted().first(where: { name in !known.contains { $0.name == name } }) {
        throw RecordError("it keeps something for hook \(name), which this run does not have")
      }
    }
  }

  /// The present state; tensors are the live ones, to be written before the next step.
  public func state() throws -> State {
    sparse?.lend()
    return State(
      iteration: iteration, log: log, optimizer: optimizer.state, dropout: try dropout.state(),
      hooks: Dictionary(uniqueKeysWithValues: try hooks.map { ($0.name, try $0.state()) }), isStepOpen: isStepOpen)
  }

  /// Trains to the end of the plan.
  ///
  /// - Parameters:
  ///   - afterStep: called after every step and its evaluations, and where an evaluation is broken off; what it throws stops the loop in a
  ///     state that can be continued.
  ///   - report: progress for display.
  /// - Throws: ``TrainingError/nonFiniteLoss(iteration:learningRate:)``, `Interrupted`, and whatever a hook or `afterStep` throws.
  public func run(afterStep: (Trainer) throws -> Void = { _ in }, report: (TrainingProgress) -> Void = { _ in }) throws {
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

  /// What follows a step: its evaluation where one is due, and a look at it for everybody.
  private func endStep(
    loss: Double, learningRate: Double, _ afterStep: (Trainer) throws -> Void, _ report: (TrainingProgress) -> Void
  ) throws {
    isStepOpen = true
    var evaluation: EvaluationRecord?
    if iteration % max(plan.evaluateEvery.iterations(perEpoch: iterationsPerEpoch), 1) == 0 || iteration == totalIterations {
      do { evaluation = try evaluate() } catch let stop as Interrupted {
        // Nothing has changed since the step: a state that is kept now goes on with this evaluation.
        try afterStep(self)
        throw stop
      }
    }
    isStepOpen = false
    report(
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

  private func step(epoch: Int, index: Int, learningRate: Double) throws -> Double {
    let watched = hooks.map(\.observedNodes)
    let observed = watched.dropFirst().reduce(watched.first ?? []) { $0.union($1) }
    if observed.isEmpty, !needsGradients, let sparse = try kernels() {
      let loss = try loader.withStoredBatch(epoch: epoch, index: index) {
        sparse.differentiate($0, labelSmoothing: plan.labelSmoothing)
      }
      try checkFinite(loss, learningRate: learningRate)
      sparse.update(plan.optimizer, learningRate: learningRate, step: optimizer.countStep())
      return loss
    }
    // A dense step moves the tensors.
    sparse?.lend()
    let batch = try loader.batch(epoch: epoch, index: index)
    let logits = try executor.forward(batch.images, mode: .training(dropout), observing: observed) { node, value in
      try withoutGradients {
        for (hook, nodes) in zip(hooks, watched) where nodes.contains(node) { try hook.observe(value.detached(), of: node) }
      }
    }
    let loss = try logits.crossEntropy(executor.labels(of: batch), labelSmoothing: plan.labelSmoothing)
    let value = try loss.item()
    try checkFinite(value, learningRate: learningRate)
    try loss.backward()
    for hook in hooks { try hook.didComputeGradients(self) }
    try optimizer.step(learningRate: learningRate)
    return value
  }

  private func checkFinite(_ loss: Double, learningRate: Double) throws {
    guard loss.isFinite else { throw TrainingError.nonFiniteLoss(iteration: iteration + 1, learningRate: learningRate) }
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
        try kernels()?.evaluate(part.panels) ?? executor.evaluate(part.batches)
      }
    // A last step, or what a hook did after one, can break a model without a further step that would tell.
    guard evaluation.loss.isFinite else {
      throw TrainingError.nonFiniteLoss(iteration: iteration, learningRate: rate(ofStep: iteration - 1))
    }
    return evaluation
  }

  /// The model that a hook wants evaluated in place of the present one.
  private func standIn() throws -> Model? {
    for hook in hooks { if let other = try hook.evaluatedModel(self) { return other } }
    return nil
  }

  /// The present model on the validation set; nil without one.
  ///
  /// - Throws: ``TrainingError/nonFiniteLoss(iteration:learningRate:)``.
  public func evaluateValidation() throws -> Evaluation? { try evaluate(on: evaluated.validation) }

  /// The present model on the test set; nil without one.
  ///
  /// - Throws: ``TrainingError/nonFiniteLoss(iteration:learningRate:)``.
  public func evaluateTest() throws -> Evaluation? { try evaluate(on: evaluated.test) }

  /// Goes on with another model, copied; the optimizer's moments are cut by the slices that made it of the present one.
  ///
  /// - Parameter slices: what ``Model/cut(to:slices:)`` was given; empty if no tensor changed its shape.
  /// - Throws: ``ModelError`` and ``PlanError`` if model and slices do not fit each other; the present model stays then.
  public func replaceModel(_ replacement: Model, slices: [TensorSlice]) throws {
    sparse?.lend()
    try goOn(with: replacement, optimizer.state.cut(by: slices))
  }

  /// Goes on with another model of the same network, copied, and with these moments, copied too; a moment that is missing starts at zero.
  ///
  /// - Throws: ``PlanError`` if a moment does not fit; the present model stays then.
  public func replaceModel(_ replacement: Model, optimizer state: Optimizer.State) throws {
    sparse?.lend()
    try goOn(with: replacement, state)
  }

  private func goOn(with replacement: Model, _ state: Optimizer.State) throws {
    let laidOut = try replacement.laidOutForTraining(on: device)
    let next = try Optimizer(plan.optimizer, model: laidOut, state: state)
    executor = try Executor(laidOut)
    present = laidOut
    optimizer = next
    forgetKernels()
  }

  /// Holds what these masks prune at exactly 0 from now on; they take the place of all earlier ones.
  ///
  /// - Throws: ``ModelError`` if a mask does not fit; the earlier ones stay then.
  public func adoptMasks(_ masks: [ParameterName: Tensor]) throws {
    sparse?.lend()
    present = try Model(network: present.network, tensors: present.tensors, masks: masks)
    try optimizer.adoptMasks(of: present)
    forgetKernels()
  }
}

extension Network {
  /// Whether images pass through convolutions, so that the channels-last layout pays.
  public var hasConvolutions: Bool {
    nodes.contains { if case .convolution = $0.operation { true } else { false } }
  }

  /// Whether there is any batch norm.
  public var hasBatchNorms: Bool {
    nodes.contains { if case .batchNorm = $0.operation { true } else { false } }
  }
}

extension Model {
  /// The model with convolution weights laid out channels-last and gradients asked for, in fresh storage.
  ///
  /// Always from row-major copies, so that a model read from a file and one that went through surgery get the same strides, and so
  /// the same kernels and bits.
  func laidOutForTraining(on device: Device) throws -> Model {
    var result = self
    for (name, tensor) in tensors {
      let dense = try Tensor.empty(tensor.shape, type: tensor.elementType ?? .float32)
      try dense.copy(from: tensor)
      let laidOut = try (tensor.rank == 4 ? dense.channelsLast() : dense).moved(to: device)
      try laidOut.requireGradient(name.role.isTrained)
      result.tensors[name] = laidOut
    }
    return result
  }
}
