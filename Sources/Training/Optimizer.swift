public import Networks
public import Torch

/// An optimizer with its constants; the learning rate comes from the schedule.
public enum OptimizerPlan: Codable, Hashable, Sendable {
  /// Stochastic gradient descent: v ← μv + g + λw; w ← w − ηv, or with Nesterov momentum w ← w − η·(g + λw + μv).
  case sgd(momentum: Double = 0.9, weightDecay: Double = 0, nesterov: Bool = false)
  /// Adam (Kingma & Ba 2015); weight decay is an L2 term of the gradient.
  case adam(weightDecay: Double = 0)
  /// AdamW (Loshchilov & Hutter 2019); weight decay is decoupled from the gradient.
  case adamW(weightDecay: Double = 0.01)

  /// Weight decay λ of any optimizer.
  var weightDecay: Double {
    switch self {
    case .sgd(_, let weightDecay, _), .adam(let weightDecay), .adamW(let weightDecay): weightDecay
    }
  }

  /// Number of moments kept per parameter.
  public var momentCount: Int {
    switch self {
    case .sgd: 1
    case .adam, .adamW: 2
    }
  }
}

/// Updates a model's trained tensors, holding pruned elements and their moments at exactly 0.
public final class Optimizer {
  /// The optimizer's kind and constants.
  public let plan: OptimizerPlan
  /// Number of steps taken so far, which Adam's bias correction uses.
  public private(set) var stepCount: Int
  /// Names of the trained tensors, in the network's order.
  public let names: [ParameterName]
  private let fused: FusedParameters

  /// Creates an optimizer with zero moments.
  public convenience init(_ plan: OptimizerPlan, model: Model) throws {
    try self.init(plan, model: model, state: State(stepCount: 0, moments: [:]))
  }

  /// Creates an optimizer that continues from a state; a moment that the state lacks starts at zero.
  ///
  /// - Throws: ``PlanError`` if a stored moment has another shape than its parameter.
  public init(_ plan: OptimizerPlan, model: Model, state: State) throws {
    self.plan = plan
    names = try model.network.parameterShapes().map(\.name).filter(\.role.isTrained)
    fused = try FusedParameters(names.map { try model.tensor($0) }, moments: plan.momentCount)
    stepCount = state.stepCount
    for (index, name) in names.enumerated() {
      guard let stored = state.moments[name] else { continue }
      for (moment, value) in zip(fused.moments, stored) {
        // Copying would broadcast.
        guard value.shape == moment[index].shape else {
          throw PlanError("a stored moment of \(name) has shape \(value.shape), not \(moment[index].shape)")
        }
        try moment[index].copy(from: value)
      }
    }
    try adoptMasks(of: model)
  }

  /// Adopts the masks of a model: elements that they prune are exactly 0 from now on.
  public func adoptMasks(of model: Model) throws {
    for (index, name) in names.enumerated() { try fused.setMask(model.masks[name], at: index) }
  }

  /// Counts a step, even one that kernels of our own take, and returns its number, from 1.
  func countStep() -> Int {
    stepCount += 1
    return stepCount
  }

  /// Takes a step with the accumulated gradients, and clears them.
  public func step(learningRate: Double) throws {
    _ = countStep()
    switch plan {
    case .sgd(let momentum, let weightDecay, let nesterov):
      try fused.stepSGD(learningRate: learningRate, momentum: momentum, weightDecay: weightDecay, nesterov: nesterov)
    case .adam(let weightDecay):
      try fused.stepAdam(learningRate: learningRate, weightDecay: weightDecay, step: stepCount)
    case .adamW(let weightDecay):
      try fused.stepAdam(learningRate: learningRate, weightDecay: weightDecay, decoupled: true, step: stepCount)
    }
  }

  /// The state that a checkpoint keeps, and that surgery cuts along with the weights.
  public struct State {
    /// Number of steps taken so far.
    public var stepCount: Int
    /// Moments of each parameter: the velocity for SGD, the first and second moment for Adam.
    public var moments: [ParameterName: [Tensor]]
    /// Creates a state; every parameter sets the property of the same name.
    public init(stepCount: Int, moments: [ParameterName: [Tensor]]) {
      self.stepCount = stepCount
      self.moments = moments
    }

    /// Returns the state for the model after a surgery.
    public func cut(by slices: [TensorSlice]) throws -> State {
      var result = self
      let slices = Dictionary(grouping: slices, by: \.parameter)
      for (name, tensors) in moments {
        let cuts = slices[name] ?? []
        result.moments[name] = try tensors.map { tensor in
          try cuts.reduce(tensor) { try $0.detached().indexed($1.dimension, $1.keep) }
        }
      }
      return result
    }
  }

  /// The present state; its tensors are the live ones, not copies.
  public var state: State {
    var moments: [ParameterName: [Tensor]] = [:]
    for (index, name) in names.enumerated() { moments[name] = fused.moments.map { $0[index] } }
    return State(stepCount: stepCount, moments: moments)
  }
}
