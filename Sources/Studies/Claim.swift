public import Results

/// A statement about the rows of a study, with the number that decides it.
public struct Claim: Hashable, Sendable {
  /// Which side of the threshold a claim is on.
  public typealias Side = ClaimResult.Side

  /// What a claim is about.
  public enum Measure: Hashable, Sendable {
    /// A quantity of a row.
    case quantity(RowQuantity)
    /// A claim of Frankle & Carbin on all rounds and branches of lottery tickets, by the name that it has in a `TicketAnalysis`: `C1` … `I2`.
    case tickets(String)
  }

  /// How two sets of runs are compared.
  public enum Comparison: Hashable, Sendable {
    /// Not at all: the quantity itself.
    case none
    /// The difference from runs at other places, paired by seed.
    case minus([String: [String]])
    /// The difference from another quantity of the same run.
    case minusMeasure(RowQuantity)
    /// The quotient over that of runs at other places, paired by seed.
    case over([String: [String]])
    /// Pearson's correlation with another quantity over all runs; `within` names axes whose settings are compared only with themselves.
    case correlation(with: RowQuantity, within: [String])

    /// Whether there is a number for each run, or each pair of runs.
    var isOfRuns: Bool { if case .correlation = self { false } else { true } }
  }

  /// The claim's name, e.g. `LT-8`.
  public var id: String
  /// The statement in words.
  public var statement: String
  /// The paper that says it.
  public var source: String
  /// A quantity of rows, or a claim on tickets.
  public var measure: Measure
  /// Where the runs lie that it is about: places by axis; everywhere on axes that are not named.
  public var of: [String: [String]]
  /// What they are compared with.
  public var comparison: Comparison
  /// The side of the threshold that it is on, and the threshold; nil for a claim that is only measured.
  public var threshold: (side: Side, value: Double)?
  /// The scales at which it can be judged; empty for all.
  public var scales: [String]
  /// How the setting differs from the paper's.
  public var setting: String?

  /// Creates a claim; every parameter sets the property of the same name.
  public init(
    id: String, statement: String, source: String = "", measure: Measure, of: [String: [String]] = [:],
    comparison: Comparison = .none, threshold: (side: Side, value: Double)? = nil, scales: [String] = [],
    setting: String? = nil
  ) {
    self.id = id
    self.statement = statement
    self.source = source
    self.measure = measure
    self.of = of
    self.comparison = comparison
    self.threshold = threshold
    self.scales = scales
    self.setting = setting
  }

  /// Whether two claims are the same.
  public static func == (a: Self, b: Self) -> Bool {
    (a.id, a.statement, a.source, a.measure, a.setting) == (b.id, b.statement, b.source, b.measure, b.setting) && a.of == b.of
      && a.scales == b.scales
      && a.comparison == b.comparison && a.threshold?.side == b.threshold?.side && a.threshold?.value == b.threshold?.value
  }

  /// Hashes the name and the statement.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(id)
    hasher.combine(statement)
  }
}
