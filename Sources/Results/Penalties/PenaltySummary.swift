/// What the probes of one training say, in the numbers that claims are about (Mean Replacement Pruning, anonymous, 2019).
///
/// A point is a choice of units whose penalty was measured without (x) and with (y) the means of the removed units in the next biases.
public struct PenaltySummary: Codable, Hashable, Sendable {
  /// One scorer's choices.
  public struct Scorer: Codable, Hashable, Sendable {
    /// Name of the criterion.
    public var name: String
    /// Number of points in the last third of training, without retraining.
    public var points: Int
    /// Share of these points below y = x, where mean replacement lowered the penalty.
    public var share: Double?
    /// Median of y − x over these points; below 0 if mean replacement helps.
    public var change: Double?
    /// Share of the points of the longest retraining below y = x; nil without retraining.
    public var retrainedShare: Double?
    /// Median of y − x of the points of the longest retraining.
    public var retrainedChange: Double?
    /// Area under the performance profile of penalties without mean replacement, over the whole training.
    public var area: Double?
    /// Area under the performance profile of penalties with mean replacement.
    public var areaWithMeans: Double?
    /// Mean over layers of the share of units that were chosen at least once, at the smallest amount.
    public var chosen: Double?
    /// Median of the chosen units' mean squared activations.
    public var squaredActivation: Double?
  }

  /// The place where units' activations and means were observed: `output` or `consumer`.
  public var meanAt: String
  /// The scorers, in alphabetical order.
  public var scorers: [Scorer]
  /// Overlap (Jaccard) of the choices of `abs-mrs` and `abs-rs`, averaged over probes; nil unless both chose.
  public var overlap: Double?
  /// Steps of the longest retraining; nil without one.
  public var retrainSteps: Int?

  /// Sums up the penalties and choices of one training at the first place of means that it has, in alphabetical order.
  ///
  /// - Parameter totalSteps: steps of the training.
  public init?(rows: [PenaltyRow], choices: [UnitChoice], totalSteps: Int) {
    guard let place = rows.map(\.meanAt).min() else { return nil }
    let choices = choices.filter { $0.meanAt == place }
    let analysis = PenaltyAnalysis(rows: rows.filter { $0.meanAt == place }, choices: choices, totalSteps: totalSteps)
    let part = analysis.parts.first { $0.retrainSteps == 0 }
    let retrained = analysis.parts.last { $0.retrainSteps > 0 }
    func area(_ variant: String) -> Double? { part?.profile.lines.first { $0.variant == variant }?.area }
    let smallest = choices.map(\.amount).min()
    meanAt = place
    retrainSteps = retrained?.retrainSteps
    scorers = Set(rows.map(\.scorer)).sorted().map { name in
      let last = part?.comparisons.first { $0.grouping == .scorerAndThird && $0.name == "\(name), last third" }
      let later = retrained?.comparisons.first { $0.grouping == .scorer && $0.name == name }
      let shares = analysis.chosen.filter { $0.key.scorer == name && $0.key.amount == smallest }.compactMap { $0.points.last?.fraction }
      let activations = choices.filter { $0.scorer == name }.flatMap(\.squaredActivations).filter(\.isFinite)
      return Scorer(
        name: name, points: last?.count ?? 0, share: last?.share, change: last?.medianDifference, retrainedShare: later?.share,
        retrainedChange: later?.medianDifference, area: area(name), areaWithMeans: area(name + " + mean"),
        chosen: Statistics.mean(shares), squaredActivation: Statistics.median(activations))
    }
    overlap = analysis.overlaps.first { $0.first == "abs-mrs" && $0.second == "abs-rs" }?.mean
  }
}

extension RowQuantity {
  /// The scorers that quantities of probes are named after: those of the paper.
  static let scorers = ["random", "l2", "abs-mrs", "abs-rs", "mrs", "rs"]

  /// The quantities of a training with probes.
  static let penalties: [RowQuantity] =
    scorers.flatMap { scorer -> [RowQuantity] in
      func quantity(
        _ name: String, _ words: String, unit: String = "", _ value: @escaping @Sendable (PenaltySummary.Scorer) -> Double?
      ) -> RowQuantity {
        RowQuantity("\(name)-\(scorer)", "\(words), of \(scorer)", unit: unit) { row in
          row.penalties?.scorers.first { $0.name == scorer }.flatMap(value)
        }
      }
      return [
        quantity("mean-share", "share of penalties that mean replacement lowers in the last third of training", unit: "fraction", \.share),
        quantity("mean-change", "median change of the penalty by mean replacement in the last third of training in nats", \.change),
        quantity("retrained-share", "the share after the longest retraining", unit: "fraction", \.retrainedShare),
        quantity("retrained-change", "median change by mean replacement after the longest retraining in nats", \.retrainedChange),
        quantity("profile-area", "area under the performance profile of penalties", \.area),
        quantity("profile-area-with-means", "area under the performance profile of penalties with mean replacement", \.areaWithMeans),
        quantity("chosen-share", "share of units chosen at least once", unit: "fraction", \.chosen),
        quantity("squared-activation", "median squared activation of chosen units", \.squaredActivation),
      ]
    } + [
      RowQuantity("choice-overlap", "overlap (Jaccard) of the units that abs-mrs and abs-rs choose", unit: "fraction") {
        $0.penalties?.overlap
      }
    ]
}
