internal import Foundation
internal import Results

/// The page of a report: HTML that opens without a network and without anything beside it.
struct Page {
  let report: Report
  /// The study's version for a page that a server keeps up to date; nil for one that stays as it is.
  let version: String?
  private let figures: PageFigures

  init(report: Report, rendered: RenderedCharts, version: String? = nil) {
    (self.report, self.version) = (report, version)
    figures = PageFigures(charts: report.charts, rendered: rendered)
  }

  /// Nothing is loaded from anywhere, whatever a name in the page tries. Vega compiles its expressions, which counts as `eval`.
  static let policy =
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    + "base-uri 'none'; form-action 'none'"

  var text: String {
    let study = report.study
    return Self.document(
      title: study.name, about: study.about, scale: study.scale, parts: parts, runtime: figures.runtime, version: version)
  }

  /// Returns the document with these parts, but for empty ones.
  ///
  /// - Parameter version: the study's version for a page that a server keeps up to date; nil for one that stays as it is.
  static func document(
    title: String, about: String = "", scale: String? = nil, parts: [PagePart], runtime: String = "", version: String? = nil
  ) -> String {
    let parts = parts.filter { !$0.content.isEmpty }
    let contents = parts.map { "<li><a href=\"#\($0.id)\">\(HTML.escaped($0.title))</a></li>" }.joined()
    let scale = scale.map { "<p class=\"scale\">Scale: <strong>\(HTML.escaped($0))</strong></p>\n" } ?? ""
    let about = about.isEmpty ? "" : "<p class=\"about\">\(HTML.escaped(about))</p>\n"
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    let isLive = version != nil
    return """
      <!DOCTYPE html>
      <html lang="en"\(version.map { " data-version=\"\(HTML.escaped($0))\"" } ?? "")>
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="\(policy)\(isLive ? "; connect-src 'self'" : "")">
      <meta name="color-scheme" content="light dark">
      <meta name="generator" content="espalier">
      \(isLive ? "<link rel=\"icon\" href=\"data:,\">\n" : "")<title>\(HTML.escaped(title)) – report</title>
      <style>
      \(text(PackageResources.page_css))</style>
      </head>
      <body>
      <a class="skip" href="#main">Skip to the summary</a>
      \(isLive ? "<p id=\"state\" class=\"state\" role=\"status\" hidden></p>\n" : "")<header>
      <h1>\(HTML.escaped(title))</h1>
      \(about)\(scale)<nav aria-label="Contents"><ul>\(contents)</ul></nav>
      </header>
      <main id="main">
      \(parts.map(\.section).joined())</main>
      \(runtime)<script type="module">
      \(text(PackageResources.page_js))\(isLive ? text(PackageResources.live_js) : "")</script>
      </body>
      </html>

      """
  }

  private var parts: [PagePart] {
    let (study, grid) = (report.study, report.grid)
    let panels = grid.panels
    return [
      PagePart(id: "summary", title: "In short", content: summary + figures.note),
      PagePart(
        id: "accuracies", title: "Accuracy",
        content: panels.map { $0.accuracyTable.html() }.joined() + figures.html(.accuracy)),
      PagePart(id: "costs", title: "Size and cost", content: panels.map { $0.costTable.html() }.joined()),
      PagePart(id: "claim-list", title: "Claims", content: study.claims.isEmpty ? "" : ReportTable.claims(study.claims).html()),
      PagePart(id: "training", title: "Training", content: figures.html(.curves)),
      PagePart(id: "layers", title: "Layers", content: figures.html(.layers)),
      PagePart(id: "inputs", title: "Inputs", content: pictures),
      PagePart(
        id: "forgetting", title: "Forgetting",
        content: panels.flatMap(\.forgettingTables).map { $0.html(isSortable: false) }.joined()),
      PagePart(id: "rows", title: "Runs", content: grid.hasFinished ? ReportTable.runs(study).html() + rows : ""),
      PagePart(
        id: "open", title: "Without a result",
        content: study.runs.allSatisfy { $0.row != nil } ? "" : ReportTable.unfinished(study).html()),
      PagePart(
        id: "surroundings", title: "Environment",
        content: grid.hasFinished ? ReportTable.environment(study.runs.compactMap(\.row)).html(isSortable: false) : ""),
      PagePart(
        id: "recipe", title: "Recipe",
        content: study.recipe.isEmpty
          ? ""
          : "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Recipe\"><pre>"
            + "\(HTML.escaped(study.recipe, keepsLines: true))"
            + "</pre></div>\n"),
    ]
  }

  private var summary: String {
    let reading =
      report.grid.rows.count < 2
      ? ""
      : "<p class=\"reading\">Accuracy is that on the test set at the end of training. Intervals are 95 % Student t intervals over "
        + "seeds; two "
        + "methods are compared by their differences on the same seeds. The best is picked after looking, and no interval is corrected for "
        + "the number of comparisons, so take a narrow lead with care.</p>\n"
    return Summary(study: report.study, grid: report.grid).points.html + reading
  }

  /// What the first layers still read.
  private var pictures: String {
    let all = report.grid.panels.flatMap(\.inputPictures)
    guard !all.isEmpty else { return "" }
    return
      "<p class=\"caption\">What the first layer still reads of the images: each square is a pixel, the stronger, the more weights read it, "
      + "means over seeds, channels together. The scale is each picture's own.</p>\n<div class=\"pictures\">\n"
      + all.map(\.html).joined() + "</div>\n"
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
}
