public import Torch

/// `abs-mrs`: the expected size of the first-order change of the loss when a unit says its mean, E|Σ_p g·(ā − a)|.
///
/// The paper's proposal, to be used with mean replacement. One forward and one backward pass.
public struct AbsoluteMeanReplacementSaliency: SweptScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "abs-mrs", summary: "units leave whose replacement by their mean changes examples' losses least",
    formula: "E|Σ_p g·(ā − a)|", paper: "Mean Replacement Pruning, 2019", data: .examples, implementation: AbsoluteMeanReplacementSaliency()
  )

  /// The criterion; it has no state.
  public init() {}

  /// Σ_p g, Σ_p g·a and Σ a.
  public var statistics: Set<SweepStatistic> { [.gradientSums, .gradientActivationSums, .activationSums] }

  /// E|ā·Σ_p g − Σ_p g·a|.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer.meanReplacementChanges().absolute().mean(0)
  }
}
