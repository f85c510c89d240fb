internal import Results

extension Panel {
  /// Accuracy against everything that it is paid with; none for a single cell, which is compared with nothing.
  var accuracyCharts: [ReportChart] {
    guard cells.count > 1 else { return [] }
    var measures: [(measure: Measure, title: String, log: Bool)] = [
      (.weightsLeft, "Accuracy against density", true), (.macs, "Accuracy against MACs", true),
    ]
    if cells.contains(where: { cell in cell.rows.contains { $0.artefact.effectiveMACs != $0.artefact.macs } }) {
      measures.append((.effectiveMACs, "Accuracy against MACs of non-zero weights", true))
    }
    if let batch { measures.append((.latency(batch: batch), "Accuracy against latency", false)) }
    measures.append((.seconds, "Accuracy against training time", false))
    if Set(cells.flatMap { $0.rows.compactMap(\.steps) }).count > 1 { measures.append((.steps, "Accuracy against training steps", false)) }
    return measures.compactMap { accuracyChart(against: $0.measure, $0.title, log: $0.log) }
  }

  private func accuracyChart(against measure: Measure, _ title: String, log: Bool) -> ReportChart? {
    let points = cells.compactMap { cell in
      cell.estimate(measure).flatMap { x in cell.estimate(.accuracy).map { (cell: cell, x: x, y: $0) } }
    }
    guard !points.isEmpty else { return nil }
    let known = series.filter { name in points.contains { $0.cell.series == name } }
    var table = ReportTable(
      id: "table-\(measure.id)\(identifier)", caption: "The numbers behind “\(title)”\(suffix): means ± half of the 95 % interval.",
      columns: [.init(title: seriesName, isNumber: false)] + (levelName.map { [.init(title: $0)] } ?? []) + [
        .init(title: "n"), .init(title: measure.title.withoutUnit), .init(title: "test accuracy"),
      ])
    let values = points.map { point -> JSON in
      let (x, y) = (point.x.words(measure.format), point.y.percent)
      var row: [ReportTable.Cell] = [.init(point.cell.series)]
      if levelName != nil { row.append(.init(point.cell.level, Double(point.cell.level))) }
      table.rows.append(
        row + [.init(Format.count(point.y.count), Double(point.y.count)), .init(x, point.x.mean), .init(y, point.y.mean)])
      let scale = measure.scale
      return [
        "series": .string(point.cell.series), "level": .string(levelWords(point.cell.level)), "n": .number(Double(point.y.count)),
        "x": .number(point.x.mean * scale), "y": .number(point.y.mean * 100), "x text": .string(x), "y text": .string(y),
        "x0": .number((point.x.lower ?? point.x.mean) * scale), "x1": .number((point.x.upper ?? point.x.mean) * scale),
        "y0": .number((point.y.lower ?? point.y.mean) * 100), "y1": .number((point.y.upper ?? point.y.mean) * 100),
      ]
    }
    // An interval may reach below zero, where a logarithm ends.
    let isLog = log && points.allSatisfy { ($0.x.lower ?? $0.x.mean) > 0 }
    return ReportChart(
      id: "accuracy-\(measure.id)\(identifier)", title: title + suffix,
      caption: "Mean over seeds; bars are 95 % t intervals." + (dense == nil ? "" : " The dashed line is the dense model."),
      specification: accuracySpecification(
        values, known, x: measure.title, axis: measure.axis, isLog: isLog, joins: measure.id == "density"),
      table: table, section: .accuracy)
  }

  private func accuracySpecification(_ values: [JSON], _ known: [String], x title: String, axis: String, isLog: Bool, joins: Bool)
    -> JSON
  {
    let scales = ChartStyle.scales(known)
    let x: JSON = [
      "field": "x", "type": "quantitative", "title": .string(title),
      "scale": isLog ? ["type": "log", "nice": false, "padding": 12] : ["zero": false, "padding": 12],
      "axis": ["grid": false, "format": .string(axis), "tickCount": 6],
    ]
    let y: JSON = [
      "field": "y", "type": "quantitative", "title": "test accuracy (%)", "scale": ["zero": false, "padding": 6], "axis": ["tickCount": 6],
    ]
    let colour = channel(scales.colour, known)
    func bar(_ first: String, _ second: String, from low: String, to high: String, other: String) -> JSON {
      [
        "mark": ["type": "rule", "strokeWidth": 1.5],
        "encoding": [
          first: ["field": .string(low), "type": "quantitative"], first + "2": ["field": .string(high)],
          second: ["field": .string(other), "type": "quantitative"], "color": colour, "opacity": ChartStyle.picked(0.8),
        ],
      ]
    }
    var layers: [JSON] = []
    if let dense {
      layers.append([
        "data": ["values": [["dense": .number(dense.mean * 100)]]], "mark": ["type": "rule", "strokeDash": [5, 4], "color": "#8a8f98"],
        "encoding": ["y": ["field": "dense", "type": "quantitative"]],
      ])
    }
    layers.append([
      "mark": ["type": "line", "strokeWidth": 2],
      "encoding": [
        "x": x, "y": y, "color": colour, "opacity": ChartStyle.picked(joins ? 0.9 : 0.5), "order": ["field": "x"],
        "strokeDash": channel(scales.dash, known),
      ],
    ])
    layers.append(bar("y", "x", from: "y0", to: "y1", other: "x"))
    layers.append(bar("x", "y", from: "x0", to: "x1", other: "y"))
    layers.append([
      "params": ChartStyle.pick, "mark": ["type": "point", "filled": true, "size": 75],
      "encoding": [
        "x": x, "y": y, "color": colour, "opacity": ChartStyle.picked(1),
        "shape": channel(scales.shape, known),
        "tooltip": [
          ["field": "series", "title": .string(seriesName)], ["field": "level", "title": "at"],
          ["field": "y text", "title": "accuracy"], ["field": "x text", "title": .string(title.withoutUnit)], ["field": "n", "title": "n"],
        ],
      ],
    ])
    return ChartStyle.layered(width: 560, height: 320, series: known, values: values, layers: layers)
  }
}

extension Panel {
  /// A channel that tells series apart.
  func channel(_ scale: JSON, _ known: [String]) -> JSON {
    ["field": "series", "type": "nominal", "scale": scale, "title": .string(seriesName), "legend": ChartStyle.legend(known)]
  }
}

extension String {
  /// The text without a unit in parentheses at its end.
  var withoutUnit: String { hasSuffix(")") ? String(prefix { $0 != "(" }.dropLast()) : self }
}
