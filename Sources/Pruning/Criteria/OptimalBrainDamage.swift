public import Torch

/// `obd`: the second-order change of the mean loss when a weight becomes 0 at a minimum, ½·H_ii·w²; of a unit, the sum over its
/// incoming weights.
///
/// LeCun et al. propagate the diagonal with an approximation of their own; ours is estimated by random signs
/// (``HessianProbes``), without bias but with noise, which may push a score below 0. One forward and one backward pass that
/// records its graph, and one backward pass through it per probe and batch.
public struct OptimalBrainDamage: SweptWeightScoring {
  /// Its entry in the catalogue.
  public static let method = PruningMethod(
    name: "obd", summary: "units or weights leave whose zeroing changes the loss least, by its curvature",
    formula: "½·H_ii·w² (units: Σ over incoming weights), H_ii by random probes", paper: "LeCun et al. 1990; Hutchinson 1990",
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
