/// Student's t test of one sample, or of paired differences: whether their mean is another than a given one.
///
/// t = (x̄ − μ)/(s/√n) with n − 1 degrees of freedom (Student 1908). Of values that are all the same, t is ±∞ and p of that side 0; it is 0
/// if they equal μ.
public struct TTest: Codable, Hashable, Sendable {
  /// The statistic t.
  public var statistic: Double
  /// n − 1.
  public var degreesOfFreedom: Int
  /// Probability of a statistic at least so extreme if the true mean is μ.
  public var p: Double

  /// Tests the mean of a sample; nil with fewer than two values, or if one is not finite.
  ///
  /// - Parameter mean: μ, the mean under the null hypothesis.
  public init?(_ values: [Double], mean null: Double = 0, alternative: Alternative = .twoSided) {
    guard values.allSatisfy(\.isFinite), let mean = Statistics.mean(values), let deviation = Statistics.standardDeviation(values) else {
      return nil
    }
    statistic = mean == null ? 0 : (mean - null) / (deviation / Double(values.count).squareRoot())
    degreesOfFreedom = values.count - 1
    guard let atMost = StudentT.cumulative(statistic, degreesOfFreedom: degreesOfFreedom),
      let atLeast = StudentT.cumulative(-statistic, degreesOfFreedom: degreesOfFreedom)
    else { return nil }
    p = alternative.p(atMost: atMost, atLeast: atLeast)
  }
}
