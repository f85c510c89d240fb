internal import Words

// Read this first: the criteria that Espalier ranks by. A new criterion takes a file in Criteria, its test, and one line here.

extension PruningCriterion {
  /// All criteria, in the order in which they are shown.
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

/// An entry in the catalogue of criteria: name, formula, source, and the data that the criterion needs.
public struct PruningCriterion: Sendable {
  /// The data that a criterion needs besides the present weights.
  public enum Data: String, Codable, Hashable, Sendable {
    /// Nothing: the present weights suffice.
    case nothing
    /// The layers' outputs in training steps.
    case activations = "activations of training steps"
    /// The weights in training steps.
    case weights = "weights of training steps"
    /// Examples, in one sweep before the removal; some criteria need their labels (``Criterion/needsLabels(_:curvature:)``).
    case examples
  }

  /// Name in recipes and on the command line.
  public let name: String
  /// Description in one line, for `espalier methods`.
  public let summary: String
  /// Formula of the score, of which low values are removed first.
  public let formula: String
  /// Paper that proposed the criterion; "—" for none.
  public let paper: String
  /// Data that the criterion needs besides the present weights.
  public let data: Data
  /// Number of examples to score on, if the criterion needs any, unless a plan says otherwise.
  public let examples: ExampleCount
  /// Options that the criterion offers.
  public let options: [Criterion.Option]
  /// Mode of batch norms while the criterion scores on examples, unless a plan says otherwise; nil if a plan cannot choose it.
  public let batchNorms: BatchNormMode?
  /// Normalisation of the scores when layers are ranked together, unless a plan says otherwise.
  public let normalization: LayerNormalization
  /// Advice for the case that all scores are equal; nil if there is none.
  public let whenTied: String?
  /// Implementation of the score.
  public let implementation: any Scoring

  /// Creates an entry; every parameter sets the property of the same name.
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

  /// Granularities at which the criterion can score.
  public var granularities: [Granularity] {
    let units =
      implementation is any UnitScoring || implementation is any NormScoring || implementation is any GreedyScoring
      || implementation is any AccumulatedScoring || implementation is any SweptScoring
    let weights =
      implementation is any WeightScoring || implementation is any SweptWeightScoring || implementation is any ModelScoring
    return (weights ? [.weight] : []) + (units ? [.unit, .filter] : [])
  }

  /// Other names of entries in papers.
  private static let aliases = ["norm": "l2"]

  /// Returns the entry with a name, or with the name that it stands for (Mean Replacement Pruning calls `l2` `norm`).
  ///
  /// - Throws: ``PruningError/unknownCriterion(given:suggestion:)``.
  public static func named(_ name: String) throws -> PruningCriterion {
    if let found = all.first(where: { $0.name == aliases[name, default: name] }) { return found }
    throw PruningError.unknownCriterion(given: String(name.prefix(80)), suggestion: nearest(to: name, among: all.map(\.name)))
  }
}
