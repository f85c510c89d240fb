extension ClaimResult {
  /// Which side of a number a claim is on.
  public enum Side: String, Codable, Hashable, Sendable, CaseIterable {
    /// The quantity is larger.
    case above
    /// The quantity is at least as large.
    case atLeast = "at-least"
    /// The quantity is smaller.
    case below
    /// The quantity is at most as large.
    case atMost = "at-most"
    /// The quantity is this number, in all runs.
    case exactly
    /// The quantity is not significantly different: its interval contains the number.
    case contains

    /// Whether a value is on this side of a number.
    public func includes(_ value: Double, of bound: Double) -> Bool {
      switch self {
      case .above: value > bound
      case .atLeast: value >= bound
      case .below: value < bound
      case .atMost: value <= bound
      case .exactly, .contains: value == bound
      }
    }
  }
}

extension ClaimResult.Verdict {
  /// Level of the intervals that decide: their ends are one-sided 95 % bounds.
  public static let level = 0.9

  /// Judges by the ends of an interval: ``holds`` if both are on the claim's side of the threshold, ``fails`` if both are on the other,
  /// ``undecided`` else, and without an interval. That an interval ``ClaimResult/Side/contains`` a number either holds or fails.
  public init(_ side: ClaimResult.Side, _ threshold: Double, lower: Double?, upper: Double?) {
    guard let lower, let upper, lower.isFinite, upper.isFinite else {
      self = .undecided
      return
    }
    if side == .contains {
      self = lower <= threshold && threshold <= upper ? .holds : .fails
      return
    }
    switch (side.includes(lower, of: threshold), side.includes(upper, of: threshold)) {
    case (true, true): self = .holds
    case (false, false): self = .fails
    default: self = .undecided
    }
  }

  /// Judges the mean of a paired quantity, one value per seed, by Student's t; ``untested`` without values, ``undecided`` with one or if one
  /// is not finite.
  public init(_ side: ClaimResult.Side, _ threshold: Double, paired values: [Double]) {
    guard !values.isEmpty else {
      self = .untested
      return
    }
    let interval = Statistics.interval(values, level: Self.level)
    self.init(side, threshold, lower: interval?.lower, upper: interval?.upper)
  }
}
