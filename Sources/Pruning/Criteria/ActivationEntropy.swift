public import Torch

/// `entropy`: the entropy of a unit's globally pooled activation over the examples, −Σ_b π_b ln π_b, π_b the share of examples in bin b.
///
/// The mean of a over positions is binned into 100 bins of equal width between its smallest and largest value; a unit with the same value
/// for all examples scores 0. Luo & Wu pool layer outputs, too, but leave the number of bins open. Cost: one forward pass.
public struct ActivationEntropy: SweptScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "entropy", summary: "removes the units whose pooled activation varies least between examples",
    formula: "−Σ_b π_b ln π_b, π_b the share of examples in bin b of 100 of the mean of a over positions", paper: "Luo & Wu 2017",
    data: .examples, implementation: ActivationEntropy())

  /// Number of bins of the histogram.
  private static let bins = 100

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// The mean of a over positions, of each example.
  public var statistics: Set<SweepStatistic> { [.pooledActivations] }

  /// Returns the entropy of each unit in nats.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    let values = try layer(.pooledActivations).cast(to: .float64)
    let (low, high) = (try values.min(0), try values.max(0))
    let width = try (high - low).clamped(.leastNormalMagnitude, .infinity)
    // The largest value belongs in the last bin, not in one after it.
    let positions = try ((values - low) / width * Double(Self.bins)).floor().clamped(0, Double(Self.bins - 1))
    let entropy = try low.zerosLike()
    for bin in 0..<Self.bins {
      let share = try positions.equal(Double(bin)).cast(to: .float64).mean(0)
      try entropy.accumulate(share * share.clamped(.leastNormalMagnitude, 1).logarithm(), scale: -1)
    }
    return entropy
  }
}
