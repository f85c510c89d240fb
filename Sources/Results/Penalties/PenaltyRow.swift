/// The amount that a probe removes from each layer.
public enum PenaltyAmount: Codable, Hashable, Sendable, CustomStringConvertible {
  /// A fraction of each layer's units, rounded half up.
  case fraction(Double)
  /// A number of units of each layer.
  case count(Int)

  /// The amount as `0.1` or `1 unit`.
  public var description: String {
    switch self {
    case .fraction(let fraction): "\(fraction)"
    case .count(let count): count == 1 ? "1 unit" : "\(count) units"
    }
  }
}

extension PenaltyAmount: Comparable {
  /// Orders counts before fractions, each ascending.
  public static func < (lhs: Self, rhs: Self) -> Bool {
    switch (lhs, rhs) {
    case (.count(let a), .count(let b)): a < b
    case (.fraction(let a), .fraction(let b)): a < b
    case (.count, .fraction): true
    case (.fraction, .count): false
    }
  }
}

/// One pruning penalty: the rise of the loss when units are removed from a model at some step of its training.
///
/// Penalty = L(pruned) − L(before), both mean cross-entropies over the same examples (Mean Replacement Pruning, anonymous, 2019).
public struct PenaltyRow: Codable, Hashable, Sendable {
  /// Seed of the run.
  public var seed: UInt64
  /// Finished training steps.
  public var step: Int
  /// Layers that lost units, as typed, e.g. `all`, `lastConv`.
  public var layers: String
  /// The amount removed from each layer.
  public var amount: PenaltyAmount
  /// Name of the criterion that chose the units.
  public var scorer: String
  /// Whether the removed units' means were added to the biases of the layers that read them.
  public var propagated: Bool
  /// Where units' activations and means were observed: `output` or `consumer`.
  public var meanAt: String
  /// Steps that the pruned model was trained before it was measured.
  public var retrainSteps: Int
  /// Number of removed units.
  public var removed: Int
  /// Mean loss of the whole model.
  public var lossBefore: Double
  /// Mean loss of the pruned model.
  public var lossAfter: Double
  /// Mean loss of the whole model on test images; nil if those were not evaluated.
  public var testLossBefore: Double?
  /// Mean loss of the pruned model on test images; nil if those were not evaluated.
  public var testLossAfter: Double?

  /// The pruning penalty, lossAfter − lossBefore.
  public var penalty: Double { lossAfter - lossBefore }

  /// Creates a row; every parameter sets the property of the same name.
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

  /// Everything about a measurement but the choice of units and whether they were replaced: rows of one setting are comparable.
  public struct Setting: Codable, Hashable, Sendable, Comparable {
    /// Seed of the run.
    public var seed: UInt64
    /// Finished training steps.
    public var step: Int
    /// Layers that lost units, as typed.
    public var layers: String
    /// The amount removed from each layer.
    public var amount: PenaltyAmount
    /// Where units' activations and means were observed: `output` or `consumer`.
    public var meanAt: String
    /// Steps of retraining before the penalty was measured.
    public var retrainSteps: Int

    /// Orders settings by seed, step, layers, place, amount and retraining.
    public static func < (lhs: Self, rhs: Self) -> Bool {
      (lhs.seed, lhs.step, lhs.layers, lhs.meanAt, lhs.amount, lhs.retrainSteps)
        < (rhs.seed, rhs.step, rhs.layers, rhs.meanAt, rhs.amount, rhs.retrainSteps)
    }
  }

  /// The setting of the measurement.
  public var setting: Setting {
    Setting(seed: seed, step: step, layers: layers, amount: amount, meanAt: meanAt, retrainSteps: retrainSteps)
  }

  /// Whether the row is evidence: units were removed, and both losses are finite.
  public var isInformative: Bool { removed > 0 && lossBefore.isFinite && lossAfter.isFinite }
}

/// The units of one layer that a scorer chose at one step.
public struct UnitChoice: Codable, Hashable, Sendable {
  /// Seed of the run.
  public var seed: UInt64
  /// Finished training steps.
  public var step: Int
  /// Layers that lost units, as typed.
  public var layers: String
  /// The amount removed from each layer.
  public var amount: PenaltyAmount
  /// Name of the criterion that chose the units.
  public var scorer: String
  /// Where units' activations and means were observed: `output` or `consumer`.
  public var meanAt: String
  /// Name of the layer or channel group.
  public var group: String
  /// Number of units in the group.
  public var width: Int
  /// Indices of the chosen units, ascending.
  public var units: [Int]
  /// Mean squared activation of each chosen unit, over examples and positions.
  public var squaredActivations: [Double]

  /// Creates a choice; every parameter sets the property of the same name.
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
