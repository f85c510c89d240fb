public import Torch

/// `obd`: the second-order change of the mean loss when a weight becomes 0 at a minimum, ½·H_ii·w²; of a unit, the sum over its
/// incoming weights.
///
/// LeCun et al. propagate the diagonal with the Levenberg–Marquardt approximation, which is never negative; ours is its like without
/// further approximation, the generalised Gauss–Newton diagonal, estimated by random signs, or the Hessian's own (``HessianProbes``, which
/// says what each costs).
public struct OptimalBrainDamage: SweptWeightScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "obd", summary: "units or weights leave whose zeroing changes the loss least, by its curvature",
    formula: "½·H_ii·w² (units: Σ over incoming weights), H_ii of Gauss–Newton, or by Hutchinson's probes", paper: "LeCun et al. 1990",
    data: .examples, implementation: OptimalBrainDamage())

  /// The criterion; it has no state.
  public init() {}

  /// The Hessian's diagonal.
  public var statistics: Set<SweepStatistic> { [.hessianDiagonal] }
  /// The Hessian's diagonal.
  public var weightStatistics: Set<SweepStatistic> { [.hessianDiagonal] }

  /// Σ ½·H_ii·w².
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer.sumOverIncoming(weightScores(layer, context))
  }
  /// ½·H_ii·w².
  public func weightScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer(.hessianDiagonal) * layer.weight.squared() * 0.5
  }
}
