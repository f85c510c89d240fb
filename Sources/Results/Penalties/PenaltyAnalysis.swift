/// The analyses of the pruning penalties of one training, or of several with different seeds.
///
/// Penalties with and without retraining are never pooled, nor are those of the two places at which means can be taken.
public struct PenaltyAnalysis: Codable, Hashable, Sendable {
  /// The analyses of the rows with one place and one length of retraining.
  public struct Part: Codable, Hashable, Sendable {
    /// Where units' activations and means were observed: `output` or `consumer`.
    public var meanAt: String
    /// Steps of retraining before the penalty was measured.
    public var retrainSteps: Int
    /// Shares of points below y = x, in every meaningful grouping.
    public var comparisons: [PropagationComparison]
    /// How close each variant comes to the best.
    public var profile: PerformanceProfile
  }

  /// The seeds, ascending.
  public var seeds: [UInt64]
  /// Number of penalty rows.
  public var rows: Int
  /// Steps of the training, which thirds and halves divide.
  public var totalSteps: Int
  /// Confidence level of all intervals.
  public var level: Double
  /// Analyses by place, then by length of retraining.
  public var parts: [Part]
  /// Penalties as functions of the training step.
  public var curves: [PenaltyCurve]
  /// Shares of units chosen at least once, counted from the first probe on.
  public var chosen: [ChosenFraction]
  /// Shares of units chosen at least once, counted from ``lateStart`` on; empty if nothing was probed there.
  public var chosenLate: [ChosenFraction]
  /// Step from which ``chosenLate`` counts.
  public var lateStart: Int
  /// Overlaps of the scorers' choices (Jaccard).
  public var overlaps: [ChoiceOverlap]
  /// Edges of the histograms' bins.
  public var squaredActivationEdges: [Double]
  /// Histograms of the squared activations of chosen units.
  public var squaredActivations: [SquaredActivationHistogram]

  /// Analyses penalty rows and unit choices.
  ///
  /// - Parameters:
  ///   - totalSteps: steps of the training; nil for the last probe's step.
  ///   - lateStart: the step at which ``chosenLate`` begins to count; the paper counts again from step 10,000.
  ///   - level: confidence level of all intervals, which are over seeds.
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
