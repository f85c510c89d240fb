internal import Foundation

/// A correlation of two quantities with its p value and interval.
public struct Correlation: Codable, Hashable, Sendable {
  /// The coefficient, −1…1.
  public var coefficient: Double
  /// Two-sided probability of a coefficient at least so far from zero if the quantities are independent.
  public var p: Double
  /// Lower end of the interval; nil with too few pairs to have one.
  public var lower: Double?
  /// Upper end of the interval; nil with too few pairs to have one.
  public var upper: Double?
  /// Probability of covering the true coefficient, e.g. 0.95.
  public var level: Double
  /// Number of pairs.
  public var count: Int

  /// - Parameter error: standard error of the coefficient's Fisher transform; nil if there is none.
  init?(coefficient: Double, p: Double, error: Double?, level: Double, count: Int) {
    guard level > 0, let z = Normal.quantile(0.5 + level / 2) else { return nil }
    self.coefficient = coefficient
    self.p = p
    lower = error.map { tanh(atanh(coefficient) - z * $0) }
    upper = error.map { tanh(atanh(coefficient) + z * $0) }
    self.level = level
    self.count = count
  }

  /// Creates a product-moment correlation: t = r√(ν/(1 − r²)) has Student's distribution of ν degrees of freedom, atanh r (Fisher 1921) the
  /// standard error 1/√(ν − 1).
  init?(coefficient r: Double, degreesOfFreedom freedom: Int, level: Double, count: Int) {
    let t = abs(r) * (Double(freedom) / ((1 - r) * (1 + r))).squareRoot()
    // Without a degree of freedom r is ±1, whatever the pairs are.
    let p = freedom < 1 ? 1 : 2 * (StudentT.cumulative(-t, degreesOfFreedom: freedom) ?? 0.5)
    self.init(coefficient: r, p: p, error: freedom > 1 ? 1 / Double(freedom - 1).squareRoot() : nil, level: level, count: count)
  }
}

extension Statistics {
  /// Returns Pearson's r with p by Student's t of n − 2 degrees of freedom and the interval tanh(atanh r ± z/√(n − 3)) by Fisher (1921).
  ///
  /// Two pairs have p = 1; fewer than four have no interval. Nil where ``correlation(_:_:)`` is: with different counts, fewer than two
  /// pairs, a constant side, or a number that is not finite; and for a level outside 0…1 (exclusive).
  public static func pearson(_ x: [Double], _ y: [Double], level: Double = 0.95) -> Correlation? {
    correlation(x, y).flatMap { Correlation(coefficient: $0, degreesOfFreedom: x.count - 2, level: level, count: x.count) }
  }

  /// Returns Kendall's τ-b, (C − D)/√((P − X)(P − Y)): of the P = n(n − 1)/2 pairs of pairs, C are ordered alike on both sides and D in
  /// opposite ways, X are tied on one side and Y on the other (Kendall 1945).
  ///
  /// As in SciPy, p is exact without ties for up to 33 pairs, and for more if at most one is out of order; otherwise C − D is taken for
  /// normal, its variance corrected for ties (Kendall 1970). The interval is tanh(atanh τ ± z√(0.437/(n − 4))) by Fieller, Hartley & Pearson
  /// (1957), made for samples without ties; there is none with fewer than five pairs, or for τ = ±1, of which that says nothing.
  ///
  /// Nil with different counts, fewer than two pairs, a constant side, a number that is none, or a level outside 0…1 (exclusive). Infinite
  /// values only have their order.
  public static func kendall(_ x: [Double], _ y: [Double], level: Double = 0.95) -> Correlation? {
    guard x.count == y.count, x.count > 1, !(x + y).contains(where: \.isNaN) else { return nil }
    let n = Double(x.count)
    let pairs = n * (n - 1) / 2
    var (concordant, discordant) = (0, 0)
    for i in x.indices {
      for j in 0..<i {
        let (a, b) = (x[i] == x[j] ? 0 : x[i] < x[j] ? -1 : 1, y[i] == y[j] ? 0 : y[i] < y[j] ? -1 : 1)
        if a * b > 0 { concordant += 1 } else if a * b < 0 { discordant += 1 }
      }
    }
    let (groupsX, groupsY) = (ranks(x).groups.map(Double.init), ranks(y).groups.map(Double.init))
    func sum(_ groups: [Double], _ term: (Double) -> Double) -> Double { groups.reduce(0) { $0 + term($1) } }
    let (tiedX, tiedY) = (sum(groupsX) { $0 * ($0 - 1) / 2 }, sum(groupsY) { $0 * ($0 - 1) / 2 })
    guard tiedX < pairs, tiedY < pairs else { return nil }
    let difference = Double(concordant - discordant)
    // One root of a whole number, not two: perfect order is 1 to the last bit.
    let tau = min(max(difference / ((pairs - tiedX) * (pairs - tiedY)).squareRoot(), -1), 1)

    let p: Double
    if tiedX == 0, tiedY == 0, x.count <= 33 || min(concordant, discordant) <= 1 {
      p = min(2 * chance(ofInversions: min(concordant, discordant), in: x.count), 1)
    } else {
      func triples(_ t: Double) -> Double { t * (t - 1) * (t - 2) }
      func spread(_ t: Double) -> Double { t * (t - 1) * (2 * t + 5) }
      let (oneSided, both) = (spread(n) - sum(groupsX, spread) - sum(groupsY, spread), tiedX * tiedY / pairs)
      let variance = oneSided / 18 + both + sum(groupsX, triples) * sum(groupsY, triples) / (9 * triples(n))
      p = 2 * Normal.cumulative(-abs(difference) / variance.squareRoot())
    }
    let error = x.count > 4 && abs(tau) < 1 ? (0.437 / (n - 4)).squareRoot() : nil
    return Correlation(coefficient: tau, p: p, error: error, level: level, count: x.count)
  }

  /// Returns the probability of at most so many pairs out of order in a random order of so many things.
  private static func chance(ofInversions most: Int, in count: Int) -> Double {
    // The k-th thing comes before 0 … k − 1 of the earlier ones, each with the same chance.
    var chances = [1.0] + [Double](repeating: 0, count: most)
    for k in stride(from: 2, through: count, by: 1) {
      var window = 0.0
      chances = chances.indices.map { index in
        window += chances[index] - (index >= k ? chances[index - k] : 0)
        return window / Double(k)
      }
    }
    return chances.reduce(0, +)
  }
}
