/// A claim of the lottery-ticket paper with a study's evidence on it.
public struct TicketClaim: Codable, Hashable, Sendable {
  /// A conclusion from the evidence.
  public enum Verdict: String, Codable, Hashable, Sendable {
    /// The whole interval is on the claim's side.
    case holds
    /// The whole interval is on the other side.
    case fails
    /// The evidence is inconclusive: the interval contains the threshold, there is only one seed, or rounds are missing.
    case undecided
    /// The study has no such rounds or branches, or does not have the paper's setting.
    case untested
  }

  /// `C1` … `C7` for the paper's numbers, `I1` for iterative against one-shot pruning, `I2` for initial against fresh weights, both over
  /// all rounds.
  public var name: String
  /// The claim in words, with its threshold.
  public var statement: String
  /// Unit of the quantity: `fraction`, `points` (stored as a fraction), `ratio` or `exact`.
  public var unit: Unit
  /// The paper's number, from which on the claim counts as reproduced.
  public var threshold: Double?
  /// Mean over seeds of the paired quantity.
  public var mean: Double?
  /// Interval over seeds whose ends are one-sided 95 % bounds; nil with fewer than two seeds.
  public var interval: Interval?
  /// Number of pairs, which is that of seeds.
  public var seeds: Int
  /// Verdict against the paper's number.
  public var verdict: Verdict
  /// Verdict against no effect at all: whether the effect has the claimed direction.
  public var direction: Verdict?

  /// The unit of a claim's quantity.
  public enum Unit: String, Codable, Hashable, Sendable {
    /// A fraction of the dense network's value.
    case fraction
    /// A difference of accuracies.
    case points
    /// A quotient of two values.
    case ratio
    /// A statement that is true or false.
    case exact
  }

  /// Returns the one-sided verdict that at least `threshold` was reached: the lower bound decides in favour, the upper bound against.
  static func atLeast(_ threshold: Double, _ interval: Interval?) -> Verdict {
    guard let interval else { return .undecided }
    return interval.lower >= threshold ? .holds : interval.upper < threshold ? .fails : .undecided
  }

  /// Creates the claim that a paired quantity reaches a threshold; a threshold of no effect must be exceeded.
  init(_ name: String, _ statement: String, _ unit: Unit, atLeast threshold: Double, noEffect: Double, of values: [Double]) {
    let interval = Statistics.interval(values, level: 0.9)
    let direction = Self.above(noEffect, interval)
    self.init(
      name: name, statement: statement, unit: unit, threshold: threshold, mean: Statistics.mean(values), interval: interval,
      seeds: values.count,
      verdict: values.isEmpty ? .untested : threshold == noEffect ? direction : Self.atLeast(threshold, interval),
      direction: values.isEmpty ? .untested : direction)
  }

  /// Like ``atLeast(_:_:)``, but equality means no effect.
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
