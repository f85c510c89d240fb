import Testing

@testable import Pruning

@Suite struct ApportionmentTests {
  /// Caps and floors at once: 10 in the ratio 6 : 1 : 3, the first at most 5, the second at least 3.
  ///
  /// The floor is further off (by 2) than the cap (by 1), so it settles first; 7 are left for 6 : 3, and the cap no longer binds. Settling
  /// the cap first would give 5, 3 and 2.
  @Test func theSideThatIsFurtherOffSettlesFirst() {
    let shares = Apportionment.shares(10, weights: [6, 1, 3], low: [0, 3, 0], high: [5, 10, 10])
    for (share, expected) in zip(shares, [14.0 / 3, 3, 7.0 / 3]) { #expect(abs(share - expected) < 1e-12, "\(shares)") }
    // The other way round: the cap is off by 3, the floor by 1, and 7 − 2 are left for the third.
    let capped = Apportionment.shares(10, weights: [7, 1, 2], low: [0, 2, 0], high: [4, 10, 10])
    for (share, expected) in zip(capped, [4, 2, 4.0]) { #expect(abs(share - expected) < 1e-12, "\(capped)") }
  }

  /// Whatever binds, each open share is the same multiple of its weight: x = clamp(ε·w).
  @Test(arguments: 0..<200 as Range<UInt64>) func sharesAreClampedMultiples(seed: UInt64) {
    var random = Seeded(seed)
    let count = 2 + random.below(8)
    let weights = (0..<count).map { _ in Double.random(in: 0.01..<5, using: &random) }
    let low = (0..<count).map { _ in random.below(20) }
    let high = low.map { $0 + random.below(30) }
    let total = Double.random(in: Double(low.reduce(0, +))...Double(high.reduce(0, +)), using: &random)
    let shares = Apportionment.shares(total, weights: weights, low: low, high: high)
    #expect(abs(shares.reduce(0, +) - total) < 1e-9, "seed \(seed)")
    let open = shares.indices.filter { shares[$0] > Double(low[$0]) + 1e-9 && shares[$0] < Double(high[$0]) - 1e-9 }
    guard let first = open.first else { return }
    let factor = shares[first] / weights[first]
    for l in shares.indices {
      let wanted = min(max(factor * weights[l], Double(low[l])), Double(high[l]))
      #expect(abs(shares[l] - wanted) < 1e-9, "seed \(seed), layer \(l)")
    }
  }
}
