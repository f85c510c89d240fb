/// A quantity measured several times: its five-number summary.
public struct Measurement: Codable, Hashable, Sendable {
  /// What the numbers count.
  public enum Unit: String, Codable, Hashable, Sendable {
    case seconds, bytes
    case perSecond = "per second"
  }
  /// What the numbers count.
  public var unit: Unit
  /// Samples taken.
  public var count: Int
  /// The smallest sample.
  public var minimum: Double
  /// A quarter of the samples lie below.
  public var lowerQuartile: Double
  /// Half of the samples lie below.
  public var median: Double
  /// Three quarters of the samples lie below.
  public var upperQuartile: Double
  /// The largest sample.
  public var maximum: Double

  /// The interquartile range, upper − lower quartile.
  public var spread: Double { upperQuartile - lowerQuartile }

  /// The summary of these samples; nil without any, or if one is not finite.
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
  }

  /// How two measurements of one quantity lie to each other.
  public enum Order: String, Codable, Hashable, Sendable {
    /// The boxes from lower to upper quartile are apart.
    case lower, higher
    /// The boxes touch or overlap, or there are fewer than three samples of one: no order can be claimed.
    case undecided
  }

  /// Whether this lies below or above `other`, by what their spreads allow to say.
  public func order(to other: Measurement) -> Order {
    guard count >= 3, other.count >= 3 else { return .undecided }
    if upperQuartile < other.lowerQuartile { return .lower }
    if lowerQuartile > other.upperQuartile { return .higher }
    return .undecided
  }

  /// Median and quartiles, e.g. `83.1 µs (80.0–88.2)`; without the box for one sample.
  public var text: String {
    guard count > 1 else { return words(median) }
    var box = [words(lowerQuartile), words(upperQuartile)]
    // A unit that all three share is said once.
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
