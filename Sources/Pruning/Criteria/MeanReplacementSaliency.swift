public import Torch

/// `mrs`: the first-order change of the loss when a unit says its mean, E[Σ_p g·(ā − a)], ā over examples and positions.
///
/// ā is known only after the pass; so the sweep keeps Σ_p g and Σ_p g·a apart. One forward and one backward pass.
public struct MeanReplacementSaliency: SweptScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "mrs", summary: "units leave whose replacement by their mean is expected to lower the loss most",
    formula: "E[Σ_p g·(ā − a)]", paper: "Mean Replacement Pruning, 2019 (MRS)", data: .examples,
    implementation: MeanReplacementSaliency())

  /// The criterion; it has no state.
  public init() {}

  /// Σ_p g, Σ_p g·a and Σ a.
  public var statistics: Set<SweepStatistic> { [.gradientSums, .gradientActivationSums, .activationSums] }

  /// ā·E[Σ_p g] − E[Σ_p g·a].
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer.meanReplacementChanges().mean(0)
  }
}

extension LayerStatistics {
  /// Σ_p g·(ā − a) of each example, float64 [n, u].
  func meanReplacementChanges() throws -> Tensor {
    try self(.gradientSums).cast(to: .float64) * meanActivations() - self(.gradientActivationSums).cast(to: .float64)
  }
}
