public import Torch

/// `mrs`: the mean first-order change of the loss when a unit's output is replaced by its mean, E[Σ_p g·(ā − a)], ā over examples and
/// positions.
///
/// ā is known only after the pass, so the sweep keeps Σ_p g and Σ_p g·a apart. Cost: one forward and one backward pass.
public struct MeanReplacementSaliency: SweptScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "mrs", summary: "removes the units whose replacement by their mean is expected to lower the loss most",
    formula: "E[Σ_p g·(ā − a)]", paper: "Mean Replacement Pruning, 2019 (MRS)", data: .examples,
    implementation: MeanReplacementSaliency())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Per example Σ_p g and Σ_p g·a, and Σ a for ā.
  public var statistics: Set<SweepStatistic> { [.gradientSums, .gradientActivationSums, .activationSums] }

  /// Returns ā·E[Σ_p g] − E[Σ_p g·a].
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer.meanReplacementChanges().mean(0)
  }
}

extension LayerStatistics {
  /// Returns Σ_p g·(ā − a) of each example, float64 [n, u].
  func meanReplacementChanges() throws -> Tensor {
    try self(.gradientSums).cast(to: .float64) * meanActivations() - self(.gradientActivationSums).cast(to: .float64)
  }
}
