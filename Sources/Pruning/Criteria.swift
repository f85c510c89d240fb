internal import Words

// Read this first: what Espalier can rank by. A new criterion is a file in Criteria, its test, and one line here.

extension PruningCriterion {
  /// The catalogue, in the order it is shown.
  public static let all: [PruningCriterion] = [
    Magnitude.criterion,
    L1.criterion,
    L2.criterion,
    LInfinity.criterion,
    Threshold.criterion,
    LAMP.criterion,
    FilterGeometricMedian.criterion,
    NormScale.criterion,
    ExpectedNormOutput.criterion,
    GreedyL1.criterion,
    RandomScore.criterion,
    AccumulatedActivation.criterion,
    AccumulatedWeightNorm.criterion,
    ReplacementSaliency.criterion,
    MeanReplacementSaliency.criterion,
    AbsoluteReplacementSaliency.criterion,
    AbsoluteMeanReplacementSaliency.criterion,
    Taylor.criterion,
    TaylorActivation.criterion,
    GradientNorm.criterion,
    PercentageOfZeros.criterion,
    ActivationEntropy.criterion,
    OptimalBrainDamage.criterion,
    SNIP.criterion,
    GraSP.criterion,
    SynFlow.criterion,
  ]
}

/// An entry of the catalogue: how a criterion is called, what it computes, what it needs.
public struct PruningCriterion: Sendable {
  /// What a criterion looks at beside the present weights.
  public enum Data: String, Codable, Hashable, Sendable {
    /// The present weights suffice.
    case nothing
    /// The layers' outputs in training steps.
    case activations = "activations of training steps"
    /// The weights in training steps.
    case weights = "weights of training steps"
    /// Labelled examples, in one sweep before the removal.
    case examples = "labelled examples"
  }

  /// As typed in recipes and on the command line.
  public let name: String
  /// One line.
  public let summary: String
  /// The score; low ones leave.
  public let formula: String
  /// Where it is from.
  public let paper: String
  /// What it looks at beside the present weights.
  public let data: Data
  /// How many examples it looks at, if it looks at any, unless a plan says otherwise.
  public let examples: ExampleCount
  /// Variations it offers.
  public let options: [Criterion.Option]
  /// How batch norms are run while it looks at examples, unless a plan says otherwise; nil where a plan cannot.
  public let batchNorms: BatchNormMode?
  /// What its layers' scores are divided by when layers are ranked together, unless a plan says otherwise.
  public let normalization: LayerNormalization
  /// What helps where all scores are equal; nil where nothing is known to.
  public let whenTied: String?
  /// The code.
  public let implementation: any Scoring

  /// An entry of these parts.
  public init(
    name: String, summary: String, formula: String, paper: String, data: Data, examples: ExampleCount = .usual,
    batchNorms: BatchNormMode? = nil, options: [Criterion.Option] = [], normalization: LayerNormalization = .none,
    whenTied: String? = nil,
    implementation: any Scoring
  ) {
    self.name = name
    self.summary = summary
    self.formula = formula
    self.paper = paper
    self.data = data
    self.examples = examples
    self.batchNorms = batchNorms
    self.options = options
    self.normalization = normalization
    self.whenTied = whenTied
    self.implementation = implementation
  }

  /// The sizes of things it can score.
  public var granularities: [Granularity] {
    let units =
      implementation is any UnitScoring || implementation is any NormScoring || implementation is any GreedyScoring
      || implementation is any AccumulatedScoring || implementation is any SweptScoring
    let weights =
      implementation is any WeightScoring || implementation is any SweptWeightScoring || implementation is any ModelScoring
    return (weights ? [.weight] : []) + (units ? [.unit, .filter] : [])
  }

  /// Names that papers give to entries of the catalogue.
  private static let aliases = ["norm": "l2"]

  /// The entry of this name, or of the one it stands for (Mean Replacement Pruning calls `l2` `norm`).
  ///
  /// - Throws: ``PruningError/unknownCriterion(given:suggestion:)``.
  public static func named(_ name: String) throws -> PruningCriterion {
    if let found = all.first(where: { $0.name == aliases[name, default: name] }) { return found }
    throw PruningError.unknownCriterion(given: String(name.prefix(80)), suggestion: nearest(to: name, among: all.map(\.name)))
  }
}
