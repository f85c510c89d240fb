internal import Networks
internal import Pruning
public import Training

/// A training plan with the penalties that are added to its loss.
public struct RegularizedTraining: Codable, Hashable, Sendable {
  /// Length, optimizer, learning rate, seed.
  public var plan: TrainingPlan
  /// λ of network slimming's λ·Σ|γ| over the scales of batch norms (Liu et al. 2017); nil for none.
  public var slimming: Double?
  /// λ of λ·Σ|w| over all weights; nil for none.
  public var l1: Double?

  /// Creates a training; every parameter sets the property of the same name.
  public init(_ plan: TrainingPlan, slimming: Double? = nil, l1: Double? = nil) {
    self.plan = plan
    self.slimming = slimming
    self.l1 = l1
  }

  /// Returns the penalties as hooks of a trainer.
  ///
  /// - Throws: `PlanError` for impossible strengths, and for slimming without batch norms.
  func penalties(for network: Network) throws -> [any TrainingHook] {
    var hooks: [any TrainingHook] = []
    if let slimming { hooks.append(try SlimmingPenalty(strength: slimming, network: network)) }
    if let l1 { hooks.append(try L1Penalty(strength: l1)) }
    return hooks
  }
}
