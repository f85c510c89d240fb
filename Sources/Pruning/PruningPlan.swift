public import Training

/// What is pruned, by which score, how much and when: a value that recipes, checkpoints and reports can hold.
public struct PruningPlan: Codable, Hashable, Sendable {
  /// How much is removed.
  public enum Amount: Codable, Hashable, Sendable {
    /// This fraction of all prunable things (weights, or units) is gone after the last event, exactly.
    case total(Double)
    /// Each event removes this fraction of what is still there.
    case perEvent(Double)
  }

  /// When it is removed.
  public enum Timing: Codable, Hashable, Sendable {
    /// In rounds after training, each one a removal and then `recovery` steps of training; one round is one-shot.
    case rounds(Int, recovery: Step)
    /// During training, after every k-th such step before the end: after epoch k·N while k·N < epochs (Salcedo & Sharma).
    case during(every: Step)
  }

  /// The score: low ones go first.
  public var criterion: Criterion
  /// Single weights, or whole units.
  public var granularity: Granularity
  /// Whether layers compete with each other.
  public var scope: Scope
  /// How a fraction becomes a count.
  public var rounding: Rounding
  /// How much.
  public var amount: Amount
  /// When.
  public var timing: Timing
  /// How a total is spread over the events.
  public var schedule: SparsitySchedule
  /// No layer is left with fewer than this fraction of its things.
  public var minimumLayerDensity: Double
  /// Kept widths are multiples of this (units only); 1 leaves them as they come.
  public var widthMultiple: Int
  /// Groups (units) or layers (weights) left alone, by name.
  public var ignored: [String]
  /// Whether dead units are removed physically at the end (weights only; units are always removed).
  public var compact: Bool
  /// For random scores and proofs.
  public var seed: UInt64

  /// A plan; see the properties.
  public init(
    criterion: Criterion, granularity: Granularity, scope: Scope, rounding: Rounding = .round, amount: Amount, timing: Timing,
    schedule: SparsitySchedule = .exponential, minimumLayerDensity: Double = 0, widthMultiple: Int = 1, ignored: [String] = [],
    compact: Bool = true, seed: UInt64 = 0
  ) {
    self.criterion = criterion
    self.granularity = granularity
    self.scope = scope
    self.rounding = rounding
    self.amount = amount
    self.timing = timing
    self.schedule = schedule
    self.minimumLayerDensity = minimumLayerDensity
    self.widthMultiple = widthMultiple
    self.ignored = ignored
    self.compact = compact
    self.seed = seed
  }
}
