public import Torch

/// `taylor-activation`: ``AbsoluteReplacementSaliency`` with layers made comparable: in global scope each layer's scores are
/// divided by their 2-norm.
///
/// Molchanov et al. average over positions where we sum; behind the division both are the same. One forward and one backward pass.
public struct TaylorActivation: SweptScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "taylor-activation", summary: "as abs-rs; in global scope each layer's scores are divided by their 2-norm",
    formula: "E|Σ_p g·a| (global: over the layer's 2-norm)", paper: "Molchanov et al. 2017", data: .examples,
    normalization: .l2, implementation: TaylorActivation())

  /// The criterion; it has no state.
  public init() {}

  /// Σ_p g·a.
  public var statistics: Set<SweepStatistic> { AbsoluteReplacementSaliency().statistics }

  /// E|Σ_p g·a|.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try AbsoluteReplacementSaliency().unitScores(layer, context)
  }
}
