import Foundation
@testable import Reports
import Results
import Testing

/// Draws nothing, in a way that can be recognised.
struct StandInRenderer: ChartRenderer {
  var runtime = "window.vegaEmbed = () => {};"
  func render(_ charts: [ReportChart], pictures: Set<RenderedCharts.Picture>) -> RenderedCharts {
    let svg = charts.map { ($0.id, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>") }
    return RenderedCharts(problem: nil, runtime: runtime, svg: Dictionary(svg, uniquingKeysWith: { first, _ in first }))
  }
}

@Suite struct PageTests {
  private func count(_ text: String, in page: String) -> Int { page.components(separatedBy: text).count - 1 }

  @Test func allThatTheStudyKnowsIsThere() throws {
    let page = try Report(Fixtures.benchmark).html(renderer: StandInRenderer())
    for part in [
      "summary", "accuracies", "costs", "claim-list", "training", "layers", "rows", "open", "surroundings", "recipe",
    ] {
      #expect(count("<section id=\"\(part)\"", in: page) == 1, "\(part)")
      #expect(count("<a href=\"#\(part)\">", in: page) == 1, "\(part)")
    }
    #expect(!page.contains("<section id=\"forgetting\""))
    #expect(page.contains("<td class=\"n best\" data-v=\"0.9821\">98.21 % ± 0.14</td>"))
    #expect(page.contains("<td class=\"bad\">failed</td><td class=\"wide\">layer fc2 would keep no unit</td>"))
    #expect(page.contains("<td class=\"good\">holds</td>"))
    #expect(page.contains("\nmethods: [magnitude, snip, rigl, unit-taylor]\n"))
    #expect(page.contains("sparsity     asked 80.000 %, achieved 80.000 % (212,960 of 266,200 weights, 53,240 left)"))
    #expect(
      try Report(Fixtures.sequence).html(renderer: nil).contains(
        "<td class=\"n shade\" data-v=\"0.49\" style=\"--s:0.490\">49.00 % ± 12.71</td>"))
  }

  @Test func figures() throws {
    let report = try Report(Fixtures.benchmark)
    #expect(
      report.charts.map(\.id) == [
        "accuracy-density", "accuracy-macs", "accuracy-nonzero-macs", "accuracy-latency", "accuracy-training-seconds",
        "accuracy-training-steps", "curves-0-2", "curves-0-05", "curves-0-01", "layers-0-2", "layers-0-05", "layers-0-01",
      ])
    #expect(
      report.charts[0].table.rows[5].map(\.text) == ["snip", "0.01", "2", "0.92 ± 0.050 %", "90.78 % ± 3.49"])
    #expect(report.charts[8].table.rows.last?.map(\.text) == ["unit-taylor", "2", "9,996", "1", "80.47 %"])
    #expect(report.charts[9].table.rows[3].map(\.text) == ["snip", "fc1", "32,935", "235,200", "14.00 % ± 0.01"])
    let page = try report.html(renderer: StandInRenderer())
    #expect(count("<figure ", in: page) == 12 && count("class=\"live\"", in: page) == 12 && count("class=\"still\"", in: page) == 12)
    #expect(count("<summary>The numbers<", in: page) == 12 && !page.contains("class=\"note\""))
  }

  /// Two figures whose places differ only in what identifiers leave out have two names.
  @Test func figuresHaveNamesOfTheirOwn() throws {
    var study = Fixtures.benchmark
    study.axes[1].values = ["a+", "a-", "a"]
    for index in study.runs.indices {
      let level = Fixtures.densities.firstIndex(of: study.runs[index].place["density"] ?? "") ?? 0
      study.runs[index].place["density"] = study.axes[1].values[level]
    }
    let names = try Report(study).charts.map(\.id)
    #expect(Set(names).count == names.count && names.contains("curves-a-3"), "\(names)")
  }

  /// Without a renderer everything is there but the pictures, and one line says how to get them.
  @Test func withoutARendererTheNumbersStay() throws {
    let report = try Report(Fixtures.benchmark)
    let page = report.html(RenderedCharts(problem: "no charts: none & nothing"))
    #expect(count("<figure ", in: page) == 12 && !page.contains("class=\"still\"") && !page.contains("class=\"live\""))
    #expect(
      page.contains("<p class=\"note\" role=\"note\">No charts: none &amp; nothing. The numbers of each chart are below.</p>"))
    #expect(count("<script", in: page) == 1)
  }

  @Test func nothingIsTakenForMarkup() throws {
    let hostile = "</script><b onload='x'>\"&{{\u{202E}"
    var study = Fixtures.sequence
    (study.name, study.about, study.scale, study.recipe) = (hostile, hostile, hostile, hostile)
    study.axes = [
      StudyAxis(name: hostile, values: [hostile]), StudyAxis(name: "density", values: [hostile]),
      StudyAxis(name: "seed", values: [hostile]),
    ]
    study.claims = [
      ClaimResult(
        id: hostile, statement: hostile, source: hostile, measure: hostile, unit: hostile, verdict: .holds, setting: hostile,
        evidence: hostile)
    ]
    for index in study.runs.indices {
      study.runs[index].place = [hostile: hostile, "density": hostile, "seed": hostile]
      study.runs[index].key = hostile
      study.runs[index].row?.network = hostile
      study.runs[index].row?.method = hostile
      study.runs[index].row?.command = [hostile, hostile]
      study.runs[index].row?.notes = [RunNote(subject: hostile, words: hostile)]
      study.runs[index].row?.data?.name = hostile
      study.runs[index].row?.machine.processor = hostile
      study.runs[index].row?.layers?[0].layer = hostile
      study.runs[index].row?.sequence?.datasets[0].name = hostile
      study.runs[index].row?.sequence?.things = hostile
    }
    study.runs.append(StudyRunResult(key: hostile, place: study.runs[0].place, state: .failed, failure: hostile, command: [hostile]))
    let report = try Report(study)
    let page = try report.html(renderer: StandInRenderer(runtime: "const a = '</script><p>'; // <!-- </SCRIPT>"))
    #expect(count("<b", in: page) == 1 && page.contains("<body>"))
    let isInvisible = page.contains("\u{202E}")
    #expect(!isInvisible)
    // Each script that is opened is closed, and no other.
    let charts = report.charts.count
    #expect(charts == 2 && count("<script", in: page) == charts + 3 && count("</script", in: page.lowercased()) == charts + 3)
    #expect(page.contains("const a = '<\\/script>") && page.contains("&lt;/script&gt;&lt;b onload=&#39;x&#39;&gt;&quot;&amp;{{"))
    let ids = page.components(separatedBy: " id=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
    #expect(Set(ids).count == ids.count)
    let (markdown, latex) = (try report.markdown(), try report.latex())
    #expect(!markdown.contains("<b") && !latex.contains("{{"))
  }

  /// No time of day, no random name, no order of a dictionary.
  @Test func equalStudiesGiveEqualBytes() throws {
    let pages = try (0..<5).map { _ in try Report(Fixtures.benchmark).html(renderer: StandInRenderer()) }
    #expect(Set(pages).count == 1)
    let copy = try JSONDecoder().decode(StudyResult.self, from: JSONEncoder().encode(Fixtures.benchmark))
    #expect(try Report(copy).html(renderer: StandInRenderer()) == pages[0])
  }

  @Test func nothingIsLoaded() throws {
    let page = try Report(Fixtures.benchmark).html(renderer: StandInRenderer())
    #expect(
      page.contains("content=\"default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:"))
    #expect(!page.contains(" src=\"http") && !page.contains("<link") && !page.contains("@import") && !page.contains("url("))
  }

  @Test func aStudyWithoutRuns() {
    let error = #expect(throws: ReportError.self) { try Report(StudyResult(name: "empty", axes: [], runs: [], recipe: "")) }
    #expect(error?.description == "study empty has no runs: there is nothing to report")
  }

  @Test func aStudyWithoutAResult() throws {
    var study = Fixtures.benchmark
    study.runs = study.runs.filter { $0.row == nil }
    let report = try Report(study)
    let page = try report.html(renderer: StandInRenderer())
    #expect(page.contains("<strong>No result yet.</strong> None of them has finished, so there is nothing to compare"))
    #expect(page.contains("layer fc2 would keep no unit") && !page.contains("<figure") && count("<section ", in: page) == 4)
    let error = #expect(throws: ReportError.self) { try report.markdown() }
    #expect(error?.description == "none of the 3 runs of study unified-benchmark has finished: 2 failed and 1 waiting")
    #expect(throws: ReportError.self) { try report.latex() }
  }
}
