public import Torch

/// `taylor-activation`: ``AbsoluteReplacementSaliency`` with layers made comparable: in global scope each layer's scores are divided by
/// their 2-norm.
///
/// Molchanov et al. average over positions where we sum; after the division both are the same. Cost: one forward and one backward pass.
public struct TaylorActivation: SweptScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "taylor-activation", summary: "like abs-rs, but in global scope each layer's scores are divided by their 2-norm",
    formula: "E|Σ_p g·a| (global: divided by the layer's 2-norm)", paper: "Molchanov et al. 2017", data: .examples,
    normalization: .l2, implementation: TaylorActivation())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Σ_p g·a of each example.
  public var statistics: Set<SweepStatistic> { AbsoluteReplacementSaliency().statistics }

  /// Returns E|Σ_p g·a|.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try AbsoluteReplacementSaliency().unitScores(layer, context)
  }
}
