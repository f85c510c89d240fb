public import Results
public import Training

/// The record of one removal.
public struct PruningEvent: Codable, Hashable, Sendable {
  /// Number of the removal, from 1.
  public var number: Int
  /// Number of finished training steps.
  public var iteration: Int
  /// Number of things removed by this event.
  public var removed: Int
  /// Number of things that are left.
  public var kept: Int
  /// Number of units of each layer after the removal; empty if weights were removed.
  public var widths: [String: Int]
  /// Largest difference of the equivalence proof divided by the largest output; nil if nothing was cut.
  public var proof: Double?
  /// True if the proof's outputs are the same for all inputs; nil if they are not, or nothing was proved.
  public var hasConstantOutput: Bool?
  /// Evaluation on the validation set just before the removal.
  public var before: Evaluation?
  /// Evaluation on the validation set after the removal and before repairs; nil if there are no repairs.
  public var pruned: Evaluation?
  /// Evaluation on the validation set after removal and repairs, before any recovery.
  public var after: Evaluation?
  /// Layers through which nothing flows: if weights were removed, those of `Model.collapsedLayers()`; if units were removed,
  /// those at which the input's influence ends, if the outputs no longer depend on the input.
  public var collapsed: [String]
  /// The first collapse, among several removals that are recorded as one event; nil if no layer collapsed.
  public var collapse: FirstCollapse?
  /// Number of things before the first known removal, in this run or an earlier one; nil in records of earlier versions.
  public var prunable: Int?
  /// Cost that was asked for and reached; nil if things were counted.
  public var target: ReachedTarget?
  /// Duration of planning and cutting in seconds, without scores and proof; nil if nothing was cut.
  public var surgerySeconds: Double?
  /// Number of the original things that the plan asks to be gone after this removal; nil if scores or costs decide it, and in records of
  /// earlier versions.
  public var asked: Int?
  /// How much of the removal was decided only by the order of equal scores; nil in records of earlier versions.
  public var ties: Ties?
  /// What is left of each layer (weights) or group (units), of what was there before the first known removal; nil in records of earlier
  /// versions.
  public var layers: [LayerSurvivors]?
  /// True if what was chosen was disturbed and stayed (``TemporaryRemoval``); nil if it left.
  public var isTemporary: Bool?

  /// The removal after which a layer collapsed first.
  public struct FirstCollapse: Codable, Hashable, Sendable {
    /// Collapsed layers, in the order of the network.
    public var layers: [String]
    /// Number of the removal, from 1.
    public var removal: Int
    /// Number of things left after the removal.
    public var kept: Int
    /// Number of things before the first removal.
    public var prunable: Int

    /// Compression, prunable / kept; infinite if nothing is left.
    public var compression: Double { kept == 0 ? .infinity : Double(prunable) / Double(kept) }

    /// Description, e.g. `first conv8, in removal 55 at compression 316.2`.
    public var words: String {
      "first \(layers.joined(separator: ", ")), in removal \(removal) at compression "
        + (kept == 0 ? "∞" : "\((compression * 10).rounded() / 10)")
    }
  }

  /// A cost that was asked for, and the cost reached.
  public struct ReachedTarget: Codable, Hashable, Sendable {
    /// Measure of the cost.
    public var measure: CostTarget.Measure
    /// Cost before the first known removal.
    public var original: Double
    /// Cost before the first event of this run, if an earlier run had removed something; else nil.
    public var before: Double?
    /// Maximum cost after this event.
    public var asked: Double
    /// Cost after this event.
    public var achieved: Double

    /// Description, e.g. `macs 40813184 → 20400000 (asked 20406592)`.
    public var words: String {
      func number(_ value: Double) -> String {
        measure == .latency ? "\((value * 1e6).rounded() / 1e3) ms" : "\(Int(saturating: value))"
      }
      return "\(measure.rawValue) \(number(original)) → \(number(achieved)) (asked \(number(asked)))"
    }
  }
}
