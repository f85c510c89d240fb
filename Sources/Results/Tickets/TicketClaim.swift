/// A claim of the lottery-ticket paper with a study's evidence on it.
public struct TicketClaim: Codable, Hashable, Sendable {
  /// A conclusion from the evidence; without the paper's setting, rounds or branches a claim is untested.
  public typealias Verdict = ClaimResult.Verdict

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

  /// Creates the claim that a paired quantity reaches a threshold; a threshold of no effect must be exceeded.
  init(_ name: String, _ statement: String, _ unit: Unit, atLeast threshold: Double, noEffect: Double, of values: [Double]) {
    let direction = Verdict(.above, noEffect, paired: values)
    self.init(
      name: name, statement: statement, unit: unit, threshold: threshold, mean: Statistics.mean(values),
      interval: Statistics.interval(values, level: Verdict.level), seeds: values.count,
      verdict: threshold == noEffect ? direction : Verdict(.atLeast, threshold, paired: values), direction: direction)
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
