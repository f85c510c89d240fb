public import Torch

/// `obd`: the second-order change of the mean loss when a weight at a minimum becomes 0, ½·H_ii·w²; for units the sum over their incoming
/// weights.
///
/// LeCun et al. propagate the diagonal with the Levenberg–Marquardt approximation, which is never negative. Ours estimates, without their
/// further approximations, the diagonal of the generalised Gauss–Newton matrix, which is never negative either, or that of the Hessian
/// itself, both with random signs (``HessianProbes``, which gives the cost of each).
public struct OptimalBrainDamage: SweptWeightScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "obd", summary: "removes the units or weights whose zeroing changes the loss least, judged by its curvature",
    formula: "½·H_ii·w² (units: Σ over incoming weights), H the Gauss–Newton matrix, or the Hessian by Hutchinson's probes",
    paper: "LeCun et al. 1990",
    data: .examples, implementation: OptimalBrainDamage())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// The diagonal of the curvature.
  public var statistics: Set<SweepStatistic> { [.hessianDiagonal] }
  /// The diagonal of the curvature.
  public var weightStatistics: Set<SweepStatistic> { [.hessianDiagonal] }

  /// Returns Σ ½·H_ii·w² over each unit's incoming weights.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer.sumOverIncoming(weightScores(layer, context))
  }
  /// Returns ½·H_ii·w².
  public func weightScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer(.hessianDiagonal) * layer.weight.squared() * 0.5
  }
}
