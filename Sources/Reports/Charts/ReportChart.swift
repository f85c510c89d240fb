/// A figure: a specification for Vega-Lite with its data, and the same numbers as a table.
public struct ReportChart: Hashable, Sendable {
  /// Name in file names and links.
  public var id: String
  /// The heading above it.
  public var title: String
  /// What it shows and how to read it, in a sentence or two.
  public var caption: String
  /// The Vega-Lite specification, data inline.
  public var specification: JSON
  /// The numbers behind it.
  public var table: ReportTable
  /// The part of the page that it belongs to.
  var section: Section

  /// The parts of a page that have figures.
  enum Section: Hashable, Sendable { case accuracy, curves, layers, replacement, profiles, courses }

  /// All figures of a study, in the page's order.
  static func all(of grid: StudyGrid) -> [ReportChart] {
    var charts: [ReportChart] = []
    for panel in grid.panels {
      charts += panel.accuracyCharts
      charts += panel.curveCharts
      charts += panel.layerCharts
    }
    // Names that differ only in what identifiers leave out would share a file.
    var known: [String: Int] = [:]
    for index in charts.indices {
      let count = known[charts[index].id, default: 0] + 1
      known[charts[index].id] = count
      if count > 1 { charts[index].id += "-\(count)" }
    }
    return charts
  }
}

/// What all figures look like.
enum ChartStyle {
  /// Colours that people with colour-blindness tell apart (after Okabe & Ito 2008), chosen to be seen on white and on black.
  static let colours = ["#1f7fc4", "#d55e00", "#009e73", "#c65fa3", "#d99a00", "#4fb3e3", "#8c6bd1", "#8a8f98"]
  static let shapes = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
  static let dashes: [JSON] = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]

  /// What a series looks like is a matter of its place: colours repeat only with another shape and another dash.
  static func scales(_ series: [String]) -> (colour: JSON, shape: JSON, dash: JSON) {
    func scale(_ range: [JSON]) -> JSON { ["domain": .list(series.map { .string($0) }), "range": .list(range)] }
    let places = series.indices
    return (
      scale(places.map { .string(colours[$0 % colours.count]) }),
      scale(places.map { .string(shapes[($0 + $0 / colours.count) % shapes.count]) }),
      scale(places.map { dashes[$0 / colours.count % dashes.count] })
    )
  }

  /// The configuration for light or dark backgrounds.
  static func configuration(dark: Bool, columns: Int = 3) -> JSON {
    let (text, quiet, grid): (JSON, JSON, JSON) = dark ? ("#e8eaee", "#a6adb8", "#343a44") : ("#1d2127", "#59616d", "#e3e6eb")
    let font: JSON = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
    return [
      "background": dark ? .null : "#ffffff", "font": font, "aria": false,
      "view": ["stroke": .null],
      "axis": [
        "labelColor": quiet, "titleColor": text, "gridColor": grid, "domainColor": quiet, "tickColor": quiet, "labelFontSize": 12,
        "titleFontSize": 12, "titleFontWeight": 600, "labelOverlap": "greedy", "titlePadding": 10, "labelLimit": 160,
      ],
      "legend": [
        "labelColor": text, "titleColor": quiet, "labelFontSize": 12, "titleFontSize": 12, "orient": "bottom",
        "columns": .number(Double(columns)),
        "labelLimit": 200, "symbolSize": 90, "symbolStrokeWidth": 2,
      ],
    ]
  }

  /// A specification of layers.
  static func layered(width: Int, height: Int, series: [String], values: [JSON], layers: [JSON]) -> JSON {
    // As the page's script does it for other widths.
    let columns = max(1, width / (7 * (series.map(\.count).max() ?? 0) + 36))
    return [
      "$schema": "https://vega.github.io/schema/vega-lite/v6.json", "width": .number(Double(width)), "height": .number(Double(height)),
      "autosize": ["type": "fit-x", "contains": "padding"], "config": configuration(dark: false, columns: columns),
      "data": ["values": .list(values)],
      "layer": .list(layers),
    ]
  }

  /// Opacity that leaves only what was picked in the legend.
  static func picked(_ value: Double) -> JSON { ["condition": ["param": "pick", "value": .number(value)], "value": 0.08] }

  /// The legend that all layers share: a channel that says otherwise, even nothing, would switch it off.
  static func legend(_ series: [String]) -> JSON { ["values": .list(series.map { .string($0) }), "symbolOpacity": 1] }

  /// The parameter of ``picked(_:)``.
  static let pick: JSON = [
    ["name": "pick", "select": ["type": "point", "fields": ["series"]], "bind": "legend"]
  ]
}
