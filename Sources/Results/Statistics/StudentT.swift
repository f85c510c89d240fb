internal import Foundation

/// Student's t distribution, for intervals of small samples.
public enum StudentT {
  /// Returns P(T ≤ t) with ν degrees of freedom: 1 − I_x(ν/2, 1/2)/2 for t ≥ 0, where x = ν/(ν + t²) and I is the regularised incomplete
  /// beta function; nil for ν < 1.
  public static func cumulative(_ t: Double, degreesOfFreedom: Int) -> Double? {
    guard degreesOfFreedom > 0, !t.isNaN else { return nil }
    let freedom = Double(degreesOfFreedom)
    let tail = t.isInfinite ? 0 : incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return t >= 0 ? 1 - tail : tail
  }

  /// Returns the t with P(T ≤ t) = probability, to about 12 digits; nil for a probability outside 0…1 (exclusive) or ν < 1.
  public static func quantile(_ probability: Double, degreesOfFreedom: Int) -> Double? {
    guard probability > 0, probability < 1, degreesOfFreedom > 0 else { return nil }
    if probability < 0.5 { return quantile(1 - probability, degreesOfFreedom: degreesOfFreedom).map { -$0 } }
    if probability == 0.5 { return 0 }
    func isBelow(_ t: Double) -> Bool { (cumulative(t, degreesOfFreedom: degreesOfFreedom) ?? 1) < probability }
    var upper = 1.0
    while isBelow(upper), upper < 1e300 { upper *= 2 }
    return bisection(from: upper == 1 ? 0 : upper / 2, to: upper, isBelow: isBelow)
  }

  /// I_x(a, b) by its continued fraction, evaluated forwards by Lentz's method.
  private static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    // The fraction converges fast only on this side; the other follows by symmetry.
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let front = exp(a * log(x) + b * log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b)) / a
    let tiny = 1e-300
    func nonZero(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / nonZero(1 - (a + b) * x / (a + 1))
    var fraction = d
    for step in 1...1000 {
      let m = Double(step)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / nonZero(1 + even * d)
      c = nonZero(1 + even / c)
      fraction *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / nonZero(1 + odd * d)
      c = nonZero(1 + odd / c)
      let change = d * c
      fraction *= change
      if abs(change - 1) < 1e-15 { break }
    }
    return front * fraction
  }
}
