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

extension PenaltyAnalysis {
  /// The figures as tables.
  public var text: String {
    var blocks = [
      "\(Format.count(rows)) penalties of \(seeds.count) seed\(seeds.count == 1 ? "" : "s"); intervals of \(Format.percent(level, digits: 0)) over seeds"
    ]
    for part in parts {
      let retraining = part.retrainSteps == 0 ? "" : ", after \(Format.count(part.retrainSteps)) steps of retraining"
      blocks.append("With mean replacement against without (means at \(part.meanAt))\(retraining)\n" + Self.table(part.comparisons))
      if part.profile.count > 0 {
        var table = TextTable(alignments: [.left, .right, .right], header: ["variant", "area", "best"])
        for line in part.profile.lines {
          table.append([line.variant, Format.fixed(line.area, 3), Format.percent(line.values.last ?? 0, digits: 0)])
        }
        blocks.append("Performance profile over \(Format.count(part.profile.count)) measurements\(retraining)\n" + table.text)
      }
    }
    if !chosen.isEmpty { blocks.append("Share of units chosen at least once, up to the last probe\n" + Self.table(chosen)) }
    if chosenLate.contains(where: { $0.points.count > 1 }) {
      blocks.append("The same counted from step \(Format.count(lateStart))\n" + Self.table(chosenLate))
    }
    if !overlaps.isEmpty {
      var table = TextTable(alignments: [.left, .left, .right], header: ["scorer", "scorer", "overlap"])
      for overlap in overlaps { table.append([overlap.first, overlap.second, Self.words(overlap.mean, overlap.interval, 3)]) }
      blocks.append("Overlap of choices (Jaccard)\n" + table.text)
    }
    if !squaredActivations.isEmpty { blocks.append("Squared activations of chosen units, units per decade\n" + histogramTable) }
    return blocks.joined(separator: "\n")
  }

  private static func table(_ comparisons: [PropagationComparison]) -> String {
    var table = TextTable(
      alignments: [.left, .left, .right, .right, .right], header: ["by", "", "points", "under y = x", "median difference"])
    var last: PropagationComparison.Grouping?
    for comparison in comparisons {
      table.append([
        comparison.grouping == last ? "" : comparison.grouping.rawValue, comparison.name, Format.count(comparison.count),
        words(comparison.share, comparison.shareInterval, 3), words(comparison.medianDifference, comparison.differenceInterval, nil),
      ])
      last = comparison.grouping
    }
    return table.text
  }

  private static func table(_ curves: [ChosenFraction]) -> String {
    let scorers = Set(curves.map(\.key.scorer)).sorted()
    struct Line: Hashable {
      var place: String
      var layers: String
      var amount: PenaltyAmount
      var group: String
    }
    var order: [Line] = []
    var last: [Line: [String: ChosenFraction.Point]] = [:]
    for curve in curves {
      let line = Line(place: curve.key.meanAt, layers: curve.key.layers, amount: curve.key.amount, group: curve.key.group)
      if last[line] == nil { order.append(line) }
      last[line, default: [:]][curve.key.scorer] = curve.points.last
    }
    var table = TextTable(
      alignments: [.left, .left, .right, .left] + scorers.map { _ in .right } + [.right],
      header: ["means at", "layers", "amount", "layer"] + scorers + ["by chance"])
    for line in order {
      let points = last[line] ?? [:]
      table.append(
        [line.place, line.layers, line.amount.description, line.group]
          + scorers.map { points[$0].map { Format.fixed($0.fraction, 3) } ?? "–" }
          + [Format.fixed(points.first?.value.expected ?? 0, 3)])
    }
    return table.text
  }

  private var histogramTable: String {
    // Two bins make a decade; the table shows decades.
    let decades = (0..<max((squaredActivationEdges.count - 1) / 2, 0)).map { squaredActivationEdges[2 * $0] }
    var table = TextTable(
      alignments: [.left, .right] + decades.map { _ in .right }, header: ["scorer", "0"] + decades.map { "≥" + Format.significant($0, 1) })
    for histogram in squaredActivations {
      let cells = decades.indices.map { Format.count(histogram.counts[2 * $0] + histogram.counts[2 * $0 + 1]) }
      table.append([histogram.scorer, Format.count(histogram.zeros)] + cells)
    }
    return table.text
  }

  /// `0.532 ± 0.021`; without digits after the point given, three significant ones.
  private static func words(_ value: Double, _ interval: Interval?, _ digits: Int?) -> String {
    func number(_ value: Double) -> String { digits.map { Format.fixed(value, $0) } ?? Format.significant(value, 3) }
    guard let interval else { return number(value) }
    return "\(number(value)) ± \(number(interval.halfWidth))"
  }
}
