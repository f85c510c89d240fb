internal import Networks
internal import Torch
public import Training

/// L1 regularisation (Han et al. 2015): λ·Σ|w| over the prunable weights, added to the training loss.
///
/// As a hook it adds the subgradient λ·sign(w) (0 at w = 0, so nothing for pruned weights) to each weight's gradient in
/// ``didComputeGradients(_:)``, before the optimizer sees it. Biases and norms are not penalised. The loss that training reports is the
/// data loss alone; ``value(for:)`` gives the penalty. It costs one pass over the weights per step and has no state. For L2 regularisation
/// use the optimizer's weight decay.
public final class L1Penalty: TrainingHook {
  /// Strength λ of the penalty.
  public let strength: Double

  /// Creates the penalty.
  ///
  /// - Throws: `PlanError` for a strength that is negative or that float32 cannot hold.
  public init(strength: Double) throws {
    guard strength >= 0, strength.fitsFloat32 else {
      throw PlanError("an L1 penalty of \(strength) is impossible: give 0 or a positive number, e.g. 1e-5")
    }
    self.strength = strength
  }

  /// Name of the hook, `l1`.
  public var name: String { "l1" }

  /// True unless the strength is 0.
  public var needsGradients: Bool { strength > 0 }

  /// Adds λ·sign(w) to the gradients of all prunable weights.
  public func didComputeGradients(_ trainer: Trainer) throws {
    guard strength > 0 else { return }
    try withoutGradients {
      for name in trainer.model.network.prunableWeights {
        let weight = try trainer.model.tensor(name)
        // There is no gradient if the loss does not depend on the weight.
        try weight.gradient?.accumulate(weight.detached().sign(), scale: strength)
      }
    }
  }

  /// Returns λ·Σ|w| of a model.
  public func value(for model: Model) throws -> Double {
    try model.network.prunableWeights.reduce(0) { $0 + strength * (try model.tensor($1).detached().l1Norm().item()) }
  }
}
