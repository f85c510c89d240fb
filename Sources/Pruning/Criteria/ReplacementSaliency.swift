public import Torch

/// `rs`: the mean first-order change of the loss when a unit's output is set to 0, E[Σ_p g·(0 − a)].
///
/// It is the correct first-order term, and yet worse than random in the paper: the units whose removal promises the largest *decrease* of
/// the loss are removed first, and the approximation is worst for exactly these. Cost: one forward and one backward pass.
public struct ReplacementSaliency: SweptScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "rs", summary: "removes the units whose zeroing is expected to lower the loss most", formula: "E[Σ_p g·(0 − a)]",
    paper: "Mean Replacement Pruning, 2019 (RS)", data: .examples, implementation: ReplacementSaliency())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Σ_p g·a of each example.
  public var statistics: Set<SweepStatistic> { [.gradientActivationSums] }

  /// Returns −E[Σ_p g·a].
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try -layer(.gradientActivationSums).cast(to: .float64).mean(0)
  }
}
