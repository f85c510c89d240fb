/// A part of a page with a heading of its own.
struct PagePart {
  var id: String
  var title: String
  /// HTML; an empty part is left out.
  var content: String

  var section: String {
    "<section id=\"\(id)\" aria-labelledby=\"title-\(id)\">\n<h2 id=\"title-\(id)\">\(HTML.escaped(title))</h2>\n" + content
      + "</section>\n"
  }
}

extension [Summary.Point] {
  /// The sentences as a list.
  var html: String {
    let items = map { "<li><strong>\(HTML.escaped($0.lead))</strong> \(HTML.escaped($0.words))</li>\n" }
    return "<ul class=\"summary\">\n\(items.joined())</ul>\n"
  }
}

/// The figures of a page, as they were drawn.
struct PageFigures {
  let charts: [ReportChart]
  let rendered: RenderedCharts

  /// How to get figures, where there are none.
  var note: String {
    guard rendered.runtime == nil, !charts.isEmpty else { return "" }
    return
      "<p class=\"note\" role=\"note\">\(HTML.escaped((rendered.problem ?? "this page was made without charts").capitalisedFirst)). "
      + "The numbers of each chart are below.</p>\n"
  }

  /// The figures of a part of the page.
  func html(_ section: ReportChart.Section) -> String {
    let own = charts.filter { $0.section == section }
    guard !own.isEmpty else { return "" }
    return "<div class=\"charts\([.curves, .layers].contains(section) ? " small" : "")\">\n" + own.map(figure).joined() + "</div>\n"
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

  /// What draws charts, and in which colours.
  var runtime: String {
    guard let runtime = rendered.runtime, !charts.isEmpty else { return "" }
    let themes: JSON = ["light": ChartStyle.configuration(dark: false), "dark": ChartStyle.configuration(dark: true)]
    return "<script type=\"application/json\" id=\"themes\">\(HTML.script(themes))</script>\n"
      + "<script type=\"module\">\(HTML.script(runtime))</script>\n"
  }
}
