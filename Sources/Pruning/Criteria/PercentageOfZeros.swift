public import Torch

/// `apoz`: the share of a unit's values that are not exactly 0, over examples and positions: 1 − APoZ, so that low leaves.
///
/// Hu et al. remove units with a high average percentage of zeros, taken behind the ReLU: ``MeanPlace/output`` is theirs; behind
/// pooling there are fewer zeros. Units without ReLU all score 1. One forward pass.
public struct PercentageOfZeros: SweptScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "apoz", summary: "units leave that are most often silent", formula: "1 − share of zeros among a", paper: "Hu et al. 2016",
    data: .examples, implementation: PercentageOfZeros())

  /// The criterion; it has no state.
  public init() {}

  /// Zeros.
  public var statistics: Set<SweepStatistic> { [.zeroCounts] }

  /// 1 − zeros/(n·p).
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try -(layer(.zeroCounts) / Double(max(layer.examples * layer.positions, 1))) + 1
  }
}
