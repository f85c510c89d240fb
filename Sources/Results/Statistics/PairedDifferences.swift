/// Differences of two methods, each seed's against the same seed's: what seeds have in common cancels.
public struct PairedDifferences<Seed: Hashable & Comparable>: Hashable {
  /// The seeds that both methods have, ascending.
  public var seeds: [Seed]
  /// First minus second, by ``seeds``; not finite where one of the two is not.
  public var values: [Double]
  /// The seeds that only one of the methods has, ascending. A comparison without them may be unfair: runs rarely fail by chance.
  public var unpaired: [Seed]

  /// Pairs two methods' values by seed.
  public init(_ first: [Seed: Double], minus second: [Seed: Double]) {
    let pairs = first.compactMap { seed, value in second[seed].map { (seed: seed, difference: value - $0) } }.sorted { $0.seed < $1.seed }
    seeds = pairs.map(\.seed)
    values = pairs.map(\.difference)
    unpaired = Set(first.keys).symmetricDifference(second.keys).sorted()
  }

  /// Returns the t interval of the mean difference; nil with fewer than two pairs, or if a difference is not finite.
  public func interval(level: Double = 0.95) -> Interval? {
    values.allSatisfy(\.isFinite) ? Statistics.interval(values, level: level) : nil
  }
}

extension PairedDifferences: Sendable where Seed: Sendable {}
