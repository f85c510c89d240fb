internal import Foundation
public import Results
internal import Words

/// What a study, or a single run, has to say: one page for people, and tables and figures for papers.
///
/// Everything is computed from the ``StudyResult``, and equal results give equal bytes.
public struct Report: ReportDocument {
  /// The study that the report is about.
  public let study: StudyResult
  let grid: StudyGrid

  /// Creates the report of a study.
  ///
  /// - Throws: ``ReportError`` if the study has no runs at all.
  public init(_ study: StudyResult) throws(ReportError) {
    guard !study.runs.isEmpty else {
      throw ReportError("study \(study.name.inLine) has no runs: there is nothing to report")
    }
    self.study = study
    grid = StudyGrid(study)
  }

  /// Creates the report of a single run: a study of one.
  public init(_ row: RunRecord) {
    let name = row.network + (row.data.map { " on \($0.name)" } ?? "")
    let run = StudyRunResult(key: "", place: [:], state: .finished, command: row.command, row: row)
    study = StudyResult(name: name, axes: [], runs: [run], recipe: "")
    grid = StudyGrid(study)
  }

  /// The figures, in the page's order.
  public var charts: [ReportChart] { ReportChart.all(of: grid) }

  /// Returns the page with figures that were drawn before.
  public func html(_ rendered: RenderedCharts) -> String { Page(report: self, rendered: rendered).text }

  /// Returns the tables for papers as Markdown.
  ///
  /// - Throws: ``ReportError`` if no run has finished.
  public func markdown() throws(ReportError) -> String {
    let tables = try paperTables()
    let summary = Summary(study: study, grid: grid).points.map { "- \(Markdown.escaped($0.lead + " " + $0.words))\n" }.joined()
    return "# \(Markdown.escaped(study.name))\n\n" + summary + tables.map { "\n" + $0.markdown }.joined()
  }

  /// Returns the tables for papers as LaTeX, for the package `booktabs`.
  ///
  /// - Throws: ``ReportError`` if no run has finished.
  public func latex() throws(ReportError) -> String {
    "% \\usepackage{booktabs}\n" + (try paperTables()).map { "\n" + $0.latex }.joined()
  }

  private func paperTables() throws(ReportError) -> [ReportTable] {
    guard grid.hasFinished else { throw ReportError(nothingFinished) }
    return grid.panels.map(\.accuracyTable) + grid.panels.map(\.costTable)
      + (study.claims.isEmpty ? [] : [ReportTable.claims(study.claims)])
  }

  /// Says that no run has finished, with how many wait or failed.
  var nothingFinished: String {
    let states = RunStates(study.runs)
    return "none of the \(English.count(study.runs.count, "run")) of study \(study.name.inLine) has finished: \(states.unfinishedWords)"
  }
}

/// A report that cannot be made; its description is one line.
public struct ReportError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The reason, naming the study.
  public let description: String
  /// Creates an error with the given description.
  public init(_ description: String) { self.description = description }
}
