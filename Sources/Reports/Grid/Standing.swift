internal import Results

/// Who is best at a level of a panel, and who cannot be told from it.
struct Standing {
  /// The cell with the highest mean accuracy.
  var best: Cell?
  /// The others, by falling accuracy.
  var others: [Cell] = []
  /// Those whose difference from the best, paired by seed, has an interval that contains 0.
  var ties: [Cell] = []
  /// Those that are worse beyond doubt.
  var beaten: [Cell] = []
  /// Those with fewer than two seeds in common with the best.
  var unpaired: [Cell] = []

  init(_ panel: Panel, level: String) {
    // Dense controls of a study are no match for what was pruned.
    let hasPruned = panel.cells.contains(where: \.isPruned)
    let ranked = panel.cells.filter { $0.level == level && ($0.isPruned || !hasPruned) }.enumerated().compactMap { index, cell in
      cell.estimate(.accuracy).map { (cell: cell, mean: $0.mean, index: index) }
    }.sorted { ($1.mean, $0.index) < ($0.mean, $1.index) }.map(\.cell)
    guard let first = ranked.first else { return }
    best = first
    others = Array(ranked.dropFirst())
    for cell in others {
      switch first.difference(to: cell, in: .accuracy)?.sign {
      case 1?: beaten.append(cell)
      case nil: unpaired.append(cell)
      default: ties.append(cell)
      }
    }
  }
}
