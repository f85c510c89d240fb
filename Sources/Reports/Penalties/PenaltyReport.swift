public import Results
internal import Words

/// What pruning penalties have to say: those of a model's probe, or of trainings that were probed (Mean Replacement Pruning, 2019).
public struct PenaltyReport: ReportDocument {
  /// Name of the probe, the page's title.
  public let name: String
  /// The analyses of the penalties.
  public let analysis: PenaltyAnalysis
  let rows: [PenaltyRow]

  /// Creates the report of penalties.
  ///
  /// - Parameters:
  ///   - rows: the penalties.
  ///   - choices: which units were chosen; empty if that is not known.
  /// - Throws: ``ReportError`` if there are no penalties.
  public init(_ name: String, rows: [PenaltyRow], choices: [UnitChoice] = []) throws(ReportError) {
    guard !rows.isEmpty else { throw ReportError("\(name.inLine) holds no penalties: there is nothing to report") }
    (self.name, self.rows) = (name, rows)
    analysis = PenaltyAnalysis(rows: rows, choices: choices)
  }

  /// The figures: with against without mean replacement, profiles, and penalties in the course of training.
  public var charts: [ReportChart] {
    analysis.parts.enumerated().flatMap { number, part in
      [PenaltyChart.scatter(part, rows, suffix(part), number), PenaltyChart.profile(part, suffix(part), number)].compactMap(\.self)
    } + PenaltyChart.courses(analysis)
  }

  private func suffix(_ part: PenaltyAnalysis.Part) -> String {
    let places = Set(analysis.parts.map(\.meanAt)).count > 1 ? ["means at \(part.meanAt.inLine)"] : []
    let steps = part.retrainSteps > 0 ? ["\(English.count(part.retrainSteps, "step")) of retraining"] : []
    let words = (places + steps).joined(separator: ", ")
    return words.isEmpty ? "" : " (\(words))"
  }

  /// Returns the page with figures that were drawn before.
  public func html(_ rendered: RenderedCharts) -> String {
    let figures = PageFigures(charts: charts, rendered: rendered)
    return Page.document(
      title: name,
      about: "What it costs to remove units: the loss after minus the loss before, by several scorers, without and with their "
        + "means moved into the biases of the layers after them.",
      parts: [
        PagePart(id: "summary", title: "In short", content: points.html + figures.note),
        PagePart(
          id: "replacement", title: "Mean replacement", content: figures.html(.replacement) + comparisons.map { $0.html() }.joined()),
        PagePart(id: "profiles", title: "Scorers", content: figures.html(.profiles) + profiles.map { $0.html() }.joined()),
        PagePart(id: "courses", title: "In the course of training", content: figures.html(.courses)),
        PagePart(id: "choices", title: "Choices", content: (overlaps.map { $0.html() } ?? "")),
      ], runtime: figures.runtime)
  }

  /// Returns the tables for papers as Markdown.
  public func markdown() throws(ReportError) -> String {
    let summary = points.map { "- \(Markdown.escaped($0.lead + " " + $0.words))\n" }.joined()
    return "# \(Markdown.escaped(name))\n\n" + summary + tables.map { "\n" + $0.markdown }.joined()
  }

  /// Returns the tables for papers as LaTeX, for the package `booktabs`.
  public func latex() throws(ReportError) -> String { "% \\usepackage{booktabs}\n" + tables.map { "\n" + $0.latex }.joined() }

  private var tables: [ReportTable] { comparisons + profiles + [overlaps].compactMap(\.self) }

  // MARK: - Words

  private var points: [Summary.Point] {
    let seeds = analysis.seeds.count
    let intervals = seeds > 1 ? " Intervals are of \(Format.percent(analysis.level, digits: 0)) over seeds." : " One seed has no intervals."
    var points = [
      Summary.Point(
        lead: "Measured.", words: "\(English.count(analysis.rows, "penalty")) of \(English.count(seeds, "seed")).\(intervals)")
    ]
    for part in analysis.parts {
      if let all = part.comparisons.first(where: { $0.grouping == .overall }) {
        let lead =
          all.share > 0.5 ? "helps in most cases" : all.share < 0.5 ? "helps in fewer than half of the cases" : "helps in half of the cases"
        points.append(
          .init(
            lead: "Mean replacement\(suffix(part)).",
            words:
              "It \(lead): it lowers the penalty in \(Format.percent(all.share, digits: 1)) of \(English.count(all.count, "choice")), by "
              + "\(Format.significant(-all.medianDifference, 3)) nats in the median."))
      }
      if let best = part.profile.lines.first, part.profile.count > 0 {
        points.append(
          .init(
            lead: "Closest to the best\(suffix(part)).",
            words: "\(best.variant.inLine): area \(Format.fixed(best.area, 3)) under its profile over "
              + "\(English.count(part.profile.count, "measurement")), the least penalty of all in "
              + "\(Format.percent(best.values.last ?? 0, digits: 0)) of them."))
      }
    }
    return points
  }

  // MARK: - Tables

  private func words(_ value: Double, _ interval: Interval?, _ number: (Double) -> String) -> String {
    number(value) + (interval.map { " ± \(number($0.halfWidth))" } ?? "")
  }

  private var comparisons: [ReportTable] {
    analysis.parts.enumerated().compactMap { number, part in
      let shown = part.comparisons.filter { $0.grouping != .cell }
      guard !shown.isEmpty else { return nil }
      var table = ReportTable(
        id: "replacement-table-\(number + 1)",
        caption:
          "With mean replacement against without\(suffix(part)): the share of choices whose penalty it lowers, and the median of the "
          + "difference, in nats; below 0 it helps.",
        columns: [
          .init(title: "by", isNumber: false), .init(title: "group", isNumber: false), .init(title: "choices"), .init(title: "lowered"),
          .init(title: "median difference"),
        ])
      for group in shown {
        table.rows.append([
          .init(group.grouping == .overall ? "all" : group.grouping.rawValue), .init(group.grouping == .overall ? "" : group.name),
          .init(Format.count(group.count), Double(group.count)),
          .init(words(group.share, group.shareInterval) { Format.percent($0, digits: 1) }, group.share),
          .init(words(group.medianDifference, group.differenceInterval) { Format.significant($0, 3) }, group.medianDifference),
        ])
      }
      return table
    }
  }

  private var profiles: [ReportTable] {
    analysis.parts.enumerated().compactMap { number, part in
      guard part.profile.count > 0 else { return nil }
      var table = ReportTable(
        id: "profile-table-\(number + 1)",
        caption:
          "How close each scorer comes to the best of each measurement\(suffix(part)): the area under its profile, 1 for one that is always "
          + "best, and how often it is.",
        columns: [.init(title: "variant", isNumber: false), .init(title: "area"), .init(title: "best")])
      for (place, line) in part.profile.lines.enumerated() {
        let best = line.values.last ?? 0
        table.rows.append([
          .init(line.variant), .init(Format.fixed(line.area, 3), line.area, tone: place == 0 ? .best : nil),
          .init(Format.percent(best, digits: 1), best),
        ])
      }
      return table
    }
  }

  private var overlaps: ReportTable? {
    guard !analysis.overlaps.isEmpty else { return nil }
    var table = ReportTable(
      id: "overlaps", caption: "How far two scorers choose the same units: |A ∩ B| / |A ∪ B| (Jaccard), the mean over probes.",
      columns: [.init(title: "scorer", isNumber: false), .init(title: "scorer", isNumber: false), .init(title: "overlap")])
    for overlap in analysis.overlaps {
      table.rows.append([
        .init(overlap.first), .init(overlap.second),
        .init(words(overlap.mean, overlap.interval) { Format.fixed($0, 3) }, overlap.mean, shade: overlap.mean),
      ])
    }
    return table
  }
}
