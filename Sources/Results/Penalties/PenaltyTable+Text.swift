extension PenaltyTable {
  /// Returns rows as a table for a terminal: one line per choice, with and without mean replacement side by side.
  public static func summary(_ rows: [PenaltyRow]) -> String {
    struct Key: Hashable {
      var setting: PenaltyRow.Setting
      var scorer: String
    }
    var order: [Key] = []
    var pairs: [Key: (without: PenaltyRow?, with: PenaltyRow?)] = [:]
    for row in rows {
      let key = Key(setting: row.setting, scorer: row.scorer)
      if pairs[key] == nil {
        order.append(key)
        pairs[key] = (nil, nil)
      }
      if row.propagated { pairs[key]?.with = row } else { pairs[key]?.without = row }
    }
    let isTested = rows.contains { $0.testLossAfter != nil }
    var table = TextTable(
      alignments: [.left, .left, .right, .left, .right, .right, .right] + (isTested ? [.right, .right] : []),
      header: ["means at", "layers", "amount", "scorer", "units gone", "penalty", "with means"]
        + (isTested ? ["on test images", "with means"] : []))
    func number(_ value: Double?) -> String { value.map { Format.significant($0, 3) } ?? "–" }
    func test(_ row: PenaltyRow?) -> Double? {
      guard let row, let before = row.testLossBefore, let after = row.testLossAfter else { return nil }
      return after - before
    }
    for key in order {
      guard let (without, with) = pairs[key], let any = without ?? with else { continue }
      table.append(
        [
          any.meanAt, any.layers, any.amount.description, any.scorer, Format.count(any.removed), number(without?.penalty),
          number(with?.penalty),
        ] + (isTested ? [number(test(without)), number(test(with))] : []))
    }
    let before = rows.first.map { "loss of the whole model: \(Format.significant($0.lossBefore, 4))\n\n" } ?? ""
    return before + table.text
  }
}
