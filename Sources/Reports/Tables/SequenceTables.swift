internal import Results

extension Panel {
  /// What a network that learned several data sets is worth to each of them after each training and removal, one table for each cell.
  ///
  /// Runs of one cell that went another way than the first, which no grid makes, are left out of its means.
  var forgettingTables: [ReportTable] {
    cells.compactMap { cell in
      let all = cell.rows.compactMap(\.sequence)
      guard let first = all.first else { return nil }
      let same = all.filter { $0.datasets.map(\.name) == first.datasets.map(\.name) && $0.course == first.course }
      let place = [cell.series, levelWords(cell.level)].filter { !$0.isEmpty }.joined(separator: ", ")
      var table = ReportTable(
        id: "forgetting-\(place.identifier)\(identifier)",
        caption:
          "Forgetting, \(place)\(suffix): accuracy on each data set's validation images after each training and removal, with its own "
          + "last layer; mean over \(English.count(same.count, "run")). Darker is better.",
        columns: [.init(title: "after", isNumber: false), .init(title: "\(first.things) left")]
          + first.datasets.map { .init(title: $0.name) })
      for (index, change) in first.changes.enumerated() {
        let name = change.dataset.flatMap { first.datasets.indices.contains($0) ? first.datasets[$0].name : nil }
        let left = Estimate(same.map { Double($0.changes[index].left) })
        table.rows.append(
          [
            .init(name.map { "\($0), pass \(change.pass)" } ?? "removal"),
            .init(left.map { Format.count(Int(saturating: $0.mean)) }, left?.mean),
          ]
            + first.datasets.indices.map { dataset in
              let values = same.compactMap { summary -> Double? in
                let accuracies = summary.changes[index].accuracies
                return accuracies.indices.contains(dataset) ? accuracies[dataset]?.fraction : nil
              }
              let accuracy = Estimate(values)
              return .init(accuracy?.percent, accuracy?.mean, shade: accuracy?.mean)
            })
      }
      let forgotten = first.datasets.indices.map { dataset in Estimate(same.compactMap { $0.forgotten(of: dataset) }) }
      table.rows.append(
        [.init("forgotten since last trained on"), .init(nil)]
          + forgotten.map { .init($0.map { Format.points(-$0.mean) }, $0.map { -$0.mean }) })
      return table
    }
  }
}

extension SequenceSummary {
  /// The trainings and removals without their numbers.
  fileprivate var course: [String] { changes.map { "\($0.dataset ?? -1)/\($0.pass)" } }
}
