internal import Results

extension Panel {
  /// Series × levels: accuracy with its interval; the best of a level, and what cannot be told from it, are marked.
  var accuracyTable: ReportTable {
    let known = levels
    var table = ReportTable(
      id: "accuracy" + identifier,
      caption: "Test accuracy at the end of training\(suffix): mean ± half of the 95 % t interval over seeds."
        + (dense.map { " Dense: \($0.percent)." } ?? "")
        + (series.count > 1
          ? " Bold: the highest mean of a column. ≈: its difference from that, paired by seed, has a 95 % interval that contains 0." : ""),
      columns: [.init(title: seriesName, isNumber: false)]
        + known.map { .init(title: $0.isEmpty ? (levelName == nil ? "accuracy" : "without") : levelWords($0)) })
    let standings = Dictionary(known.map { ($0, Standing(self, level: $0)) }, uniquingKeysWith: { first, _ in first })
    let most = cells.map(\.runs.count).max() ?? 0
    for name in series {
      table.rows.append(
        [.init(name)]
          + known.map { level in
            guard let accuracy = cell(name, level)?.estimate(.accuracy), let standing = standings[level] else { return .init(nil) }
            let isBest = series.count > 1 && standing.best?.series == name
            let tie = standing.ties.contains { $0.series == name } ? "≈ " : ""
            let count = accuracy.count == most ? "" : " (n = \(accuracy.count))"
            return .init(tie + accuracy.percent + count, accuracy.mean, tone: isBest ? .best : nil)
          })
    }
    return table
  }

  /// Every cell with what it costs.
  var costTable: ReportTable {
    var table = ReportTable(
      id: "cost" + identifier,
      caption:
        "What each artefact weighs and costs\(suffix): means over n seeds, ± half of the 95 % t interval where a number varies; change "
        + "of accuracy against \(hasControls ? "dense" : "the network before pruning"), paired by seed.",
      columns: [.init(title: seriesName, isNumber: false)]
        + (levelName.map { [.init(title: $0)] } ?? []) + [
          .init(title: "n"), .init(title: "weights left"), .init(title: "accuracy"), .init(title: "change"), .init(title: "size"),
          .init(title: "MACs"), .init(title: "non-zero MACs"),
        ] + (batch.map { [.init(title: "latency, batch \($0)")] } ?? []) + [.init(title: "training"), .init(title: "steps")])
    for cell in cells {
      func number(_ measure: Measure) -> ReportTable.Cell {
        let estimate = cell.estimate(measure)
        return .init(estimate.map { $0.words(measure.format) }, estimate?.mean)
      }
      let accuracy = cell.estimate(.accuracy)
      let change = change(of: cell)
      var row: [ReportTable.Cell] = [.init(cell.series)]
      if levelName != nil { row.append(.init(cell.level, Double(cell.level))) }
      row += [
        .init(Format.count(cell.runs.count), Double(cell.runs.count)), number(.weightsLeft), .init(accuracy?.percent, accuracy?.mean),
        .init(
          change.map { Format.points($0.mean) + ($0.halfWidth.map { " ± " + Format.fixed($0 * 100, 2) } ?? "") }, change?.mean),
        number(.bytes), number(.macs), number(.effectiveMACs),
      ]
      if let batch { row.append(number(.latency(batch: batch))) }
      row += [number(.seconds), number(.steps)]
      table.rows.append(row)
    }
    return table
  }

  /// `-lenet-5-mnist`, behind an identifier; empty for the only panel.
  var identifier: String { title.isEmpty ? "" : "-" + title.identifier }
}

extension String {
  /// The text as part of a file name or a link: lower-case letters, digits and hyphens.
  var identifier: String {
    let words = lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.joined(separator: "-")
    return String(words.prefix(60))
  }
}
