internal import Foundation

/// The standard normal distribution.
public enum Normal {
  /// Returns Φ(z) = erfc(−z/√2)/2, with all digits in the lower tail too; NaN for NaN.
  public static func cumulative(_ z: Double) -> Double { erfc(-z / 2.0.squareRoot()) / 2 }

  /// Returns the z with Φ(z) = probability, to about 15 digits; nil for a probability outside 0…1 (exclusive).
  public static func quantile(_ probability: Double) -> Double? {
    guard probability > 0, probability < 1 else { return nil }
    // Only the lower tail has all its digits.
    if probability > 0.5 { return quantile(1 - probability).map { -$0 } }
    if probability == 0.5 { return 0 }
    return bisection(from: -40, to: 0) { cumulative($0) < probability }
  }
}

/// Returns where a rising function reaches its goal, as closely as numbers lie there.
func bisection(from lower: Double, to upper: Double, isBelow: (Double) -> Bool) -> Double {
  var (lower, upper) = (lower, upper)
  for _ in 0..<100 {
    let middle = (lower + upper) / 2
    if middle <= lower || middle >= upper { break }
    if isBelow(middle) { lower = middle } else { upper = middle }
  }
  return (lower + upper) / 2
}
