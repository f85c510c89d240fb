public import Torch

/// `entropy`: how much a unit's globally pooled value tells examples apart: −Σ_b π_b ln π_b, π_b the share of examples in bin b.
///
/// Per unit, a's mean over positions is sorted into 100 bins of equal width between its smallest and largest value; a unit that
/// always says the same has 0. Luo & Wu pool layer outputs and leave the number of bins open. One forward pass.
public struct ActivationEntropy: SweptScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "entropy", summary: "units leave whose pooled activation differs little between examples",
    formula: "−Σ_b π_b ln π_b, π_b the share of examples in bin b of 100 of the mean of a over positions", paper: "Luo & Wu 2017",
    data: .examples, implementation: ActivationEntropy())

  /// Bins of the histogram.
  private static let bins = 100

  /// The criterion; it has no state.
  public init() {}

  /// Pooled activations.
  public var statistics: Set<SweepStatistic> { [.pooledActivations] }

  /// In nats.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    let values = try layer(.pooledActivations).cast(to: .float64)
    let (low, high) = (try values.min(0), try values.max(0))
    let width = try (high - low).clamped(.leastNormalMagnitude, .infinity)
    // The largest value belongs to the last bin, not to one behind it.
    let positions = try ((values - low) / width * Double(Self.bins)).floor().clamped(0, Double(Self.bins - 1))
    let entropy = try low.zerosLike()
    for bin in 0..<Self.bins {
      let share = try positions.equal(Double(bin)).cast(to: .float64).mean(0)
      try entropy.accumulate(share * share.clamped(.leastNormalMagnitude, 1).logarithm(), scale: -1)
    }
    return entropy
  }
}
