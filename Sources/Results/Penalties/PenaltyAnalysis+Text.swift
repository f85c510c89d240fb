internal import Words

extension PenaltyAnalysis {
  /// The analyses as tables for a terminal.
  public var text: String {
    var blocks = [
      "\(Format.count(rows)) penalties of \(seeds.count) seed\(seeds.count == 1 ? "" : "s"); intervals of \(Format.percent(level, digits: 0)) over seeds"
    ]
    for part in parts {
      let retraining = part.retrainSteps == 0 ? "" : ", after \(Format.count(part.retrainSteps)) steps of retraining"
      blocks.append("With mean replacement against without (means at \(part.meanAt.inLine))\(retraining)\n" + Self.table(part.comparisons))
      if part.profile.count > 0 {
        var table = TextTable(alignments: [.left, .right, .right], header: ["variant", "area", "best"])
        for line in part.profile.lines {
          table.append([line.variant, Format.fixed(line.area, 3), Format.percent(line.values.last ?? 0, digits: 0)])
        }
        blocks.append(
          "Performance profile over \(Format.count(part.profile.count)) measurement\(part.profile.count == 1 ? "" : "s")\(retraining)\n"
            + table.text)
      }
    }
    let curves = curveTable
    if !curves.isEmpty { blocks.append("Penalties against steps\n" + curves) }
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
    for comparison in comparisons where comparison.grouping != .cell {
      table.append([
        comparison.grouping == last ? "" : comparison.grouping.rawValue, comparison.name, Format.count(comparison.count),
        words(comparison.share, comparison.shareInterval, 3), words(comparison.medianDifference, comparison.differenceInterval, nil),
      ])
      last = comparison.grouping
    }
    return table.text
  }

  /// The curves at four of their steps: the first, the last, and two in between.
  private var curveTable: String {
    let steps = Set(curves.flatMap { $0.points.map(\.step) }).sorted()
    guard let last = steps.indices.last else { return "" }
    let shown = Set([0, last / 3, 2 * last / 3, last]).sorted().map { steps[$0] }
    var table = TextTable(
      alignments: [.left, .left, .right, .right, .left] + shown.map { _ in .right },
      header: ["means at", "layers", "amount", "retrained", "variant"] + shown.map { "step \(Format.count($0))" })
    for curve in curves {
      let key = curve.key
      table.append(
        [key.meanAt, key.layers, key.amount.description, Format.count(key.retrainSteps), key.scorer + (key.propagated ? " + mean" : "")]
          + shown.map { step in curve.points.first { $0.step == step }.map { Self.words($0.mean, $0.interval, nil) } ?? "–" })
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

  /// Returns `0.532 ± 0.021`; to three significant digits if `digits` is nil.
  private static func words(_ value: Double, _ interval: Interval?, _ digits: Int?) -> String {
    func number(_ value: Double) -> String { digits.map { Format.fixed(value, $0) } ?? Format.significant(value, 3) }
    guard let interval else { return number(value) }
    return "\(number(value)) ± \(number(interval.halfWidth))"
  }
}
