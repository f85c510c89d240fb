import Foundation
@testable import Reports
import Results
import TestSupport
import Testing

@Suite struct PenaltyReportTests {
  /// Two seeds, steps 0, 100 and 200, two scorers. Without means `norm` costs 0.4, 0.6, 0.8 and `taylor` 0.2, 0.3, 0.4; with them `norm` costs
  /// half, and `taylor` 0.1 more. The second seed's are a tenth larger.
  static let rows: [PenaltyRow] = [1.0, 1.1].enumerated().flatMap { seed, factor in
    [0, 100, 200].enumerated().flatMap { place, step in
      [("norm", [0.4, 0.6, 0.8][place], [0.2, 0.3, 0.4][place]), ("taylor", [0.2, 0.3, 0.4][place], [0.3, 0.4, 0.5][place])].flatMap {
        scorer, without, with in
        [(false, without), (true, with)].map { propagated, penalty in
          PenaltyRow(
            seed: UInt64(seed), step: step, layers: "all", amount: .fraction(0.1), scorer: scorer, propagated: propagated, removed: 5,
            lossBefore: 1, lossAfter: 1 + penalty * factor)
        }
      }
    }
  }

  private func texts(_ table: ReportTable) -> [[String]] { table.rows.map { $0.map(\.text) } }

  @Test func figures() throws {
    let charts = try PenaltyReport("study", rows: Self.rows).charts
    #expect(charts.map(\.id) == ["scatter-1", "profile-1", "course-1"])
    // Medians of 0.4, 0.44, 0.6, 0.66, 0.8, 0.88 and of half of those; of 0.2 … 0.44 and 0.3 … 0.55.
    #expect(texts(charts[0].table) == [["norm", "6", "0.630", "0.315", "100.0 %"], ["taylor", "6", "0.315", "0.420", "0.0 %"]])
    // Each measurement: norm without is worst, norm with means and taylor without share the best, taylor with means is at a half, …
    #expect(charts[1].table.rows.map { $0[0].text } == ["norm + mean", "taylor", "taylor + mean", "norm"])
    #expect(charts[1].table.rows[0].map(\.text) == ["norm + mean", "100.0 %", "100.0 %", "100.0 %", "100.0 %", "100.0 %"])
    #expect(charts[2].title == "Penalty of removing all, 0.1" && charts[2].table.rows.count == 12)
    #expect(texts(charts[2].table)[0].prefix(3) == ["norm", "0", "2"] && texts(charts[2].table)[0][3].hasPrefix("0.420 ± "))
    #expect(charts[0].caption.contains("logarithmic, but linear around 0"))
  }

  @Test func tablesAndWords() throws {
    let report = try PenaltyReport("study", rows: Self.rows)
    let markdown = try report.markdown()
    #expect(markdown.hasPrefix("# study\n\n- Measured. 24 penalties of 2 seeds. Intervals are of 80 % over seeds.\n"))
    #expect(markdown.contains("- Mean replacement. It helps in half of the cases: it lowers the penalty in 50.0 % of 12 choices, by "))
    #expect(
      markdown.contains(
        "- Closest to the best. norm + mean: area 1.000 under its profile over 6 measurements, the least penalty of all in 100 % "))
    #expect(markdown.contains("| scorer | norm | 6 | 100.0 % ± 0.0 % |"))
    #expect(try report.latex().contains("\\label{tab:replacement-table-1}"))
    let page = report.html(RenderedCharts(problem: "no charts: none"))
    for part in ["summary", "replacement", "profiles", "courses"] { #expect(page.contains("<section id=\"\(part)\""), "\(part)") }
    #expect(page.contains("No charts: none.") && !page.contains("<section id=\"choices\""))
    let ids = page.components(separatedBy: " id=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
    #expect(Set(ids).count == ids.count)
  }

  /// Retraining and places are never pooled, and have figures of their own.
  @Test func partsHaveTheirNames() throws {
    var more = Self.rows
    for var row in Self.rows where row.step == 100 {
      row.retrainSteps = 1
      more.append(row)
      row.meanAt = "output"
      more.append(row)
    }
    let report = try PenaltyReport("study", rows: more)
    #expect(
      report.charts.map(\.title).filter { $0.hasPrefix("Performance") } == [
        "Performance profiles (means at consumer)", "Performance profiles (means at consumer, 1 step of retraining)",
        "Performance profiles (means at output, 1 step of retraining)",
      ])
    #expect(report.charts.map(\.id) == ["scatter-1", "profile-1", "scatter-2", "profile-2", "scatter-3", "profile-3", "course-1"])
  }

  @Test func nothingIsNoReport() {
    let error = #expect(throws: ReportError.self) { try PenaltyReport("a/b", rows: []) }
    #expect(error?.description == "a/b holds no penalties: there is nothing to report")
  }

  @Test(
    .enabled(if: Browser.program != nil, "needs a browser: apt-get install chromium"),
    .enabled(if: Browser.hasRenderer, "needs vl-convert-python: python3 -m pip install vl-convert-python"))
  func everyFigureIsDrawn() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/page.html"
      try PenaltyReport("study", rows: Self.rows).html(renderer: VegaRenderer()).write(toFile: path, atomically: true, encoding: .utf8)
      let (page, console) = try Browser.open(path, "--window-size=1280,900")
      #expect(console.isEmpty && page.contains("data-charts=\"3/3\""), "\(console)")
    }
  }
}
