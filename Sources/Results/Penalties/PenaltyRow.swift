/// How much of each layer a probe removes.
public enum PenaltyAmount: Codable, Hashable, Sendable, CustomStringConvertible {
  /// This fraction of each layer's units, rounded half up.
  case fraction(Double)
  /// So many units of each layer.
  case count(Int)

  /// `0.1`, or `1 unit`.
  public var description: String {
    switch self {
    case .fraction(let fraction): "\(fraction)"
    case .count(let count): count == 1 ? "1 unit" : "\(count) units"
    }
  }
}

extension PenaltyAmount: Comparable {
  /// Counts first, then fractions, each ascending.
  public static func < (lhs: Self, rhs: Self) -> Bool {
    switch (lhs, rhs) {
    case (.count(let a), .count(let b)): a < b
    case (.fraction(let a), .fraction(let b)): a < b
    case (.count, .fraction): true
    case (.fraction, .count): false
    }
  }
}

/// One pruning penalty: how much the loss rises when units leave a model at some step of its training.
///
/// Penalty = L(pruned) − L(before), both mean cross-entropies over the same examples (Mean Replacement Pruning, anonymous, 2019).
public struct PenaltyRow: Codable, Hashable, Sendable {
  /// The run.
  public var seed: UInt64
  /// Finished training steps.
  public var step: Int
  /// Which layers lost units, as typed, e.g. `all`, `lastConv`.
  public var layers: String
  /// How much of each.
  public var amount: PenaltyAmount
  /// The criterion that chose the units.
  public var scorer: String
  /// Whether the means of what left went into the biases of the layers behind it.
  public var propagated: Bool
  /// Where units and their means were looked at: `output` or `consumer`.
  public var meanAt: String
  /// Steps that the pruned model trained before it was measured.
  public var retrainSteps: Int
  /// Units that left.
  public var removed: Int
  /// Mean loss of the whole model.
  public var lossBefore: Double
  /// Mean loss of the pruned one.
  public var lossAfter: Double
  /// The whole model on test images; nil where none were looked at.
  public var testLossBefore: Double?
  /// The pruned one on test images.
  public var testLossAfter: Double?

  /// lossAfter − lossBefore.
  public var penalty: Double { lossAfter - lossBefore }

  /// A row of these parts.
  public init(
    seed: UInt64, step: Int, layers: String, amount: PenaltyAmount, scorer: String, propagated: Bool, meanAt: String = "consumer",
    retrainSteps: Int = 0, removed: Int, lossBefore: Double, lossAfter: Double, testLossBefore: Double? = nil, testLossAfter: Double? = nil
  ) {
    self.seed = seed
    self.step = step
    self.layers = layers
    self.amount = amount
    self.scorer = scorer
    self.propagated = propagated
    self.meanAt = meanAt
    self.retrainSteps = retrainSteps
    self.removed = removed
    self.lossBefore = lossBefore
    self.lossAfter = lossAfter
    self.testLossBefore = testLossBefore
    self.testLossAfter = testLossAfter
  }

  /// What was measured, whichever units were chosen and whether they were replaced: rows of one setting are comparable.
  public struct Setting: Codable, Hashable, Sendable, Comparable {
    /// The run.
    public var seed: UInt64
    /// Finished training steps.
    public var step: Int
    /// Which layers.
    public var layers: String
    /// How much.
    public var amount: PenaltyAmount
    /// Where units were looked at.
    public var meanAt: String
    /// Steps of retraining.
    public var retrainSteps: Int

    /// By seed, step, layers, place, amount, retraining.
    public static func < (lhs: Self, rhs: Self) -> Bool {
      (lhs.seed, lhs.step, lhs.layers, lhs.meanAt, lhs.amount, lhs.retrainSteps)
        < (rhs.seed, rhs.step, rhs.layers, rhs.meanAt, rhs.amount, rhs.retrainSteps)
    }
  }

  /// What was measured.
  public var setting: Setting {
    Setting(seed: seed, step: step, layers: layers, amount: amount, meanAt: meanAt, retrainSteps: retrainSteps)
  }

  /// Whether it says anything: units left, and both losses are numbers.
  public var isInformative: Bool { removed > 0 && lossBefore.isFinite && lossAfter.isFinite }
}

/// The units of one layer that a scorer chose at one step.
public struct UnitChoice: Codable, Hashable, Sendable {
  /// The run.
  public var seed: UInt64
  /// Finished training steps.
  public var step: Int
  /// Which layers lost units, as typed.
  public var layers: String
  /// How much of each.
  public var amount: PenaltyAmount
  /// The criterion that chose.
  public var scorer: String
  /// Where units were looked at.
  public var meanAt: String
  /// The layer or channel group.
  public var group: String
  /// Units it has.
  public var width: Int
  /// Indices of the chosen ones, ascending.
  public var units: [Int]
  /// The mean over examples and positions of each chosen unit's squared activation.
  public var squaredActivations: [Double]

  /// A choice of these parts.
  public init(
    seed: UInt64, step: Int, layers: String, amount: PenaltyAmount, scorer: String, meanAt: String = "consumer", group: String, width: Int,
    units: [Int], squaredActivations: [Double] = []
  ) {
    self.seed = seed
    self.step = step
    self.layers = layers
    self.amount = amount
    self.scorer = scorer
    self.meanAt = meanAt
    self.group = group
    self.width = width
    self.units = units
    self.squaredActivations = squaredActivations
  }
}
