/// All that the probes of one training, or of several with different seeds, say together.
///
/// Rows that were retrained and rows that were not are never pooled, nor are the two places where means can be taken.
public struct PenaltyAnalysis: Codable, Hashable, Sendable {
  /// What was analysed apart: rows of one place and one length of retraining.
  public struct Part: Codable, Hashable, Sendable {
    /// Where units and means were looked at.
    public var meanAt: String
    /// Steps of retraining.
    public var retrainSteps: Int
    /// Points under y = x, by all groupings that make sense here.
    public var comparisons: [PropagationComparison]
    /// How close each variant comes to the best.
    public var profile: PerformanceProfile
  }

  /// Seeds, ascending.
  public var seeds: [UInt64]
  /// Rows.
  public var rows: Int
  /// Training steps, of which thirds are taken.
  public var totalSteps: Int
  /// The level of all intervals.
  public var level: Double
  /// By place, then by retraining.
  public var parts: [Part]
  /// Penalties against steps.
  public var curves: [PenaltyCurve]
  /// Units chosen at least once, from the first probe on.
  public var chosen: [ChosenFraction]
  /// The same counted from ``lateStart`` on; empty where nothing was probed there.
  public var chosenLate: [ChosenFraction]
  /// The step from which ``chosenLate`` counts.
  public var lateStart: Int
  /// Jaccard overlaps of the scorers' choices.
  public var overlaps: [ChoiceOverlap]
  /// The bins' edges of the histograms.
  public var squaredActivationEdges: [Double]
  /// Squared activations of chosen units.
  public var squaredActivations: [SquaredActivationHistogram]

  /// The analyses of these rows and choices.
  ///
  /// - Parameters:
  ///   - totalSteps: of the training; the last probe's step unless given.
  ///   - lateStart: where the second curves of chosen units begin; the paper counts again from step 10,000.
  ///   - level: of all intervals, which are over seeds.
  public init(rows: [PenaltyRow], choices: [UnitChoice], totalSteps: Int? = nil, lateStart: Int = 10_000, level: Double = 0.8) {
    let total = totalSteps ?? rows.map(\.step).max() ?? 0
    seeds = Set(rows.map(\.seed)).sorted()
    self.rows = rows.count
    self.totalSteps = total
    self.level = level
    self.lateStart = lateStart
    let places = Set(rows.map(\.meanAt)).sorted()
    let retrainings = Set(rows.map(\.retrainSteps)).sorted()
    parts = places.flatMap { place in
      retrainings.compactMap { steps in
        let part = rows.filter { $0.meanAt == place && $0.retrainSteps == steps }
        guard !part.isEmpty else { return nil }
        let groupings = PropagationComparison.Grouping.allCases.filter { $0 != .retraining && $0 != .place }
        return Part(
          meanAt: place, retrainSteps: steps,
          comparisons: groupings.flatMap { PropagationComparison.comparisons(of: part, by: $0, totalSteps: total, level: level) },
          profile: PerformanceProfile(of: part))
      }
    }
    curves = PenaltyCurve.curves(of: rows, level: level)
    chosen = ChosenFraction.curves(of: choices, level: level)
    chosenLate = lateStart > 0 ? ChosenFraction.curves(of: choices, from: lateStart, level: level) : []
    overlaps = ChoiceOverlap.overlaps(of: choices, level: level)
    (squaredActivationEdges, squaredActivations) = SquaredActivationHistogram.histograms(of: choices)
  }
}
