/// The five-number summary of a quantity that was measured several times, with the confidence interval of its median.
public struct Measurement: Codable, Hashable, Sendable {
  /// The unit of the measured quantity.
  public enum Unit: String, Codable, Hashable, Sendable {
    /// The unit of durations and of sizes.
    case seconds, bytes
    /// Events per second.
    case perSecond = "per second"
  }
  /// Unit of the samples and of all numbers of the summary.
  public var unit: Unit
  /// Number of samples.
  public var count: Int
  /// The smallest sample.
  public var minimum: Double
  /// First quartile: a quarter of the samples lie below.
  public var lowerQuartile: Double
  /// Second quartile: half of the samples lie below.
  public var median: Double
  /// Third quartile: three quarters of the samples lie below.
  public var upperQuartile: Double
  /// The largest sample.
  public var maximum: Double
  /// The 95 % confidence interval of the median; nil for fewer than six samples, and in records of earlier versions.
  public var interval: MedianInterval?

  /// Interquartile range, upperQuartile − lowerQuartile.
  public var spread: Double { upperQuartile - lowerQuartile }
  /// How far the true median may be from ``median``, as a fraction of it: the distance to the farther end of ``interval``. Nil without an
  /// interval, and for a median of 0.
  public var uncertainty: Double? {
    guard let interval, median > 0 else { return nil }
    return max(interval.upper - median, median - interval.lower) / median
  }

  /// Summarises samples; nil if there are none or one is not finite.
  public init?(_ samples: [Double], unit: Unit) {
    guard samples.allSatisfy(\.isFinite), let minimum = samples.min(), let maximum = samples.max(),
      let lower = Statistics.quantile(0.25, of: samples), let median = Statistics.median(samples),
      let upper = Statistics.quantile(0.75, of: samples)
    else { return nil }
    self.unit = unit
    self.count = samples.count
    self.minimum = minimum
    self.lowerQuartile = lower
    self.median = median
    self.upperQuartile = upper
    self.maximum = maximum
    interval = Statistics.medianInterval(samples)
  }

  /// The order of two measurements of one quantity.
  public enum Order: String, Codable, Hashable, Sendable {
    /// The boxes from lower to upper quartile do not overlap.
    case lower, higher
    /// The boxes touch or overlap, or one side has fewer than three samples, so no order can be claimed.
    case undecided
  }

  /// Returns whether this measurement lies below or above `other`, as far as their spreads can tell.
  public func order(to other: Measurement) -> Order {
    guard count >= 3, other.count >= 3 else { return .undecided }
    if upperQuartile < other.lowerQuartile { return .lower }
    if lowerQuartile > other.upperQuartile { return .higher }
    return .undecided
  }

  /// Median and quartiles, e.g. `83.1 µs (80.0–88.2)`; the median only for a single sample.
  public var text: String {
    guard count > 1 else { return words(median) }
    var box = [words(lowerQuartile), words(upperQuartile)]
    // A unit common to all three is written once.
    let units = Set((box + [words(median)]).map { $0.split(separator: " ").dropFirst().joined(separator: " ") })
    if units.count == 1, let unit = units.first, !unit.isEmpty, !unit.contains(" ") {
      box = box.map { String($0.dropLast(unit.count + 1)) }
    }
    return "\(words(median)) (\(box.joined(separator: "–")))"
  }

  private func words(_ value: Double) -> String {
    switch unit {
    case .seconds: Format.duration(value)
    case .bytes: Format.bytes(value)
    case .perSecond: Format.significant(value, 3) + "/s"
    }
  }
}
