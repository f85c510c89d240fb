/// Distributes a number over layers in proportion to weights, within bounds, and in whole numbers that add up to it.
enum Apportionment {
  /// Returns real shares x_l = clamp(ε·w_l, low_l, high_l), with the ε at which they add up to the total.
  ///
  /// The excess or deficit at a bound is redistributed among the other layers, settling in each pass the side that is further off (Bitran &
  /// Hax 1981); at most one pass per layer.
  /// - Parameter total: a number between Σlow and Σhigh.
  static func shares(_ total: Double, weights: [Double], low: [Int], high: [Int]) -> [Double] {
    var shares = low.map(Double.init)
    var open = weights.indices.filter { low[$0] < high[$0] }
    var remaining = total - low.indices.filter { low[$0] >= high[$0] }.reduce(0) { $0 + Double(low[$1]) }
    while !open.isEmpty {
      let sum = open.reduce(0) { $0 + weights[$1] }
      func share(_ l: Int) -> Double { sum > 0 ? remaining * weights[l] / sum : remaining / Double(open.count) }
      let over = open.filter { share($0) > Double(high[$0]) }
      let under = open.filter { share($0) < Double(low[$0]) }
      guard !over.isEmpty || !under.isEmpty else {
        for l in open { shares[l] = share(l) }
        break
      }
      let excess = over.reduce(0) { $0 + share($1) - Double(high[$1]) }
      let deficit = under.reduce(0) { $0 + Double(low[$1]) - share($1) }
      let settled = excess >= deficit ? over : under
      for l in settled { shares[l] = Double(excess >= deficit ? high[l] : low[l]) }
      remaining -= settled.reduce(0) { $0 + shares[$1] }
      let gone = Set(settled)
      open.removeAll { gone.contains($0) }
    }
    return shares
  }

  /// Returns whole numbers that add up to the total and do not exceed `high`: each share rounded down, plus one for those with the largest
  /// remainders, of equal ones for the lower index (Hamilton's method).
  ///
  /// - Parameter total: a number between 0 and Σhigh, equal to Σshares up to rounding errors.
  static func whole(_ total: Int, shares: [Double], high: [Int]) -> [Int] {
    // Remainders on a grid of 1e-9, since floating point distinguishes numbers that are equal in arithmetic.
    var counts = zip(shares, high).map { min(max(Int(($0 + 1e-9).rounded(.down)), 0), $1) }
    let remainders = zip(shares, counts).map { Int((($0 - Double($1)) * 1e9).rounded()) }
    let order = shares.indices.sorted { (remainders[$0], $1) > (remainders[$1], $0) }
    var left = total - counts.reduce(0, +)
    while left != 0 {
      let before = left
      for l in left > 0 ? order : order.reversed() {
        if left > 0, counts[l] < high[l] {
          counts[l] += 1
          left -= 1
        } else if left < 0, counts[l] > 0 {
          counts[l] -= 1
          left += 1
        }
      }
      if left == before { break }
    }
    return counts
  }
}
