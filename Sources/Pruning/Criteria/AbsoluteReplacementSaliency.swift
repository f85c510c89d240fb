public import Torch

/// `abs-rs`: the mean absolute first-order change of the loss when a unit's output is set to 0, E|Σ_p g·a|.
///
/// This is the Taylor criterion of Molchanov et al.; they and the paper average over positions, which ranks the units of one layer the same
/// way. ``TaylorActivation`` makes layers comparable as well. Cost: one forward and one backward pass.
public struct AbsoluteReplacementSaliency: SweptScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "abs-rs", summary: "removes the units whose zeroing changes the examples' losses least", formula: "E|Σ_p g·a|",
    paper: "Mean Replacement Pruning, 2019; Molchanov et al. 2017", data: .examples, implementation: AbsoluteReplacementSaliency())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Σ_p g·a of each example.
  public var statistics: Set<SweepStatistic> { [.gradientActivationSums] }

  /// Returns E|Σ_p g·a|.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer(.gradientActivationSums).cast(to: .float64).absolute().mean(0)
  }
}
