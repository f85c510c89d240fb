internal import Networks
public import Results
internal import Torch
internal import Training

/// Measures what pruning would cost at some moment of a training, without affecting the training (Mean Replacement Pruning, anonymous,
/// 2019).
///
/// One sweep over D_s gives the scores of all scorers, the loss before pruning, and the mean feature maps; then each scorer's choice is cut
/// out of copies, with and without mean replacement, and each of these variants is evaluated on D_v. If several layers are pruned at once,
/// all scores and means come from the unpruned model. Penalty = L(pruned) − L(before).
///
/// Cost, for each set of layers and each amount: at most one forward pass over D_v per variant, on a smaller network, and the proof of each
/// surgery (4 random examples); once, the sweep, about 1.5 forward passes over D_s; retraining costs its steps. On one thread with
/// small-conv and 1,000 CIFAR-10 images, twelve penalties take as long as 12 to 16 evaluations.
public struct PenaltyProbe: Codable, Hashable, Sendable {
  /// Retraining of pruned variants before they are measured again.
  public struct Retraining: Codable, Hashable, Sendable {
    /// Numbers of retraining steps after which the penalty is measured; one training per variant serves all of them.
    public var steps: [Int]
    /// Training steps whose probes retrain; empty for all.
    public var at: [Int]
    /// Scorers whose variants retrain; empty for all.
    public var scorers: [Criterion]
    /// Amounts at which variants retrain; empty for all.
    public var amounts: [PenaltyAmount]

    /// Creates a retraining, by default of all variants at all probes.
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

  /// Names of the paper's six scorers: random, the norm of weights, and four saliencies.
  public static let standardScorers = ["random", "l2", "rs", "mrs", "abs-rs", "abs-mrs"]

  /// Criteria that choose the units to remove.
  public var scorers: [Criterion]
  /// Amounts that are removed from each layer.
  public var amounts: [PenaltyAmount]
  /// Sets of layers that are pruned together.
  public var layers: [LayerSet]
  /// How means become biases, and where units' values are taken.
  public var replacement: MeanReplacement
  /// Number of examples in D_s, in D_v, and of test images if these are evaluated.
  public var examples: Int
  /// Whether D_v is drawn separately from D_s; otherwise they are the same examples.
  public var separate: Bool
  /// Whether every variant is also evaluated on test images.
  public var looksAtTest: Bool
  /// Retraining before further measurements; nil for none.
  public var retraining: Retraining?
  /// Seed of the examples and the random scores; recorded in the rows.
  public var seed: UInt64

  /// Creates a probe; every parameter sets the property of the same name, `scorers` to ``standardScorers`` by default.
  ///
  /// - Throws: ``PruningError`` and `PlanError` for a probe that is impossible on any network.
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

  /// Checks the probe by itself, without a network.
  ///
  /// - Throws: ``PruningError`` and `PlanError` for a probe that is impossible on any network.
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

/// The result of a probe.
public struct PenaltyProbeResult: Codable, Hashable, Sendable {
  /// Penalties, one for each set of layers, amount, scorer, propagation and length of retraining.
  public var rows: [PenaltyRow]
  /// Chosen units, one entry for each set of layers, amount, scorer and layer.
  public var choices: [UnitChoice]

  /// Creates a result, empty by default.
  public init(rows: [PenaltyRow] = [], choices: [UnitChoice] = []) {
    self.rows = rows
    self.choices = choices
  }
}
