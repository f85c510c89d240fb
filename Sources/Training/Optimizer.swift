public import Networks
public import Torch

/// Which optimizer, with its constants; the learning rate comes from the schedule.
public enum OptimizerPlan: Codable, Hashable, Sendable {
  /// v ← μv + g + λw; w ← w − ηv.
  case sgd(momentum: Double = 0.9, weightDecay: Double = 0, nesterov: Bool = false)
  /// Kingma & Ba 2015; weight decay as an L2 term of the gradient.
  case adam(weightDecay: Double = 0)
  /// Loshchilov & Hutter 2019; weight decay apart from the gradient.
  case adamW(weightDecay: Double = 0.01)

  /// λ, of whichever kind.
  var weightDecay: Double {
    switch self {
    case .sgd(_, let weightDecay, _), .adam(let weightDecay), .adamW(let weightDecay): weightDecay
    }
  }

  /// Moments kept per parameter.
  public var momentCount: Int {
    switch self {
    case .sgd: 1
    case .adam, .adamW: 2
    }
  }
}

/// Moves a model's trained tensors, holding pruned elements and their moments at exactly 0.
public final class Optimizer {
  /// What it computes.
  public let plan: OptimizerPlan
  /// Steps taken so far; Adam's bias correction needs it.
  public private(set) var stepCount: Int
  /// The trained tensors in the network's order.
  public let names: [ParameterName]
  private let fused: FusedParameters

  /// An optimizer at rest.
  public convenience init(_ plan: OptimizerPlan, model: Model) throws {
    try self.init(plan, model: model, state: State(stepCount: 0, moments: [:]))
  }

  /// An optimizer that continues from a state; a moment that the state lacks starts at zero.
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
        // A copy would broadcast.
        guard value.shape == moment[index].shape else {
          throw PlanError("a stored moment of \(name) has shape \(value.shape), not \(moment[index].shape)")
        }
        try moment[index].copy(from: value)
      }
    }
    try adoptMasks(of: model)
  }

  /// Holds what the model's masks prune at exactly 0 from now on.
  public func adoptMasks(of model: Model) throws {
    for (index, name) in names.enumerated() { try fused.setMask(model.masks[name], at: index) }
  }

  /// Counts a step, whoever takes it; gives its number, from 1.
  func countStep() -> Int {
    stepCount += 1
    return stepCount
  }

  /// Applies and clears the accumulated gradients.
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

  /// What a checkpoint keeps of an optimizer, and what surgery cuts with the weights.
  public struct State {
    /// Steps taken so far.
    public var stepCount: Int
    /// SGD: velocity. Adam: first and second moment.
    public var moments: [ParameterName: [Tensor]]
    /// A state of these parts.
    public init(stepCount: Int, moments: [ParameterName: [Tensor]]) {
      self.stepCount = stepCount
      self.moments = moments
    }

    /// The state for the model after a surgery.
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

  /// The present state; its tensors are the live ones.
  public var state: State {
    var moments: [ParameterName: [Tensor]] = [:]
    for (index, name) in names.enumerated() { moments[name] = fused.moments.map { $0[index] } }
    return State(stepCount: stepCount, moments: moments)
  }
}
