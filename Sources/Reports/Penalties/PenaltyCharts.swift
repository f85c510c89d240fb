internal import Foundation
internal import Results
internal import Words

/// The figures of penalties.
enum PenaltyChart {
  /// The most points of a figure; more of them hide each other.
  private static let mostPoints = 1500

  /// Penalties with mean replacement against those without, for the same units: a point below the diagonal is one that it made cheaper.
  static func scatter(_ part: PenaltyAnalysis.Part, _ rows: [PenaltyRow], _ suffix: String, _ number: Int) -> ReportChart? {
    struct Choice: Hashable {
      var setting: PenaltyRow.Setting
      var scorer: String
    }
    let own = rows.filter { $0.meanAt == part.meanAt && $0.retrainSteps == part.retrainSteps && $0.isInformative }
    let without = Dictionary(
      own.filter { !$0.propagated }.map { (Choice(setting: $0.setting, scorer: $0.scorer), $0.penalty) },
      uniquingKeysWith: { first, _ in first })
    let pairs = own.filter(\.propagated).compactMap { row in
      without[Choice(setting: row.setting, scorer: row.scorer)].map { (row: row, x: $0, y: row.penalty) }
    }
    guard !pairs.isEmpty else { return nil }
    let step = (pairs.count + mostPoints - 1) / mostPoints
    let points = pairs.indices.filter { $0 % step == 0 }.map { pairs[$0] }
    let known = Set(points.map(\.row.scorer)).sorted()
    let values = points.map { point -> JSON in
      [
        "series": .string(point.row.scorer), "x": .number(point.x), "y": .number(point.y),
        "place": .string("\(point.row.layers), \(point.row.amount), step \(Format.count(point.row.step)), seed \(point.row.seed)"),
        "x text": .string(Format.significant(point.x, 3)), "y text": .string(Format.significant(point.y, 3)),
      ]
    }
    let all = points.flatMap { [$0.x, $0.y] }
    let (least, most) = (all.min() ?? 0, all.max() ?? 1)
    // Penalties span decades and may be negative: linear up to the size of the smallest tenth, logarithmic beyond.
    let sizes = all.map(abs).filter { $0 > 0 }.sorted()
    let linear = sizes.isEmpty ? 1 : max(sizes[sizes.count / 10], (sizes.last ?? 1) * 1e-5)
    // Zero, and powers of ten up to the largest: ticks of a linear axis would crowd at its end.
    let powers = stride(from: log10(linear).rounded(.up), through: log10(max(sizes.last ?? 1, linear)), by: 1).map { pow(10, $0) }
    let ticks = ([0] + powers + powers.map { -$0 }).filter { least <= $0 && $0 <= most }
    func axis(_ field: String, _ title: String) -> JSON {
      [
        "field": .string(field), "type": "quantitative", "title": .string(title),
        "scale": ["type": "symlog", "constant": .number(linear), "domain": [.number(least), .number(most)], "nice": false],
        "axis": ["format": "~g", "values": .list(ticks.map { .number($0) })],
      ]
    }
    let (x, y) = (axis("x", "without mean replacement (nats)"), axis("y", "with mean replacement (nats)"))
    var table = ReportTable(
      id: "table-scatter-\(number + 1)", caption: "Penalties by scorer\(suffix): medians, in nats.",
      columns: [
        .init(title: "scorer", isNumber: false), .init(title: "choices"), .init(title: "without"), .init(title: "with"),
        .init(title: "lowered"),
      ])
    for scorer in known {
      let mine = pairs.filter { $0.row.scorer == scorer }
      let (before, after) = (Statistics.median(mine.map(\.x)) ?? 0, Statistics.median(mine.map(\.y)) ?? 0)
      let share = Double(mine.count { $0.y < $0.x }) / Double(max(mine.count, 1))
      table.rows.append([
        .init(scorer), .init(Format.count(mine.count), Double(mine.count)), .init(Format.significant(before, 3), before),
        .init(Format.significant(after, 3), after), .init(Format.percent(share, digits: 1), share),
      ])
    }
    let scales = ChartStyle.scales(known)
    return ReportChart(
      id: "scatter-\(number + 1)", title: "With against without mean replacement\(suffix)",
      caption:
        "A point is one choice of units. Below the diagonal mean replacement made it cheaper. Axes are logarithmic, but linear around 0."
        + (step > 1 ? " Drawn are \(Format.count(points.count)) of \(Format.count(pairs.count))." : ""),
      specification: ChartStyle.layered(
        width: 460, height: 400, series: known, values: values,
        layers: [
          [
            "data": ["values": [["x": .number(least), "y": .number(least)], ["x": .number(most), "y": .number(most)]]],
            "mark": ["type": "line", "strokeDash": [5, 4], "color": "#8a8f98"], "encoding": ["x": x, "y": y],
          ],
          [
            "params": ChartStyle.pick, "mark": ["type": "point", "filled": true, "size": 38],
            "encoding": [
              "x": x, "y": y, "color": channel(scales.colour, known), "shape": channel(scales.shape, known),
              "opacity": ChartStyle.picked(0.65),
              "tooltip": [
                ["field": "series", "title": "scorer"], ["field": "place", "title": "at"], ["field": "x text", "title": "without"],
                ["field": "y text", "title": "with"],
              ],
            ],
          ],
        ]),
      table: table, section: .replacement)
  }

  /// Performance profiles: a line that is higher is closer to the best in more measurements.
  static func profile(_ part: PenaltyAnalysis.Part, _ suffix: String, _ number: Int) -> ReportChart? {
    guard part.profile.count > 0 else { return nil }
    let known = part.profile.lines.map(\.variant).sorted()
    let values = part.profile.lines.flatMap { line in
      zip(part.profile.thresholds, line.values).map { threshold, value -> JSON in
        [
          "series": .string(line.variant), "x": .number(threshold), "y": .number(value * 100),
          "text": .string(Format.percent(value, digits: 1)), "at": .string(Format.fixed(threshold, 2)),
        ]
      }
    }
    var table = ReportTable(
      id: "table-profile-\(number + 1)", caption: "Share of measurements in which a variant comes at least this close\(suffix).",
      columns: [.init(title: "variant", isNumber: false)] + [0.25, 0.5, 0.75, 0.9, 1].map { .init(title: "τ = \($0)") })
    for line in part.profile.lines {
      table.rows.append(
        [.init(line.variant)]
          + [25, 50, 75, 90, 100].map { index in
            let value = line.values.indices.contains(index) ? line.values[index] : 0
            return .init(Format.percent(value, digits: 1), value)
          })
    }
    return ReportChart(
      id: "profile-\(number + 1)", title: "Performance profiles\(suffix)",
      caption:
        "How often a variant's penalty lies at least the share τ of the way from the worst to the best of its measurement; at τ = 1 it is "
        + "the best. Dashed without mean replacement.",
      specification: lines(
        values, known, x: "closeness to the best, τ", y: "measurements (%)",
        axis: ["grid": false, "format": "~g", "tickCount": 5], fromZero: true, isTimed: false),
      table: table, section: .profiles)
  }

  /// Penalties against training steps, a figure for each set of layers, amount, place and retraining.
  static func courses(_ analysis: PenaltyAnalysis) -> [ReportChart] {
    struct Place: Hashable {
      var layers: String
      var meanAt: String
      var amount: PenaltyAmount
      var retrainSteps: Int
    }
    var (order, groups): ([Place], [Place: [PenaltyCurve]]) = ([], [:])
    for curve in analysis.curves where curve.points.count > 1 {
      let key = curve.key
      let place = Place(layers: key.layers, meanAt: key.meanAt, amount: key.amount, retrainSteps: key.retrainSteps)
      if groups[place] == nil { order.append(place) }
      groups[place, default: []].append(curve)
    }
    let severalPlaces = Set(order.map(\.meanAt)).count > 1
    return order.enumerated().map { number, place in
      let curves = groups[place] ?? []
      let known = curves.map(\.variant).sorted()
      let words =
        ["\(place.layers.inLine), \(place.amount)"] + (severalPlaces ? ["means at \(place.meanAt.inLine)"] : [])
        + (place.retrainSteps > 0 ? ["\(English.count(place.retrainSteps, "step")) of retraining"] : [])
      let title = words.joined(separator: ", ")
      var table = ReportTable(
        id: "table-course-\(number + 1)",
        caption: "Penalties in the course of training, \(title): mean ± half of the "
          + "\(Format.percent(analysis.level, digits: 0)) interval over seeds, in nats.",
        columns: [.init(title: "variant", isNumber: false), .init(title: "step"), .init(title: "n"), .init(title: "penalty")])
      var values: [JSON] = []
      for curve in curves {
        for point in curve.points {
          let text = Format.significant(point.mean, 3) + (point.interval.map { " ± \(Format.significant($0.halfWidth, 2))" } ?? "")
          table.rows.append([
            .init(curve.variant), .init(Format.count(point.step), Double(point.step)),
            .init(Format.count(point.count), Double(point.count)),
            .init(text, point.mean),
          ])
          values.append([
            "series": .string(curve.variant), "x": .number(Double(point.step)), "y": .number(point.mean), "text": .string(text),
            "at": .string(Format.count(point.step)), "y0": .number(point.interval?.lower ?? point.mean),
            "y1": .number(point.interval?.upper ?? point.mean),
          ])
        }
      }
      return ReportChart(
        id: "course-\(number + 1)", title: "Penalty of removing \(title)",
        caption: "Mean over seeds; bands are \(Format.percent(analysis.level, digits: 0)) intervals. Dashed without mean replacement.",
        specification: lines(
          values, known, x: "training steps", y: "penalty (nats)", axis: ["grid": false, "format": ",d", "tickCount": 5], fromZero: false,
          isTimed: true),
        table: table, section: .courses)
    }
  }

  /// Lines of variants: a colour for each scorer, dashed without mean replacement.
  private static func lines(
    _ values: [JSON], _ known: [String], x title: String, y other: String, axis: JSON, fromZero: Bool, isTimed: Bool
  ) -> JSON {
    let scorers = Set(known.map(scorer)).sorted()
    func scale(_ range: [JSON]) -> JSON { ["domain": .list(known.map { .string($0) }), "range": .list(range)] }
    let colour = scale(
      known.map { name in .string(ChartStyle.colours[(scorers.firstIndex(of: scorer(name)) ?? 0) % ChartStyle.colours.count]) })
    let dash = scale(known.map { scorer($0) == $0 ? [4, 3] : [1, 0] })
    let x: JSON = ["field": "x", "type": "quantitative", "title": .string(title), "axis": axis]
    let y: JSON = [
      "field": "y", "type": "quantitative", "title": .string(other), "scale": ["zero": .bool(fromZero)], "axis": ["tickCount": 5],
    ]
    var layers: [JSON] = [
      [
        "params": ChartStyle.pick, "mark": ["type": "line", "strokeWidth": 1.9],
        "encoding": [
          "x": x, "y": y, "color": channel(colour, known), "opacity": ChartStyle.picked(1), "strokeDash": channel(dash, known),
        ],
      ],
      [
        "mark": ["type": "point", "filled": true, "size": 30],
        "encoding": [
          "x": x, "y": y, "color": channel(colour, known), "opacity": isTimed ? ChartStyle.picked(0.9) : ["value": 0],
          "tooltip": [
            ["field": "series", "title": "variant"], ["field": "at", "title": .string(isTimed ? "step" : "τ")],
            ["field": "text", "title": .string(other.withoutUnit)],
          ],
        ],
      ],
    ]
    if isTimed {
      layers.insert(
        [
          "mark": ["type": "area"],
          "encoding": [
            "x": x, "y": ["field": "y0", "type": "quantitative", "title": .string(other)], "y2": ["field": "y1"],
            "color": channel(colour, known), "opacity": ["condition": ["param": "pick", "value": 0.14], "value": 0.02],
          ],
        ], at: 0)
    }
    return ChartStyle.layered(width: 460, height: 300, series: known, values: values, layers: layers)
  }

  private static func scorer(_ variant: String) -> String { variant.hasSuffix(" + mean") ? String(variant.dropLast(7)) : variant }

  private static func channel(_ scale: JSON, _ known: [String]) -> JSON {
    ["field": "series", "type": "nominal", "scale": scale, "title": "scorer", "legend": ChartStyle.legend(known)]
  }
}

extension PenaltyCurve {
  /// The scorer, and whether means were propagated.
  fileprivate var variant: String { key.propagated ? key.scorer + " + mean" : key.scorer }
}
