internal import Results
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
  /// Whether the proof's outputs are the same for all inputs; nil where they are not, or nothing was proved.
  public var hasConstantOutput: Bool?
  /// On the validation set just before.
  public var before: Evaluation?
  /// On the validation set with the things gone and nothing repaired; nil where there are no repairs.
  public var pruned: Evaluation?
  /// On the validation set just after, repaired, before any recovery.
  public var after: Evaluation?
  /// Layers through which nothing flows: of weights ``Training/Model/collapsedLayers()``; where units left, those at which the input's
  /// influence ends, if the outputs no longer depend on it.
  public var collapsed: [String]
  /// When the first of them collapsed, of removals that are one event; nil where none did.
  public var collapse: FirstCollapse?
  /// Things there were before the first removal that is known, in this run or an earlier one; nil in records of earlier versions.
  public var prunable: Int?
  /// The cost that was asked for and reached; nil where things were counted.
  public var target: ReachedTarget?
  /// Seconds for planning and cutting, the proof and scores apart; nil where nothing was cut.
  public var surgerySeconds: Double?
  /// Things that the plan means to be gone after it of those there were at the very first; nil where scores or costs decide, and in
  /// records of earlier versions.
  public var asked: Int?
  /// What only the order among equal scores decided; nil in records of earlier versions.
  public var ties: Ties?

  /// The removal that first left a layer through which nothing flows.
  public struct FirstCollapse: Codable, Hashable, Sendable {
    /// The layers, in their order.
    public var layers: [String]
    /// Number of the removal, from 1.
    public var removal: Int
    /// Things left after it.
    public var kept: Int
    /// Things there were before the first removal.
    public var prunable: Int

    /// prunable / kept; infinite where nothing is left.
    public var compression: Double { kept == 0 ? .infinity : Double(prunable) / Double(kept) }

    /// E.g. `first conv8, in removal 55 at compression 316.2`.
    public var words: String {
      "first \(layers.joined(separator: ", ")), in removal \(removal) at compression "
        + (kept == 0 ? "∞" : "\((compression * 10).rounded() / 10)")
    }
  }

  /// A cost that was asked for, and what was reached.
  public struct ReachedTarget: Codable, Hashable, Sendable {
    /// What is counted or measured.
    public var measure: CostTarget.Measure
    /// Before the first removal that is known.
    public var original: Double
    /// Before the first event of this run, where an earlier run had removed something; else nil.
    public var before: Double?
    /// After this event at most.
    public var asked: Double
    /// After this event.
    public var achieved: Double

    /// E.g. `macs 40813184 → 20400000 (asked 20406592)`.
    public var words: String {
      func number(_ value: Double) -> String {
        measure == .latency ? "\((value * 1e6).rounded() / 1e3) ms" : "\(Int(saturating: value))"
      }
      return "\(measure.rawValue) \(number(original)) → \(number(achieved)) (asked \(number(asked)))"
    }
  }
}
