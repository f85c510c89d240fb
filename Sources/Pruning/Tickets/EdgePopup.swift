internal import Foundation
public import Networks
public import Torch
public import Training

/// edge-popup (Ramanujan et al. 2020): finds a subnetwork of random weights that performs well, by training scores instead of weights.
///
/// Every prunable weight w keeps its initial value and has a score s. The forward pass uses w_eff = m ⊙ w, where m is true for the weights
/// of largest |s| of each layer: exactly n − round(sparsity·n) of n, of equal scores the lower index is left out first. The gradient passes
/// the selection as if it were the identity in |s| (straight-through):
///
///     ∂L/∂s = ∂L/∂w_eff ⊙ w ⊙ sign(s),   v ← μv + ∂L/∂s + λs,   s ← s − ηv
///
/// with μ, λ, Nesterov and η(t) of the training plan, whose optimizer must be SGD. The selection is made anew after every step. Biases are
/// 0, norms have scale 1 and shift 0, and only the scores (and running statistics) change: the hook removes all gradients before the
/// optimizer sees them, so that a selected weight is its initial value bit for bit, and any other is 0.0 in the tensor, with its value kept
/// here.
///
/// Scores start from U(±1/√fan-in), as in the authors' code (Kaiming uniform with a = √5). The paper's formula has no sign(s); the authors'
/// code differentiates through |s|, and so does ours: without the sign, a negative score would move away from selection when it should move
/// towards it. Cost: one selection (linear time) and a few passes over the weights per step.
///
/// ```swift
/// let popup = try EdgePopup(sparsity: 0.5, model: model, seed: 1)
/// let trainer = try Trainer(plan, model: popup.masked(model), data: data, hooks: [popup])
/// ```
public final class EdgePopup: TrainingHook {
  /// Fraction of the weights that is not selected.
  public let sparsity: Double
  /// Distribution of the unselected weights over the layers; in the paper the same fraction of each.
  public let allocation: Allocation
  /// How a fraction is rounded to a count.
  public let rounding: Rounding
  /// Names of the weights that are selected from, in the network's order.
  public let names: [ParameterName]
  /// Scores that rank the weights.
  public private(set) var scores: [ParameterName: Tensor]
  /// Momentum of the scores.
  public private(set) var velocities: [ParameterName: Tensor]
  /// Initial values of the weights, whether selected or not.
  public private(set) var weights: [ParameterName: Tensor]

  /// Draws fresh scores for a freshly initialised model.
  ///
  /// - Parameter ignored: names or patterns (``LayerPattern``) of layers of which all weights are used.
  /// - Throws: ``PruningError`` for a sparsity outside [0, 1) or a pattern that matches nothing.
  public init(
    sparsity: Double, allocation: Allocation = .layer, rounding: Rounding = .round, ignoring ignored: [String] = [], model: Model,
    seed: UInt64
  ) throws {
    self.sparsity = try Fraction.checked(sparsity, option: "--sparsity")
    self.allocation = allocation
    self.rounding = rounding
    names = try model.network.weights(ignoring: ignored)
    (scores, velocities, weights) = ([:], [:], [:])
    let generator = try Generator(seed: seed)
    for name in names {
      let weight = try model.tensor(name)
      let bound = 1 / Double(max(weight.shape.dropFirst().reduce(1, *), 1)).squareRoot()
      let score = try Tensor.uniform(
        weight.shape, low: -bound, high: bound, type: weight.elementType ?? .float32, generator: generator)
      scores[name] = score
      velocities[name] = try score.zerosLike()
      weights[name] = try weight.detached().contiguous().copied()
    }
  }

  /// Name of the hook in checkpoints, `edge-popup`.
  public var name: String { "edge-popup" }

  /// True, since the scores are trained by the gradients of all weights.
  public var needsGradients: Bool { true }

  /// Returns the model to train: a copy with biases 0, identity norms, and only the selected weights.
  public func masked(_ model: Model) throws -> Model {
    var masked = try model.copied()
    try withoutGradients {
      for (name, tensor) in masked.tensors {
        if name.role == .bias { try tensor.fill(0) }
        if name.role == .weight, tensor.rank == 1 { try tensor.fill(1) }
      }
      masked.masks.merge(try masks()) { $1 }
      try masked.applyMasks()
    }
    return masked
  }

  /// Returns the masks (`bool`) of the weights that the present scores select.
  public func masks() throws -> [ParameterName: Tensor] {
    let layers = try names.map { name in
      ScoredLayer(name: name.module, scores: try value(of: name, in: scores).absolute())
    }
    let selection = try Selection(
      .ofOriginal(sparsity), of: layers, rule: SelectionRule(allocation, rounding: rounding), criterion: "edge-popup")
    return Dictionary(uniqueKeysWithValues: zip(names, selection.layers.map(\.kept)))
  }

  /// Updates the scores by SGD, and removes the gradients before the optimizer sees them.
  ///
  /// - Throws: `PlanError` if the plan's optimizer is not SGD.
  public func didComputeGradients(_ trainer: Trainer) throws {
    guard case .sgd(let momentum, let weightDecay, let nesterov) = trainer.plan.optimizer else {
      throw PlanError("edge-popup trains its scores with sgd: give --optimizer sgd")
    }
    let rate = trainer.plan.learningRate.rate(
      at: trainer.iteration, of: trainer.totalIterations, perEpoch: trainer.iterationsPerEpoch)
    try withoutGradients {
      for name in names {
        guard let gradient = try trainer.model.tensor(name).gradient?.moved(to: .cpu) else { continue }
        let (score, velocity) = (try value(of: name, in: scores), try value(of: name, in: velocities))
        let direction = try gradient * value(of: name, in: weights) * score.sign()
        if weightDecay != 0 { try direction.accumulate(score, scale: weightDecay) }
        try velocity.scale(by: .scalar(momentum, type: score.elementType ?? .float32))
        try velocity.accumulate(direction)
        if nesterov { try score.accumulate(direction, scale: -rate) }
        try score.accumulate(velocity, scale: nesterov ? -rate * momentum : -rate)
      }
      // The optimizer leaves tensors without gradient alone, weight decay included.
      for (name, tensor) in trainer.model.tensors where name.role.isTrained { try tensor.clearGradient() }
    }
  }

  /// Selects anew: selected weights get their initial values, all others 0.0.
  public func didStep(_ trainer: Trainer) throws {
    try withoutGradients {
      let chosen = try masks()
      for (name, mask) in chosen {
        let weight = try value(of: name, in: weights)
        try trainer.model.tensor(name).detached().copy(from: mask.select(weight, else: weight.zerosLike()))
      }
      try trainer.adoptMasks(trainer.model.masks.merging(chosen) { $1 })
    }
  }

  private func value(of name: ParameterName, in tensors: [ParameterName: Tensor]) throws -> Tensor {
    guard let tensor = tensors[name] else { throw PruningError.mismatch("edge-popup has no scores for \(name)") }
    return tensor
  }

  /// Returns scores, momentum and initial weights.
  public func state() throws -> [String: Tensor] {
    var state: [String: Tensor] = [:]
    for name in names {
      state["score.\(name)"] = scores[name]
      state["velocity.\(name)"] = velocities[name]
      state["weight.\(name)"] = weights[name]
    }
    return state
  }

  /// Continues from a state returned by ``state()``.
  ///
  /// - Throws: `RecordError` if a tensor is missing, superfluous or of another shape or type; the scores are then not changed.
  public func restore(_ state: [String: Tensor]) throws {
    func stored(_ kind: String) throws -> [ParameterName: Tensor] {
      try Dictionary(
        uniqueKeysWithValues: names.map { name in
          let (shape, type) = (scores[name]?.shape ?? [], scores[name]?.elementType)
          guard let tensor = state["\(kind).\(name)"] else { throw RecordError("it lacks edge-popup's \(kind) of \(name)") }
          guard tensor.shape == shape, tensor.elementType == type else {
            throw RecordError(
              "its \(kind) of \(name) for edge-popup is not a \(type.map { "\($0.rawValue) " } ?? "")tensor of shape \(shape)")
          }
          return (name, try tensor.moved(to: .cpu).copied())
        })
    }
    let read = (try stored("score"), try stored("velocity"), try stored("weight"))
    guard state.count == 3 * names.count else { throw RecordError("it has tensors for edge-popup that belong to no layer") }
    (scores, velocities, weights) = read
  }
}
