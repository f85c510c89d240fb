public import Torch

/// `abs-mrs`: the mean absolute first-order change of the loss when a unit's output is replaced by its mean, E|Σ_p g·(ā − a)|.
///
/// The criterion that the paper proposes, for use with mean replacement. Cost: one forward and one backward pass.
public struct AbsoluteMeanReplacementSaliency: SweptScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "abs-mrs", summary: "removes the units whose replacement by their mean changes the examples' losses least",
    formula: "E|Σ_p g·(ā − a)|", paper: "Mean Replacement Pruning, 2019", data: .examples, implementation: AbsoluteMeanReplacementSaliency()
  )

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Per example Σ_p g and Σ_p g·a, and Σ a for ā.
  public var statistics: Set<SweepStatistic> { [.gradientSums, .gradientActivationSums, .activationSums] }

  /// Returns E|ā·Σ_p g − Σ_p g·a|.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer.meanReplacementChanges().absolute().mean(0)
  }
}
