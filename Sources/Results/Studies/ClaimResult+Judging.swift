extension ClaimResult.Verdict {
  /// Level of the intervals that decide: their ends are one-sided 95 % bounds.
  public static let level = 0.9

  /// Judges whether the mean of a paired quantity, one value per seed, reaches a threshold: ``holds`` if the lower one-sided 95 % bound of
  /// Student's t does, ``fails`` if the upper one does not; ``untested`` without values, ``undecided`` with one or if one is not finite.
  public init(atLeast threshold: Double, paired values: [Double]) {
    self.init(values, isReached: { $0 >= threshold })
  }

  /// Like ``init(atLeast:paired:)``, but the threshold must be passed: equality is on the other side.
  public init(above threshold: Double, paired values: [Double]) {
    self.init(values, isReached: { $0 > threshold })
  }

  private init(_ values: [Double], isReached: (Double) -> Bool) {
    guard !values.isEmpty else {
      self = .untested
      return
    }
    guard let interval = Statistics.interval(values, level: Self.level), interval.halfWidth.isFinite else {
      self = .undecided
      return
    }
    self = isReached(interval.lower) ? .holds : isReached(interval.upper) ? .undecided : .fails
  }
}
