internal import ArgumentParser
internal import Files
internal import Reports
internal import Results
internal import Training

/// The languages of reports.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
  case html, markdown, latex

  /// The format that a file's ending names; nil if it names none.
  init?(_ path: String) {
    switch path.ending {
    case "html", "htm": self = .html
    case "md", "markdown": self = .markdown
    case "tex": self = .latex
    default: return nil
    }
  }

  /// Returns a report in this language.
  ///
  /// - Parameter charts: the charts for a page; nil for one without, and for tables.
  /// - Throws: `ReportError`.
  func text(of report: any ReportDocument, _ charts: RenderedCharts?) throws -> String {
    switch self {
    case .html: report.html(charts ?? RenderedCharts(problem: nil))
    case .markdown: try report.markdown()
    case .latex: try report.latex()
    }
  }
}

/// Where `--report` of a run goes: its row as JSON, or the report that `espalier report` makes of it.
struct RowReport {
  let path: String
  /// The language; nil for the row as JSON.
  let format: ReportFormat?

  /// Finds the language by the file's ending.
  ///
  /// - Throws: `PlanError` for an ending that names none, with which the file would not be what it says.
  init(_ path: String) throws {
    self.path = path
    format = ReportFormat(path)
    guard format != nil || path.ending.isEmpty || path.ending == "json" else {
      throw PlanError("--report \(path) ends in none of .json (the row), .html, .md and .tex")
    }
  }

  /// Writes the row, or a report of it.
  ///
  /// - Throws: as ``Console/write(_:to:)``; `Interrupted`.
  func write(_ row: RunRecord) throws {
    guard let format else { return try Console.write(row.json(), to: path) }
    let report = Report(row)
    let charts = format == .html ? try report.render(by: VegaRenderer()) : nil
    if let problem = charts?.problem { Console.note("espalier: \(problem)") }
    try Console.write(format.text(of: report, charts), to: path)
  }
}

extension String {
  /// What follows the last dot of the path's last part, in small letters; empty without one.
  fileprivate var ending: String {
    let name = lastName
    return name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() } ?? ""
  }
}
