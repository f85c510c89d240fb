public import Training

/// One removal, as it happened.
public struct PruningEvent: Codable, Hashable, Sendable {
  /// 1 for the first.
  public var number: Int
  /// Finished training steps at that moment.
  public var iteration: Int
  /// Things asked to be removed in this event, and removed.
  public var removed: Int
  /// Things still there.
  public var kept: Int
  /// Units per layer after it; empty when weights were removed.
  public var widths: [String: Int]
  /// The equivalence proof's largest difference over the largest output; nil where nothing was cut.
  public var proof: Double?
  /// On the validation set just before.
  public var before: Evaluation?
  /// On the validation set with the things gone and nothing repaired; nil where there are no repairs.
  public var pruned: Evaluation?
  /// On the validation set just after, repaired, before any recovery.
  public var after: Evaluation?
  /// Layers without any kept weight.
  public var collapsed: [String]
  /// The cost that was asked for and reached; nil where things were counted.
  public var target: ReachedTarget?
  /// Seconds for planning and cutting, the proof and scores apart; nil where nothing was cut.
  public var surgerySeconds: Double?

  /// A cost that was asked for, and what was reached.
  public struct ReachedTarget: Codable, Hashable, Sendable {
    /// What is counted or measured.
    public var measure: CostTarget.Measure
    /// Before the first event.
    public var original: Double
    /// After this event at most.
    public var asked: Double
    /// After this event.
    public var achieved: Double

    /// E.g. `macs 40813184 → 20400000 (asked 20406592)`.
    public var words: String {
      func number(_ value: Double) -> String {
        measure == .latency ? "\((value * 1e6).rounded() / 1e3) ms" : "\(Int(min(value.rounded(), 1e18)))"
      }
      return "\(measure.rawValue) \(number(original)) → \(number(achieved)) (asked \(number(asked)))"
    }
  }
}
