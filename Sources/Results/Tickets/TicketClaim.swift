/// A claim of the lottery-ticket paper, and what a study says of it.
public struct TicketClaim: Codable, Hashable, Sendable {
  /// What the evidence allows to say.
  public enum Verdict: String, Codable, Hashable, Sendable {
    /// The whole interval is on the claim's side.
    case holds
    /// The whole interval is on the other side.
    case fails
    /// The evidence goes neither way: the interval has the threshold within it, there is only one seed, or rounds are missing.
    case undecided
    /// The study has no such rounds or branches, or is not in the paper's setting.
    case untested
  }

  /// `C1` … `C7` for the paper's numbers; `I1` and `I2` for iterative against one-shot pruning and initial against fresh weights at all rounds.
  public var name: String
  /// What is claimed, with its threshold.
  public var statement: String
  /// What the numbers are: `fraction`, `points` (as fractions) or `ratio`.
  public var unit: Unit
  /// The paper's number, which counts as seen again from here on.
  public var threshold: Double?
  /// The mean over seeds of the paired quantity.
  public var mean: Double?
  /// Over seeds; its ends are one-sided bounds of 95 % each. Nil with fewer than two seeds.
  public var interval: Interval?
  /// Pairs, i.e. seeds.
  public var seeds: Int
  /// Against the paper's number.
  public var verdict: Verdict
  /// Against no effect at all: whether it goes in the claimed direction.
  public var direction: Verdict?

  /// What a quantity is.
  public enum Unit: String, Codable, Hashable, Sendable {
    /// Of the dense network's.
    case fraction
    /// Differences of accuracies.
    case points
    /// A quotient.
    case ratio
    /// Yes or no.
    case exact
  }

  /// The verdict that at least `threshold` was reached, one-sidedly: the lower bound decides for, the upper bound against.
  static func atLeast(_ threshold: Double, _ interval: Interval?) -> Verdict {
    guard let interval else { return .undecided }
    return interval.lower >= threshold ? .holds : interval.upper < threshold ? .fails : .undecided
  }

  /// A claim that a paired quantity reaches a threshold; one whose threshold is no effect at all must be above it.
  init(_ name: String, _ statement: String, _ unit: Unit, atLeast threshold: Double, noEffect: Double, of values: [Double]) {
    let interval = Statistics.interval(values, level: 0.9)
    let direction = Self.above(noEffect, interval)
    self.init(
      name: name, statement: statement, unit: unit, threshold: threshold, mean: Statistics.mean(values), interval: interval,
      seeds: values.count,
      verdict: values.isEmpty ? .untested : threshold == noEffect ? direction : Self.atLeast(threshold, interval),
      direction: values.isEmpty ? .untested : direction)
  }

  /// As ``atLeast(_:_:)``, but equality is no effect.
  private static func above(_ value: Double, _ interval: Interval?) -> Verdict {
    guard let interval else { return .undecided }
    return interval.lower > value ? .holds : interval.upper <= value ? .fails : .undecided
  }

  init(
    name: String, statement: String, unit: Unit, threshold: Double?, mean: Double?, interval: Interval?, seeds: Int, verdict: Verdict,
    direction: Verdict?
  ) {
    self.name = name
    self.statement = statement
    self.unit = unit
    self.threshold = threshold
    self.mean = mean
    self.interval = interval
    self.seeds = seeds
    self.verdict = verdict
    self.direction = direction
  }
}
