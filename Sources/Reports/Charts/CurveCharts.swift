internal import Results

extension Panel {
  /// Validation accuracy in the course of training, a figure for each level.
  var curveCharts: [ReportChart] {
    let all = levels.map { level in
      (level: level, curves: cells.filter { $0.level == level }.map { Curve($0) }.filter { !$0.points.isEmpty })
    }
    let ends = all.flatMap { $0.curves.flatMap { $0.points.map(\.accuracy.mean) } }
    guard let least = ends.min(), let most = ends.max() else { return [] }
    return all.filter { !$0.curves.isEmpty }.map { level, curves in
      let place = level.isEmpty ? "" : " at \(levelWords(level))"
      let known = series.filter { name in curves.contains { $0.series == name } }
      var table = ReportTable(
        id: "table-curves\(level.isEmpty ? "" : "-" + level.identifier)\(identifier)",
        caption: "Validation accuracy in the course of training\(place)\(suffix): mean ± half of the 95 % interval.",
        columns: [
          .init(title: seriesName, isNumber: false), .init(title: "training"), .init(title: "step"), .init(title: "n"),
          .init(title: "validation accuracy"),
        ])
      var values: [JSON] = []
      for curve in curves {
        for point in curve.points {
          let accuracy = point.accuracy
          table.rows.append([
            .init(curve.series), .init(Format.count(point.training + 1), Double(point.training)),
            .init(Format.count(point.step), Double(point.step)), .init(Format.count(accuracy.count), Double(accuracy.count)),
            .init(accuracy.percent, accuracy.mean),
          ])
          values.append([
            "series": .string(curve.series), "training": .number(Double(point.training)), "step": .number(Double(point.step)),
            "y": .number(accuracy.mean * 100), "y0": .number((accuracy.lower ?? accuracy.mean) * 100),
            "y1": .number((accuracy.upper ?? accuracy.mean) * 100), "text": .string(accuracy.percent),
          ])
        }
      }
      return ReportChart(
        id: "curves\(level.isEmpty ? "" : "-" + level.identifier)\(identifier)", title: "Training curves\(place)\(suffix)",
        caption: "Validation accuracy, mean over seeds; bands are 95 % t intervals. A line ends where a training does."
          + (curves.contains(where: \.isThinned) ? " Only every few evaluations are drawn." : ""),
        specification: curveSpecification(values, known, from: least, to: most), table: table, section: .curves)
    }
  }

  private func curveSpecification(_ values: [JSON], _ known: [String], from least: Double, to most: Double) -> JSON {
    let scales = ChartStyle.scales(known.isEmpty ? [] : series)
    let x: JSON = [
      "field": "step", "type": "quantitative", "title": "training steps", "axis": ["grid": false, "format": ",d", "tickCount": 5],
    ]
    // The same axis for all levels, or they could not be compared.
    let y: JSON = [
      "field": "y", "type": "quantitative", "title": "validation accuracy (%)",
      "scale": ["zero": false, "domain": [.number(least * 100), .number(most * 100)], "nice": true, "clamp": true],
      "axis": ["tickCount": 5],
    ]
    let colour = channel(scales.colour, known)
    let detail: JSON = ["field": "training", "type": "nominal"]
    return ChartStyle.layered(
      width: 420, height: 240, series: known, values: values,
      layers: [
        [
          "mark": ["type": "area"],
          "encoding": [
            "x": x, "y": ["field": "y0", "type": "quantitative", "title": "validation accuracy (%)"], "y2": ["field": "y1"],
            "color": colour,
            "opacity": ["condition": ["param": "pick", "value": 0.16], "value": 0.02], "detail": detail,
          ],
        ],
        [
          "params": ChartStyle.pick, "mark": ["type": "line", "strokeWidth": 1.8],
          "encoding": [
            "x": x, "y": y, "color": colour, "opacity": ChartStyle.picked(1), "detail": detail,
            "strokeDash": channel(scales.dash, known),
          ],
        ],
        [
          "mark": ["type": "point", "filled": true, "size": 22],
          "encoding": [
            "x": x, "y": y, "color": colour, "opacity": ChartStyle.picked(0.9),
            "tooltip": [
              ["field": "series", "title": .string(seriesName)], ["field": "step", "title": "step", "format": ",d"],
              ["field": "text", "title": "accuracy"],
            ],
          ],
        ],
      ])
  }
}

/// The mean course of a cell's trainings.
private struct Curve {
  var series: String
  var points: [(training: Int, step: Int, accuracy: Estimate)]
  var isThinned = false
  /// The most points of a line that a figure of this size can show.
  private static let most = 150

  init(_ cell: Cell) {
    series = cell.series
    var values: [Moment: [Double]] = [:]
    for row in cell.rows {
      for point in row.evaluations ?? [] {
        values[Moment(training: point.training, step: point.step), default: []].append(point.accuracy)
      }
    }
    let sorted = values.sorted { $0.key < $1.key }
    points = sorted.compactMap { moment, values in Estimate(values).map { (moment.training, moment.step, $0) } }
    let stride = (points.count + Self.most - 1) / Self.most
    guard stride > 1, let last = points.indices.last else { return }
    isThinned = true
    points = points.indices.filter { $0 % stride == 0 || $0 == last }.map { points[$0] }
  }

  private struct Moment: Hashable, Comparable {
    var training: Int
    var step: Int
    static func < (a: Moment, b: Moment) -> Bool { (a.training, a.step) < (b.training, b.step) }
  }
}
