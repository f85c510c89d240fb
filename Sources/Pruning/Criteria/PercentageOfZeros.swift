public import Torch

/// `apoz`: the share of a unit's values that are not exactly 0, over examples and positions: 1 − APoZ, so that low scores are removed.
///
/// Hu et al. remove units with a high average percentage of zeros after the ReLU, which is ``MeanPlace/output``; after pooling there are
/// fewer zeros. Without a ReLU, all units score about 1. Cost: one forward pass.
public struct PercentageOfZeros: SweptScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "apoz", summary: "removes the units that are most often zero", formula: "1 − share of zeros among a", paper: "Hu et al. 2016",
    data: .examples, implementation: PercentageOfZeros())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// The number of exact zeros.
  public var statistics: Set<SweepStatistic> { [.zeroCounts] }

  /// Returns 1 − zeros/(n·p).
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try -(layer(.zeroCounts) / Double(max(layer.examples * layer.positions, 1))) + 1
  }
}
