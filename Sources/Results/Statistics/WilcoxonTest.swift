/// Wilcoxon's signed-rank test of paired differences: whether they lie symmetrically about zero (Wilcoxon 1945).
///
/// The absolute differences are ranked, equal ones by the mean of their ranks; R⁺ and R⁻ are the sums of the ranks of positive and of
/// negative differences. As in SciPy, p is exact for up to 50 differences without ties and zeros, and for up to 13 with them, from all 2ⁿ
/// ways of giving those ranks their signs; otherwise it is the normal approximation with the variance n(n + 1)(2n + 1)/24 − Σ(t³ − t)/48,
/// t being the sizes of groups of equal ones.
///
/// The least two-sided p is 2/2ⁿ: no five seeds can tell anything at the level of 0.05, and six can. Differences are compared as they are:
/// round them first where a rounding error would part equal ones.
public struct WilcoxonTest: Codable, Hashable, Sendable {
  /// What becomes of differences that are zero.
  public enum Zeros: String, Codable, Hashable, Sendable, CaseIterable {
    /// They are left out (Wilcoxon 1945).
    case wilcox
    /// They are ranked, and their ranks left out (Pratt 1959; variance by Cureton 1967).
    case pratt
    /// They are ranked, and half of each rank is positive.
    case split = "zsplit"
  }

  /// R⁺, or the smaller one of R⁺ and R⁻ if the test is two-sided.
  public var statistic: Double
  /// Probability of a statistic at least so extreme if the differences are symmetric about zero; 1 if all are zero.
  public var p: Double
  /// Whether p is exact, not by the normal approximation.
  public var isExact: Bool

  /// Tests differences; nil if there are none, or if one is not a number. Infinite ones have the last ranks.
  ///
  /// - Parameters:
  ///   - alternative: where the differences lie if not about zero.
  ///   - continuity: whether the normal approximation takes R⁺ half a rank nearer to its mean.
  public init?(_ differences: [Double], alternative: Alternative = .twoSided, zeros: Zeros = .wilcox, continuity: Bool = false) {
    guard !differences.isEmpty, !differences.contains(where: \.isNaN) else { return nil }
    let signed = differences.filter { $0 != 0 }
    let zeroCount = differences.count - signed.count
    let ranked = zeros == .wilcox ? signed : differences
    let (ranks, groups) = Statistics.ranks(ranked.map(abs))
    func sum(where isIncluded: (Double) -> Bool) -> Double {
      zip(ranked, ranks).reduce(0) { isIncluded($1.0) ? $0 + $1.1 : $0 }
    }
    let (positive, negative) = (sum { $0 > 0 }, sum { $0 < 0 })
    let half = zeros == .split ? sum { $0 == 0 } / 2 : 0
    let (plus, minus) = (positive + half, negative + half)
    statistic = alternative == .twoSided ? min(plus, minus) : plus

    let isPlain = zeroCount == 0 && groups.allSatisfy { $0 == 1 }
    isExact = signed.isEmpty || differences.count <= (isPlain ? 50 : 13)
    if isExact {
      let chances = Self.distribution(of: zip(ranked, ranks).filter { $0.0 != 0 }.map(\.1))
      let seen = Int(2 * positive)
      p = alternative.p(atMost: chances[...seen].reduce(0, +), atLeast: chances[seen...].reduce(0, +))
      return
    }
    func squares(_ count: Int) -> Double { Double(count) * Double(count + 1) * Double(2 * count + 1) }
    let left = zeros == .pratt ? zeroCount : 0
    // Zeros are the first group.
    let tied = groups.dropFirst(left > 0 ? 1 : 0).reduce(0) { $0 + (Double($1) * Double($1) * Double($1) - Double($1)) }
    let mean = (Double(ranked.count) * Double(ranked.count + 1) - Double(left) * Double(left + 1)) / 4
    let deviation = ((squares(ranked.count) - squares(left) - tied / 2) / 24).squareRoot()
    var distance = plus - mean
    if continuity {
      switch alternative {
      case .twoSided: distance -= distance > 0 ? 0.5 : distance < 0 ? -0.5 : 0
      case .less: distance += 0.5
      case .greater: distance -= 0.5
      }
    }
    p = alternative.p(atMost: Normal.cumulative(distance / deviation), atLeast: Normal.cumulative(-distance / deviation))
  }

  /// Returns the probabilities of R⁺ = 0, ½, 1 … if each rank is positive or negative by the toss of a coin.
  private static func distribution(of ranks: [Double]) -> [Double] {
    var chances = [1.0]
    for rank in ranks {
      let shift = Int(2 * rank)
      let padding = [Double](repeating: 0, count: shift)
      chances = zip(chances + padding, padding + chances).map { ($0 + $1) / 2 }
    }
    return chances
  }
}

extension Statistics {
  /// Returns the rank of each value, from 1 for the smallest, the mean of their ranks for equal ones; and the sizes of the groups of equal
  /// values, in ascending order of the values.
  static func ranks(_ values: [Double]) -> (ranks: [Double], groups: [Int]) {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var groups: [Int] = []
    var start = 0
    while start < order.count {
      let group = order[start...].prefix { values[$0] == values[order[start]] }
      for index in group { ranks[index] = Double(2 * start + group.count + 1) / 2 }
      groups.append(group.count)
      start += group.count
    }
    return (ranks, groups)
  }
}
