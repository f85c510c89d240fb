public import Torch

/// `abs-rs`: the expected size of the first-order change of the loss when a unit says 0, E|Σ_p g·a|.
///
/// Molchanov et al.'s Taylor criterion; they and the paper average over positions, which ranks a layer's units alike.
/// ``TaylorActivation`` is the same with layers made comparable. One forward and one backward pass.
public struct AbsoluteReplacementSaliency: SweptScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "abs-rs", summary: "units leave whose silence changes examples' losses least", formula: "E|Σ_p g·a|",
    paper: "Mean Replacement Pruning, 2019; Molchanov et al. 2017", data: .examples, implementation: AbsoluteReplacementSaliency())

  /// The criterion; it has no state.
  public init() {}

  /// Σ_p g·a.
  public var statistics: Set<SweepStatistic> { [.gradientActivationSums] }

  /// E|Σ_p g·a|.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer(.gradientActivationSums).cast(to: .float64).absolute().mean(0)
  }
}
