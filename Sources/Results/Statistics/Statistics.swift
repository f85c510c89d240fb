/// Sample statistics for comparing runs.
public enum Statistics {
  /// Returns the arithmetic mean, Σx/n, in two passes; nil without values.
  public static func mean(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let count = Double(values.count)
    let first = values.reduce(0, +) / count
    guard first.isFinite else { return first }
    // The second pass removes the rounding error of the first.
    return first + values.reduce(0) { $0 + ($1 - first) } / count
  }

  /// Returns the sample standard deviation √(Σ(x − x̄)²/(n − 1)); nil with fewer than two values.
  public static func standardDeviation(_ values: [Double]) -> Double? {
    guard values.count > 1, let mean = mean(values) else { return nil }
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
  }

  /// Returns the median: the middle value, or the mean of the two middle ones; nil without values.
  public static func median(_ values: [Double]) -> Double? { quantile(0.5, of: values) }

  /// Returns the value below which the given fraction of the sample lies, interpolated linearly between order statistics (Hyndman & Fan's
  /// type 7, the default of NumPy and R); nil without values or with a fraction outside 0…1.
  public static func quantile(_ fraction: Double, of values: [Double]) -> Double? {
    guard !values.isEmpty, (0...1).contains(fraction) else { return nil }
    let sorted = values.sorted()
    let position = fraction * Double(sorted.count - 1)
    let lower = Int(position)
    let share = position - Double(lower)
    return share == 0 ? sorted[lower] : sorted[lower] + share * (sorted[lower + 1] - sorted[lower])
  }

  /// Returns the confidence interval of the mean, x̄ ± t·s/√n with Student's t of n − 1 degrees of freedom; nil with fewer than two
  /// values or a level outside 0…1 (exclusive).
  public static func interval(_ values: [Double], level: Double = 0.95) -> Interval? {
    guard let mean = mean(values), let deviation = standardDeviation(values),
      let t = StudentT.quantile(0.5 + level / 2, degreesOfFreedom: values.count - 1), level > 0
    else { return nil }
    return Interval(mean: mean, halfWidth: t * deviation / Double(values.count).squareRoot(), level: level, count: values.count)
  }

  /// Returns Pearson's r = Σ(x − x̄)(y − ȳ)/√(Σ(x − x̄)²·Σ(y − ȳ)²).
  ///
  /// Nil if the counts differ, with fewer than two pairs, or if one side is constant, for which r is undefined.
  public static func correlation(_ x: [Double], _ y: [Double]) -> Double? {
    guard x.count == y.count, x.count > 1, let meanX = mean(x), let meanY = mean(y) else { return nil }
    var (xy, xx, yy) = (0.0, 0.0, 0.0)
    for (a, b) in zip(x, y) {
      xy += (a - meanX) * (b - meanY)
      xx += (a - meanX) * (a - meanX)
      yy += (b - meanY) * (b - meanY)
    }
    let scale = (xx * yy).squareRoot()
    guard scale > 0, scale.isFinite else { return nil }
    return min(max(xy / scale, -1), 1)
  }
}

/// A sample mean with its confidence interval.
public struct Interval: Codable, Hashable, Sendable {
  /// Mean of the sample.
  public var mean: Double
  /// Half the width of the interval.
  public var halfWidth: Double
  /// Probability of covering the true mean, e.g. 0.95.
  public var level: Double
  /// Number of values in the sample.
  public var count: Int
  /// Lower end, mean − halfWidth.
  public var lower: Double { mean - halfWidth }
  /// Upper end, mean + halfWidth.
  public var upper: Double { mean + halfWidth }

  /// Creates an interval; every parameter sets the property of the same name.
  public init(mean: Double, halfWidth: Double, level: Double, count: Int) {
    self.mean = mean
    self.halfWidth = halfWidth
    self.level = level
    self.count = count
  }
}
