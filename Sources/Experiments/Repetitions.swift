internal import Results

/// How often a time is measured: until its median is certain enough, within limits.
///
/// A pure function of the samples so far. Stopping once the confidence interval of the median by order statistics is tight is what Hoefler
/// & Belli (2015) recommend for times. With six to eight samples the interval spans all of them; from nine on one outlier is outside.
public struct Repetitions: Hashable, Sendable {
  /// The least number of samples.
  public var least: Int
  /// The greatest number of samples, however noisy they are.
  public var most: Int
  /// The largest ``Results/Measurement/uncertainty`` of a median that is certain enough.
  public var tolerance: Double

  /// Creates limits; every parameter sets the property of the same name.
  public init(atLeast least: Int, atMost most: Int, tolerance: Double) {
    self.least = least
    self.most = most
    self.tolerance = tolerance
  }

  /// Six samples, the fewest that have a 95 % interval, to fifteen, until medians are known to ± 2 %.
  public static let untilCertain = Repetitions(atLeast: 6, atMost: 15, tolerance: 0.02)

  /// Always the same number of samples.
  public static func exactly(_ count: Int) -> Repetitions { Repetitions(atLeast: count, atMost: count, tolerance: 0) }

  /// Whether the samples of all subjects [subject][repetition] suffice.
  public func suffice(_ samples: [[Double]]) -> Bool {
    let count = samples.map(\.count).min() ?? 0
    guard count >= least, count < most else { return count >= most }
    return samples.allSatisfy { Results.Measurement($0, unit: .seconds)?.uncertainty.map { $0 <= tolerance } ?? false }
  }
}
