internal import Foundation
internal import Results

/// The page of a report: HTML that opens without a network and without anything beside it.
struct Page {
  let report: Report
  let rendered: RenderedCharts
  private let charts: [ReportChart]

  init(report: Report, rendered: RenderedCharts) {
    (self.report, self.rendered) = (report, rendered)
    charts = report.charts
  }

  /// A part with a heading of its own.
  private struct Part {
    var id: String
    var title: String
    var content: String
  }

  /// Nothing is loaded from anywhere, whatever a name in the page tries. Vega compiles its expressions, which counts as `eval`.
  private static let policy =
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    + "base-uri 'none'; form-action 'none'"

  var text: String {
    let study = report.study
    let parts = parts.filter { !$0.content.isEmpty }
    let contents = parts.map { "<li><a href=\"#\($0.id)\">\(HTML.escaped($0.title))</a></li>" }.joined()
    let scale = study.scale.map { "<p class=\"scale\">Scale: <strong>\(HTML.escaped($0))</strong></p>\n" } ?? ""
    let about = study.about.isEmpty ? "" : "<p class=\"about\">\(HTML.escaped(study.about))</p>\n"
    let body = parts.map { part in
      "<section id=\"\(part.id)\" aria-labelledby=\"title-\(part.id)\">\n<h2 id=\"title-\(part.id)\">\(HTML.escaped(part.title))</h2>\n"
        + part.content + "</section>\n"
    }.joined()
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="\(Self.policy)">
      <meta name="color-scheme" content="light dark">
      <meta name="generator" content="espalier">
      <title>\(HTML.escaped(study.name)) – report</title>
      <style>
      \(String(decoding: PackageResources.page_css, as: UTF8.self))</style>
      </head>
      <body>
      <a class="skip" href="#main">Skip to the summary</a>
      <header>
      <h1>\(HTML.escaped(study.name))</h1>
      \(about)\(scale)<nav aria-label="Contents"><ul>\(contents)</ul></nav>
      </header>
      <main id="main">
      \(body)</main>
      \(scripts)</body>
      </html>

      """
  }

  private var parts: [Part] {
    let (study, grid) = (report.study, report.grid)
    let panels = grid.panels
    return [
      Part(id: "summary", title: "In short", content: summary + (charts.isEmpty ? "" : note)),
      Part(
        id: "accuracies", title: "Accuracy",
        content: panels.map { $0.accuracyTable.html() }.joined() + figures(.accuracy)),
      Part(id: "costs", title: "Size and cost", content: panels.map { $0.costTable.html() }.joined()),
      Part(id: "claim-list", title: "Claims", content: study.claims.isEmpty ? "" : ReportTable.claims(study.claims).html()),
      Part(id: "training", title: "Training", content: figures(.curves)),
      Part(id: "layers", title: "Layers", content: figures(.layers)),
      Part(
        id: "forgetting", title: "Forgetting",
        content: panels.flatMap(\.forgettingTables).map { $0.html(isSortable: false) }.joined()),
      Part(id: "rows", title: "Runs", content: grid.hasFinished ? ReportTable.runs(study).html() + rows : ""),
      Part(
        id: "open", title: "Without a result",
        content: study.runs.allSatisfy { $0.row != nil } ? "" : ReportTable.unfinished(study).html()),
      Part(
        id: "surroundings", title: "Environment",
        content: grid.hasFinished ? ReportTable.environment(study.runs.compactMap(\.row)).html(isSortable: false) : ""),
      Part(
        id: "recipe", title: "Recipe",
        content: study.recipe.isEmpty
          ? ""
          : "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Recipe\"><pre>"
            + "\(HTML.escaped(study.recipe, keepsLines: true))"
            + "</pre></div>\n"),
    ]
  }

  private var summary: String {
    let points = Summary(study: report.study, grid: report.grid).points.map { point in
      "<li><strong>\(HTML.escaped(point.lead))</strong> \(HTML.escaped(point.words))</li>\n"
    }
    let reading =
      report.grid.rows.count < 2
      ? ""
      : "<p class=\"reading\">Accuracy is that on the test set at the end of training. Intervals are 95 % Student t intervals over "
        + "seeds; two "
        + "methods are compared by their differences on the same seeds. The best is picked after looking, and no interval is corrected for "
        + "the number of comparisons, so take a narrow lead with care.</p>\n"
    return "<ul class=\"summary\">\n\(points.joined())</ul>\n" + reading
  }

  /// How to get figures, where there are none.
  private var note: String {
    guard rendered.runtime == nil else { return "" }
    return
      "<p class=\"note\" role=\"note\">\(HTML.escaped((rendered.problem ?? "this page was made without charts").capitalisedFirst)). "
      + "The numbers of each chart are below.</p>\n"
  }

  private func figures(_ section: ReportChart.Section) -> String {
    let own = charts.filter { $0.section == section }
    guard !own.isEmpty else { return "" }
    return "<div class=\"charts\(section == .accuracy ? "" : " small")\">\n" + own.map(figure).joined() + "</div>\n"
  }

  private func figure(_ chart: ReportChart) -> String {
    let name = "title-\(chart.id)"
    let still = rendered.svg[chart.id].map { svg in
      "<img class=\"still\" src=\"\(HTML.image(svg: svg))\" alt=\""
        + "\(HTML.escaped("\(chart.title). \(chart.caption) The table below has the numbers."))\">\n"
    }
    let live =
      rendered.runtime == nil ? "" : "<div class=\"live\" data-chart=\"\(chart.id)\" role=\"img\" aria-labelledby=\"\(name)\"></div>\n"
    let data = rendered.runtime == nil ? "" : "<script type=\"application/json\">\(HTML.script(chart.specification))</script>\n"
    return "<figure id=\"\(chart.id)\">\n<figcaption><h3 id=\"\(name)\">\(HTML.escaped(chart.title))</h3>"
      + "<p>\(HTML.escaped(chart.caption))</p></figcaption>\n" + live + (still ?? "")
      + "<details><summary>The numbers<span class=\"hidden\"> of \(HTML.escaped(chart.title))</span></summary>\n"
      + "\(chart.table.html())</details>\n"
      + data + "</figure>\n"
  }

  /// Each run as its command printed it.
  private var rows: String {
    let items = report.study.runs.compactMap { run -> String? in
      guard let row = run.row else { return nil }
      let place = report.study.axes.compactMap { axis in run.place[axis.name].map { "\(axis.name) \($0)" } }.joined(separator: ", ")
      let key = run.key.isEmpty ? "" : "run          \(run.key)\n"
      return "<details class=\"row\"><summary>\(HTML.escaped(place.isEmpty ? row.network : place))</summary>"
        + "<div class=\"scroll\" tabindex=\"0\"><pre>"
        + "\(HTML.escaped(key + row.text(showsLayers: true), keepsLines: true))</pre></div></details>\n"
    }
    return "<details class=\"all\"\(items.count == 1 ? " open" : "")><summary>Each run in full, as its command printed it</summary>\n"
      + items.joined() + "</details>\n"
  }

  private var scripts: String {
    let page = "<script type=\"module\">\n\(String(decoding: PackageResources.page_js, as: UTF8.self))</script>\n"
    guard let runtime = rendered.runtime, !charts.isEmpty else { return page }
    let themes: JSON = ["light": ChartStyle.configuration(dark: false), "dark": ChartStyle.configuration(dark: true)]
    return "<script type=\"application/json\" id=\"themes\">\(HTML.script(themes))</script>\n"
      + "<script type=\"module\">\(HTML.script(runtime))</script>\n" + page
  }
}
