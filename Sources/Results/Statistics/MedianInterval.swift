internal import Foundation

/// A confidence interval of a median.
public struct MedianInterval: Codable, Hashable, Sendable {
  /// Lower end, one of the samples.
  public var lower: Double
  /// Upper end, one of the samples.
  public var upper: Double
  /// Least probability of covering the true median, e.g. 0.95.
  public var level: Double

  /// Creates an interval; every parameter sets the property of the same name.
  public init(lower: Double, upper: Double, level: Double) {
    self.lower = lower
    self.upper = upper
    self.level = level
  }
}

extension Statistics {
  /// Returns the confidence interval of the median between two order statistics, x₍ₖ₎ to x₍ₙ₊₁₋ₖ₎ with the largest k for which it covers
  /// the true median with at least the given probability, 1 − 2·P(B < k) for B binomial of n and ½.
  ///
  /// It assumes nothing of the distribution, which suits times: their tail is long on one side (Hoefler & Belli 2015). Nil with too few
  /// values for the level, fewer than six at 95 %, and for a level outside 0…1 (exclusive).
  public static func medianInterval(_ values: [Double], level: Double = 0.95) -> MedianInterval? {
    guard level > 0, level < 1 else { return nil }
    let n = Double(values.count)
    // By logarithms: the probabilities of large samples are below the least number.
    func probability(_ k: Int) -> Double {
      let ways: Double = lgamma(n + 1) - lgamma(Double(k) + 1) - lgamma(n - Double(k) + 1)
      return exp(ways - n * log(2))
    }
    var (k, below) = (0, 0.0)
    while k < values.count / 2, 1 - 2 * (below + probability(k)) >= level {
      below += probability(k)
      k += 1
    }
    guard k > 0 else { return nil }
    let sorted = values.sorted()
    return MedianInterval(lower: sorted[k - 1], upper: sorted[values.count - k], level: level)
  }
}
