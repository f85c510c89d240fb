// Read this first: what Espalier can rank by. A new criterion is a file in Criteria, its test, and one line here.

extension PruningMethod {
  /// The catalogue, in the order it is shown.
  public static let all: [PruningMethod] = [
    Magnitude.method,
    L1.method,
    L2.method,
    LInfinity.method,
    Threshold.method,
    LAMP.method,
    FilterGeometricMedian.method,
    NormScale.method,
    ExpectedNormOutput.method,
    GreedyL1.method,
    RandomScore.method,
    AccumulatedActivation.method,
    AccumulatedWeightNorm.method,
  ]
}

/// An entry of the catalogue: how a criterion is called, what it computes, what it needs.
public struct PruningMethod: Sendable {
  /// What a criterion looks at beside the present weights.
  public enum Data: String, Codable, Hashable, Sendable {
    /// The present weights suffice.
    case nothing
    /// The layers' outputs in training steps.
    case activations = "activations of training steps"
    /// The weights in training steps.
    case weights = "weights of training steps"
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
  /// Variations it offers.
  public let options: [Criterion.Option]
  /// What its layers' scores are divided by when layers are ranked together, unless a plan says otherwise.
  public let normalization: LayerNormalization
  /// The code.
  public let implementation: any ScoringMethod

  /// An entry of these parts.
  public init(
    name: String, summary: String, formula: String, paper: String, data: Data, options: [Criterion.Option] = [],
    normalization: LayerNormalization = .none, implementation: any ScoringMethod
  ) {
    self.name = name
    self.summary = summary
    self.formula = formula
    self.paper = paper
    self.data = data
    self.options = options
    self.normalization = normalization
    self.implementation = implementation
  }

  /// The sizes of things it can score.
  public var granularities: [Granularity] {
    let units =
      implementation is any UnitScoring || implementation is any NormScoring || implementation is any GreedyScoring
      || implementation is any AccumulatedScoring
    return (implementation is any WeightScoring ? [.weight] : []) + (units ? [.unit, .filter] : [])
  }

  /// The entry of this name.
  ///
  /// - Throws: ``PruningError/unknownCriterion(given:suggestion:)``.
  public static func named(_ name: String) throws -> PruningMethod {
    if let found = all.first(where: { $0.name == name }) { return found }
    throw PruningError.unknownCriterion(given: String(name.prefix(80)), suggestion: nearest(to: name))
  }

  private static func nearest(to name: String) -> String? {
    let typed = Array(name.lowercased().replacing("_", with: "-").prefix(80))
    let measured = all.map { (name: $0.name, distance: edits(typed, Array($0.name))) }
    guard let best = measured.min(by: { $0.distance < $1.distance }), best.distance <= max(1, best.name.count / 3) else { return nil }
    return best.name
  }

  /// Insertions, deletions and substitutions from one name to another.
  private static func edits(_ a: [Character], _ b: [Character]) -> Int {
    var row = Array(0...b.count)
    for (i, character) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in b.enumerated() {
        let substituted = diagonal + (character == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}
