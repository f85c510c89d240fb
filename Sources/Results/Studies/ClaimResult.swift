/// A claim of a paper with a study's evidence on it.
public struct ClaimResult: Codable, Hashable, Sendable {
  /// A conclusion from the evidence.
  public enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
    /// The whole interval is on the claim's side.
    case holds
    /// The whole interval is on the other side.
    case fails
    /// The interval contains the threshold, there are fewer than two seeds, or only part of the evidence is there.
    case undecided
    /// There is no evidence: runs are missing, or the claim is about a scale that was not run.
    case untested
  }

  /// The claim's name, e.g. `LT-8`.
  public var id: String
  /// The statement in the paper's terms.
  public var statement: String
  /// The paper that says it.
  public var source: String
  /// The measured quantity in words, e.g. `test accuracy, snip − random, at sparsity 0.9`.
  public var measure: String
  /// Unit of the numbers: that of the quantity, `points` for a difference of fractions (stored as one), or `ratio`.
  public var unit: String
  /// The number that the quantity must reach or pass; nil if it is only stated.
  public var threshold: Double?
  /// Mean over seeds of the paired quantity; nil without evidence.
  public var mean: Double?
  /// Lower end of its interval; nil with fewer than two seeds.
  public var lower: Double?
  /// Upper end of its interval; nil with fewer than two seeds.
  public var upper: Double?
  /// Number of pairs, which is that of seeds.
  public var count: Int
  /// The conclusion.
  public var verdict: Verdict
  /// How the setting differs from the paper's; nil if it does not.
  public var setting: String?
  /// Name of the study, or path of the page, that holds the evidence.
  public var evidence: String

  /// Creates a result; every parameter sets the property of the same name.
  public init(
    id: String, statement: String, source: String, measure: String, unit: String = "", threshold: Double? = nil, mean: Double? = nil,
    lower: Double? = nil, upper: Double? = nil, count: Int = 0, verdict: Verdict, setting: String? = nil, evidence: String
  ) {
    self.id = id
    self.statement = statement
    self.source = source
    self.measure = measure
    self.unit = unit
    self.threshold = threshold
    self.mean = mean
    self.lower = lower
    self.upper = upper
    self.count = count
    self.verdict = verdict
    self.setting = setting
    self.evidence = evidence
  }
}
