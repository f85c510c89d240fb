internal import Networks
public import Results
internal import Torch
internal import Training

/// A look at what pruning would cost at some moment of a training, which the training does not notice (Mean Replacement Pruning,
/// anonymous, 2019).
///
/// One sweep over D_s gives all scorers' scores, the loss before, and the mean feature maps; then each scorer's choice is cut from
/// copies, with and without mean replacement, and each of these variants is evaluated on D_v. With several layers at once
/// all scores and means come from the unpruned model. Penalty = L(pruned) − L(before).
///
/// Costs, for each set of layers and each amount: at most one forward pass over D_v per variant, of a smaller network, and the proof
/// of each surgery (4 random examples); the sweep, about 1.5 forward passes over D_s, once. Retraining costs its steps. Measured on
/// one thread with small-conv and 1,000 CIFAR-10 images, twelve penalties take as long as 12 to 16 evaluations.
public struct PenaltyProbe: Codable, Hashable, Sendable {
  /// Training pruned variants for a while before measuring them again.
  public struct Retraining: Codable, Hashable, Sendable {
    /// After how many steps of it the penalty is measured; one training per variant serves all.
    public var steps: [Int]
    /// The training steps whose probes retrain; empty for all.
    public var at: [Int]
    /// The scorers whose variants retrain; empty for all.
    public var scorers: [Criterion]
    /// The amounts at which variants retrain; empty for all.
    public var amounts: [PenaltyAmount]

    /// A retraining; of all variants at all probes unless said.
    public init(steps: [Int], at: [Int] = [], scorers: [Criterion] = [], amounts: [PenaltyAmount] = []) {
      self.steps = steps
      self.at = at
      self.scorers = scorers
      self.amounts = amounts
    }

    func applies(step: Int, scorer: Criterion, amount: PenaltyAmount) -> Bool {
      (at.isEmpty || at.contains(step)) && (scorers.isEmpty || scorers.contains(scorer)) && (amounts.isEmpty || amounts.contains(amount))
    }
  }

  /// The six of the paper: random, the norm of weights, and four saliencies.
  public static let standardScorers = ["random", "l2", "rs", "mrs", "abs-rs", "abs-mrs"]

  /// Who chooses.
  public var scorers: [Criterion]
  /// How much leaves each layer.
  public var amounts: [PenaltyAmount]
  /// Which layers are pruned together.
  public var layers: [LayerSet]
  /// How means become biases, and where units are looked at.
  public var replacement: MeanReplacement
  /// Examples in D_s, in D_v, and of the test set where that is looked at.
  public var examples: Int
  /// Whether D_v is another draw than D_s; otherwise they are the same examples.
  public var separate: Bool
  /// Whether every variant is also evaluated on test images.
  public var looksAtTest: Bool
  /// Training before measuring; nil for none.
  public var retraining: Retraining?
  /// Determines the examples and the random scores; the run's number in rows.
  public var seed: UInt64

  /// A probe; see the properties.
  ///
  /// - Throws: ``PruningError`` and `PlanError` for what no probe can do.
  public init(
    scorers: [Criterion]? = nil, amounts: [PenaltyAmount], layers: [LayerSet] = [.all], replacement: MeanReplacement = MeanReplacement(),
    examples: Int = 1000, separate: Bool = false, looksAtTest: Bool = false, retraining: Retraining? = nil, seed: UInt64 = 0
  ) throws {
    self.scorers = try scorers ?? Self.standardScorers.map { try Criterion(named: $0) }
    self.amounts = amounts
    self.layers = layers
    self.replacement = replacement
    self.examples = examples
    self.separate = separate
    self.looksAtTest = looksAtTest
    self.retraining = retraining
    self.seed = seed
    try validate()
  }

  /// - Throws: ``PruningError`` and `PlanError` for what no probe can do.
  public func validate() throws {
    guard !scorers.isEmpty else { throw PlanError("a probe needs a scorer: choose from \(Self.standardScorers.joined(separator: ", "))") }
    guard !layers.isEmpty else { throw PlanError("a probe needs layers: all, firstConv, midConv, lastConv, firstDense, or names") }
    guard !amounts.isEmpty else { throw PlanError("a probe needs an amount to remove: give --fractions or --counts") }
    for amount in amounts {
      switch amount {
      case .fraction(let fraction): _ = try Fraction.checked(fraction, option: "--fractions")
      case .count(let count): guard count >= 1 else { throw PlanError("--counts \(count) is impossible: give at least 1 unit") }
      }
    }
    for scorer in scorers {
      try scorer.check(.unit)
      guard
        scorer.needsExamples || scorer.definition.implementation is any UnitScoring || scorer.definition.implementation is any NormScoring
      else {
        throw PlanError("criterion \(scorer.name) cannot score a copy at one moment: choose another for a probe")
      }
    }
    guard examples >= 1 else { throw PlanError("a probe of \(examples) examples is impossible: give at least 1") }
    if let wrong = retraining?.steps.first(where: { !(1...1_000_000).contains($0) }) {
      throw PlanError("a retraining of \(wrong) steps is impossible: give 1 to 1000000")
    }
  }
}

/// What a probe found.
public struct PenaltyProbeResult: Codable, Hashable, Sendable {
  /// One for each set of layers, amount, scorer, propagation and length of retraining.
  public var rows: [PenaltyRow]
  /// One for each set of layers, amount, scorer and layer.
  public var choices: [UnitChoice]

  /// A result of these parts.
  public init(rows: [PenaltyRow] = [], choices: [UnitChoice] = []) {
    self.rows = rows
    self.choices = choices
  }
}
