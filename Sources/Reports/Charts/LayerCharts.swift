internal import Results

extension Panel {
  /// What is left of each layer, a figure for each level.
  var layerCharts: [ReportChart] {
    levels.compactMap { level in
      let own = cells.filter { $0.level == level && $0.rows.contains { !($0.layers ?? []).isEmpty } }
      guard !own.isEmpty else { return nil }
      let place = level.isEmpty ? "" : " at \(levelWords(level))"
      var table = ReportTable(
        id: "table-layers\(level.isEmpty ? "" : "-" + level.identifier)\(identifier)",
        caption: "Weights kept in each layer\(place)\(suffix): mean share ± half of the 95 % interval, and mean counts.",
        columns: [
          .init(title: seriesName, isNumber: false), .init(title: "layer", isNumber: false), .init(title: "kept"), .init(title: "of"),
          .init(title: "density"),
        ])
      var (values, names): ([JSON], [String]) = ([], [])
      for cell in own {
        let rows = cell.rows.compactMap(\.layers)
        for layer in rows[0].map(\.layer) {
          let found = rows.compactMap { $0.first { $0.layer == layer } }
          guard let share = Estimate(found.map(\.density)), let kept = Estimate(found.map { Double($0.kept) }),
            let total = found.first?.total
          else { continue }
          if !names.contains(layer) { names.append(layer) }
          table.rows.append([
            .init(cell.series), .init(layer), .init(Format.count(Int(saturating: kept.mean)), kept.mean),
            .init(Format.count(total), Double(total)), .init(share.percent, share.mean),
          ])
          values.append([
            "series": .string(cell.series), "layer": .string(layer), "y": .number(share.mean * 100),
            "y0": .number(max(share.lower ?? share.mean, 0) * 100), "y1": .number(min(share.upper ?? share.mean, 1) * 100),
            "text": .string(share.percent), "counts": .string("\(Format.count(Int(saturating: kept.mean))) of \(Format.count(total))"),
          ])
        }
      }
      return ReportChart(
        id: "layers\(level.isEmpty ? "" : "-" + level.identifier)\(identifier)", title: "Layer by layer\(place)\(suffix)",
        caption:
          "Share of each layer's weights that selection kept, before dead units were cut out; mean over seeds with 95 % t intervals.",
        specification: layerSpecification(values, names, series.filter { name in own.contains { $0.series == name } }), table: table,
        section: .layers)
    }
  }

  /// Bars as long as they can be told apart, points beyond.
  private func layerSpecification(_ values: [JSON], _ layers: [String], _ known: [String]) -> JSON {
    let isBars = layers.count * known.count <= 80
    let scales = ChartStyle.scales(series)
    let thickness = isBars ? known.count * 11 + 12 : 22
    let y: JSON = [
      "field": "layer", "type": "nominal", "sort": .null, "title": .null,
      "scale": ["domain": .list(layers.map { .string($0) }), "paddingInner": 0.22],
    ]
    let offset: JSON = ["field": "series", "type": "nominal", "scale": ["domain": .list(known.map { .string($0) })]]
    let x: JSON = ["field": "y", "type": "quantitative", "title": "weights kept (%)", "scale": ["zero": true], "axis": ["tickCount": 6]]
    var bars: [String: JSON] = [
      "x": x, "y": y, "opacity": ChartStyle.picked(1),
      "color": channel(scales.colour, known),
      "tooltip": [
        ["field": "series", "title": .string(seriesName)], ["field": "layer", "title": "layer"], ["field": "text", "title": "kept"],
        ["field": "counts", "title": "weights"],
      ],
    ]
    var rules: [String: JSON] = [
      "x": ["field": "y0", "type": "quantitative", "title": "weights kept (%)"], "x2": ["field": "y1"], "y": y,
      "opacity": ChartStyle.picked(0.9), "detail": ["field": "series", "type": "nominal"],
    ]
    if isBars { (bars["yOffset"], rules["yOffset"]) = (offset, offset) }
    return ChartStyle.layered(
      width: 420, height: min(max(layers.count * thickness, 60), 1200), series: known, values: values,
      layers: [
        [
          "params": ChartStyle.pick, "mark": isBars ? ["type": "bar"] : ["type": "point", "filled": true, "size": 60],
          "encoding": .object(bars),
        ],
        ["mark": ["type": "rule", "strokeWidth": 1.2, "color": "#7b828d"], "encoding": .object(rules)],
      ])
  }
}
