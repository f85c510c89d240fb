internal import Results

/// A mean over seeds, with its interval where there are enough of them.
struct Estimate: Hashable, Sendable {
  var mean: Double
  /// Half the width of the 95 % interval; nil with fewer than two values.
  var halfWidth: Double?
  var count: Int

  /// The estimate of some values; nil if there are none, or one is not finite.
  init?(_ values: [Double]) {
    guard values.allSatisfy(\.isFinite), let mean = Statistics.mean(values) else { return nil }
    self.mean = mean
    halfWidth = Statistics.interval(values)?.halfWidth
    count = values.count
  }

  var lower: Double? { halfWidth.map { mean - $0 } }
  var upper: Double? { halfWidth.map { mean + $0 } }

  /// Whether the interval lies wholly above 0, wholly below, or contains it; nil without an interval.
  var sign: Int? {
    guard let lower, let upper else { return nil }
    return lower > 0 ? 1 : upper < 0 ? -1 : 0
  }

  /// A fraction as `97.12 % ± 0.31`.
  var percent: String { Format.percent(mean) + (halfWidth.map { " ± " + Format.fixed($0 * 100, 2) } ?? "") }
  /// A fraction as `97.12 % (96.81–97.43, n = 3)`.
  var percentWithInterval: String {
    guard let lower, let upper else { return Format.percent(mean) + " (n = \(count))" }
    return Format.percent(mean) + " (\(Format.fixed(lower * 100, 2))–\(Format.fixed(upper * 100, 2)), n = \(count))"
  }
  /// A difference of fractions as `+0.31 points (−0.02 to +0.64)`.
  var pointsWithInterval: String {
    guard let lower, let upper else { return Format.points(mean) }
    return Format.points(mean) + " (\(Self.signed(lower)) to \(Self.signed(upper)))"
  }

  private static func signed(_ difference: Double) -> String { String(Format.points(difference).dropLast(" points".count)) }

  /// The estimate with its interval in the same unit, e.g. `41.3 ± 0.50 µs`; without one that nobody would see.
  func words(_ format: (Double) -> String) -> String {
    let text = format(mean)
    guard let halfWidth, halfWidth > abs(mean) * 1e-4 else { return text }
    let parts = text.split(separator: " ", maxSplits: 1)
    // Of `2 min 05 s` there is no fraction.
    guard let shown = Double(parts[0].replacing(",", with: "").replacing("−", with: "-")), shown != 0,
      parts.count < 2 || !parts[1].contains(" ")
    else {
      return text + " ± " + format(halfWidth)
    }
    let half = halfWidth / mean * shown
    let words =
      parts[0].contains(".") || (parts.count > 1 && half < 10) ? Format.significant(half, 2) : Format.count(max(Int(saturating: half), 1))
    return "\(parts[0]) ± \(words)" + (parts.count > 1 ? " " + parts[1] : "")
  }
}
