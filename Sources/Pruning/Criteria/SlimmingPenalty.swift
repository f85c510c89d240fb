public import Networks
internal import Torch
public import Training

/// Network slimming's penalty (Liu et al. 2017): λ·Σ|γ| over the scales of all batch norms, added to the training loss.
///
/// As a hook it adds the subgradient λ·sign(γ) (0 at γ = 0) to each γ's gradient in ``didComputeGradients(_:)``, before the optimizer sees
/// it. The loss that training reports is the data loss alone; ``value(for:)`` gives the penalty. It costs one addition per norm and step,
/// has no state, and follows every change of the model. The paper uses λ = 1e-4 (VGG) and 1e-5 (ResNet, DenseNet).
///
/// ```swift
/// let trainer = try Trainer(plan, model: model, data: data, hooks: [SlimmingPenalty(strength: 1e-4, network: model.network)])
/// ```
public final class SlimmingPenalty: TrainingHook {
  /// Strength λ of the penalty.
  public let strength: Double

  /// Creates the penalty for networks with the batch norms of `network`.
  ///
  /// - Throws: `PlanError` for a strength that is negative or not finite, or a network without batch norm.
  public init(strength: Double, network: Network) throws {
    self.strength = try Self.checked(strength)
    guard !network.scaleNames.isEmpty else {
      throw PlanError("the slimming penalty needs batch norms with a scale: \(network.name) has none")
    }
  }

  /// Returns the strength if it is valid.
  ///
  /// - Throws: `PlanError` for a strength that is negative or that float32 cannot hold.
  public static func checked(_ strength: Double) throws -> Double {
    guard strength >= 0, strength.fitsFloat32 else {
      throw PlanError("a slimming penalty of \(strength) is impossible: give 0 or a positive number, e.g. 1e-4")
    }
    return strength
  }

  /// Name of the hook, `slimming`.
  public var name: String { "slimming" }

  /// Adds λ·sign(γ) to the gradients of all γ.
  public func didComputeGradients(_ trainer: Trainer) throws {
    guard strength > 0 else { return }
    try withoutGradients {
      for name in trainer.model.network.scaleNames {
        let scale = try trainer.model.tensor(name)
        // There is no gradient if the loss does not depend on the scale.
        try scale.gradient?.accumulate(scale.detached().sign(), scale: strength)
      }
    }
  }

  /// Returns λ·Σ|γ| of a model.
  public func value(for model: Model) throws -> Double {
    try model.network.scaleNames.reduce(0) { $0 + strength * (try model.tensor($1).detached().l1Norm().item()) }
  }
}

extension Network {
  /// Names of the scales of all batch norms, each once.
  fileprivate var scaleNames: [ParameterName] {
    var seen: Set<String> = []
    return nodes.compactMap { node in
      guard case .batchNorm(let norm) = node.operation, norm.affine, seen.insert(node.module).inserted else { return nil }
      return ParameterName(node.module, .weight)
    }
  }
}
