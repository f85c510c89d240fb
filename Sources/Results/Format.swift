internal import Foundation

/// Formatting of numbers for people: one spelling for tables, progress lines and verdicts, the same in every locale.
public enum Format {
  /// Returns a whole number with separated thousands, e.g. `266,200`.
  public static func count(_ value: Int) -> String {
    var groups: [Substring] = []
    var digits = Substring(String(value.magnitude))
    while digits.count > 3 {
      groups.insert(digits.suffix(3), at: 0)
      digits = digits.dropLast(3)
    }
    groups.insert(digits, at: 0)
    return (value < 0 ? "−" : "") + groups.joined(separator: ",")
  }

  /// Returns a whole number exactly below ten million, otherwise to three digits with k, M, G, T, P or E, e.g. `313 M`.
  public static func large(_ value: Int) -> String {
    value.magnitude < 10_000_000 ? count(value) : scaled(Double(value), ["", " k", " M", " G", " T", " P", " E"])
  }

  /// Returns a number of bytes to three digits in powers of 1,000, e.g. `1.07 MB`.
  public static func bytes(_ value: Double) -> String {
    abs(value) < 1000 ? "\(Int(value.rounded())) B" : scaled(value, [" B", " kB", " MB", " GB", " TB", " PB", " EB"])
  }

  /// Returns a number of bytes to three digits in powers of 1,000, e.g. `1.07 MB`.
  public static func bytes(_ value: Int) -> String { bytes(Double(value)) }

  /// Returns a fraction as a percentage, e.g. `97.52 %` for 0.9752.
  public static func percent(_ fraction: Double, digits: Int = 2) -> String { fixed(fraction * 100, digits) + " %" }

  /// Returns a fraction as a percentage with its standard error in points, e.g. `97.52 % ± 0.16`; `–` for an error that is not known.
  public static func percent(_ fraction: Double, standardError: Double?) -> String {
    percent(fraction) + " ± " + (standardError.map { fixed($0 * 100, 2) } ?? "–")
  }

  /// Returns a difference of two fractions in percentage points, e.g. `−0.72 points`.
  public static func points(_ difference: Double) -> String {
    let text = fixed(abs(difference) * 100, 2)
    if text == "0.00" { return "±0.00 points" }
    return (difference < 0 ? "−" : "+") + text + " points"
  }

  /// Returns a quotient, e.g. `0.56×`; `–` if it is nil or not finite.
  public static func ratio(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "–" }
    return (value < 0.1 || value >= 100 ? significant(value, 2) : fixed(value, 2)) + "×"
  }

  /// Returns a duration given in seconds, e.g. `83.1 µs`, `1.24 s`, `2 min 05 s`, `1 h 02 min`; `–` if it is negative or not finite.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "–" }
    if seconds == 0 { return "0 s" }
    if seconds < 59.95 {
      let (scale, unit) =
        seconds < 0.999_5e-6 ? (1e9, "ns") : seconds < 0.999_5e-3 ? (1e6, "µs") : seconds < 0.999_5 ? (1e3, "ms") : (1, "s")
      return "\(significant(seconds * scale, 3)) \(unit)"
    }
    guard seconds < 1e15 else { return "–" }
    let whole = Int(seconds.rounded())
    func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    if whole < 3600 { return "\(whole / 60) min \(padded(whole % 60)) s" }
    let minutes = Int((seconds / 60).rounded())
    return "\(count(minutes / 60)) h \(padded(minutes % 60)) min"
  }

  /// Returns a number with a fixed number of digits after the decimal point; `–` if it is not finite.
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "–" }
    let text = String(format: "%.\(digits)f", value)
    guard text.hasPrefix("-") else { return text }
    return text.dropFirst().allSatisfy { $0 == "0" || $0 == "." } ? String(text.dropFirst()) : "−" + text.dropFirst()
  }

  /// Returns a number to the given significant digits, without an exponent for ordinary sizes, e.g. `0.0123`, `8.31`, `120`, `1.2e-07`;
  /// `–` if it is not finite.
  public static func significant(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "–" }
    guard value != 0 else { return "0" }
    let magnitude = abs(value)
    if magnitude < 1e-3 || magnitude >= 1e15 { return String(format: "%.\(max(digits - 1, 0))e", value) }
    // Rounding may add a leading digit (9.995 → 10.0), so the exponent is taken from the rounded number.
    let scale = pow(10, Double(digits - 1) - floor(log10(magnitude)))
    let rounded = (magnitude * scale).rounded() / scale
    return fixed(value < 0 ? -rounded : rounded, max(digits - 1 - Int(floor(log10(rounded) + 1e-12)), 0))
  }

  private static func scaled(_ value: Double, _ units: [String]) -> String {
    var value = value
    var unit = 0
    while abs(value) >= 999.5, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return significant(value, 3) + units[unit]
  }
}

extension Int {
  /// Creates the nearest whole number, clamped to the range of 64 bits; 0 for NaN.
  public init(saturating value: Double) {
    self = value.isNaN ? 0 : Int(exactly: value.rounded()) ?? (value < 0 ? .min : .max)
  }
}
