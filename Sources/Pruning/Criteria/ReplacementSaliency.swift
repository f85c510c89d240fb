public import Torch

/// `rs`: the first-order change of the loss when a unit says 0, E[Σ_p g·(0 − a)].
///
/// The correct first-order term, and in the paper worse than chance: units whose removal promises the largest *fall* of the loss
/// go first, and they are the ones for which the approximation is worst. One forward and one backward pass.
public struct ReplacementSaliency: SweptScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "rs", summary: "units leave whose silence is expected to lower the loss most", formula: "E[Σ_p g·(0 − a)]",
    paper: "Mean Replacement Pruning, 2019 (RS)", data: .examples, implementation: ReplacementSaliency())

  /// The criterion; it has no state.
  public init() {}

  /// Σ_p g·a.
  public var statistics: Set<SweepStatistic> { [.gradientActivationSums] }

  /// −E[Σ_p g·a].
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try -layer(.gradientActivationSums).cast(to: .float64).mean(0)
  }
}
