internal import Results
internal import Words

/// What the numbers say, in sentences that a reader can act on.
struct Summary {
  /// A sentence or two with what they are about.
  struct Point: Hashable {
    var lead: String
    var words: String
  }

  private(set) var points: [Point] = []
  private let grid: StudyGrid

  init(study: StudyResult, grid: StudyGrid) {
    self.grid = grid
    let states = RunStates(study.runs)
    let counts = study.axes.filter { !$0.values.isEmpty }.map { English.count($0.values.count, $0.name.inLine) }
    let axes = counts.isEmpty ? "" : " (" + counts.joined(separator: " × ") + ")"
    let isStudy = study.runs.count > 1 || !grid.hasFinished
    if isStudy { add("Runs.", "\(English.count(study.runs.count, "run"))\(axes): \(states.words).") }
    guard grid.hasFinished else {
      add("No result yet.", "None of them has finished, so there is nothing to compare; the table below says how far each is and why.")
      return
    }
    for panel in grid.panels {
      let name = panel.title.isEmpty ? "" : panel.title.inLine + ": "
      if let dense = panel.dense { add("\(name)Dense.", "Before pruning \(dense.percentWithInterval) of the test set is right.") }
      for level in panel.levels { best(of: panel, at: level, name) }
      smallest(of: panel, name)
      if isStudy { fastest(of: panel, name) }
    }
    if !isStudy, let verdict = grid.rows.first?.inference { add("Speed.", verdict.words) }
    undecided(study)
    claims(study.claims)
  }

  private mutating func add(_ lead: String, _ words: String) { points.append(Point(lead: lead, words: words)) }

  /// A series and its level in a sentence.
  private func named(_ cell: Cell, _ panel: Panel) -> String {
    cell.series.inLine + (cell.level.isEmpty ? "" : " at \(panel.levelWords(cell.level).inLine)")
  }

  private mutating func best(of panel: Panel, at level: String, _ name: String) {
    let standing = Standing(panel, level: level)
    guard let best = standing.best, let accuracy = best.estimate(.accuracy) else { return }
    let lead = name + (level.isEmpty ? "Accuracy." : panel.levelWords(level).inLine.capitalisedFirst + ".")
    var words = best.series.inLine + (standing.others.isEmpty ? " reaches " : " is best: ") + accuracy.percentWithInterval
    if let change = panel.change(of: best) {
      words += ", \(change.pointsWithInterval) against \(panel.hasControls ? "dense" : "the network before pruning")"
    }
    words += "."
    if !standing.ties.isEmpty {
      words += " It cannot be told from \(English.list(standing.ties.map { $0.series.inLine })) (paired by seed)."
    }
    if let next = standing.beaten.first, let lead = best.difference(to: next, in: .accuracy) {
      let all = standing.ties.isEmpty && standing.unpaired.isEmpty && standing.beaten.count > 1 ? "all others; the next is" : ""
      words += " It is ahead of \(all.isEmpty ? "" : all + " ")\(next.series.inLine) by \(lead.pointsWithInterval)."
    }
    if !standing.unpaired.isEmpty, standing.unpaired.count == standing.others.count {
      words += " There are too few seeds to say whether it is ahead of the others."
    } else if !standing.unpaired.isEmpty {
      words += " Against \(English.list(standing.unpaired.map { $0.series.inLine })) there are too few seeds in common to say."
    }
    add(lead, words)
  }

  /// The greatest loss of accuracy, as a fraction, that counts as none to speak of.
  private static let bearable = 0.01

  private func bearable(_ panel: Panel) -> [Cell] {
    panel.cells.filter { cell in
      guard cell.isPruned, let change = panel.change(of: cell), let accuracy = cell.estimate(.accuracy) else { return false }
      return change.mean >= -Self.bearable && accuracy.mean >= (panel.dense?.mean ?? 0) - Self.bearable
    }
  }

  private mutating func smallest(of panel: Panel, _ name: String) {
    let sized = panel.cells.filter(\.isPruned)
    let smaller = sized.filter { ($0.shareOfDense ?? 1) < 0.99 }
    let good = bearable(panel).filter { ($0.shareOfDense ?? 1) < 0.99 }
    guard !sized.isEmpty else { return }
    guard let cell = (good.isEmpty ? smaller : good).least(by: .bytes), let size = cell.estimate(.bytes) else {
      add(name + "Size.", "Nothing is smaller than its dense model: zeros keep their place in the tensors.")
      return
    }
    var words = named(cell, panel) + ": " + Format.bytes(size.mean)
    if let share = cell.shareOfDense { words += ", \(Format.ratio(share)) of dense" }
    if let left = cell.estimate(.weightsLeft) { words += ", with \(Measure.weightsLeft.format(left.mean)) of the weights" }
    if let change = panel.change(of: cell) { words += ", \(Format.points(change.mean))" }
    words += "."
    if good.isEmpty, !bearable(panel).isEmpty {
      words += " What loses at most one point is no smaller than dense: its zeros keep their place in the tensors."
    }
    add(name + Self.lead("Smallest", isGood: !good.isEmpty, panel.change(of: cell)), words)
  }

  private mutating func fastest(of panel: Panel, _ name: String) {
    guard let batch = panel.batch else { return }
    let timed = panel.cells.filter(\.isPruned)
    let faster = timed.filter { cell in
      cell.rows.allSatisfy { row in
        guard let before = row.dense.time(batch: batch), let after = row.pruned?.time(batch: batch) else { return false }
        return after.order(to: before) == .lower
      }
    }
    guard !timed.isEmpty else { return }
    let good = bearable(panel).filter { cell in faster.contains { $0.series == cell.series && $0.level == cell.level } }
    guard let cell = (good.isEmpty ? faster : good).least(by: .latency(batch: batch)) else {
      add(name + "Speed.", "Nothing was measurably faster than dense at batch \(batch) in every run.")
      return
    }
    let ratio = Estimate(
      cell.rows.compactMap { row in
        guard let before = row.dense.time(batch: batch)?.median, before > 0 else { return nil }
        return row.pruned?.time(batch: batch).map { $0.median / before }
      })
    let time = cell.estimate(.latency(batch: batch)).map { Format.duration($0.mean) } ?? "–"
    var words = "\(named(cell, panel)): \(time) at batch \(batch)"
    if let ratio { words += ", \(Format.ratio(ratio.mean)) the time of dense" }
    if let change = panel.change(of: cell) { words += ", \(Format.points(change.mean))" }
    add(name + Self.lead("Fastest", isGood: !good.isEmpty, panel.change(of: cell)), words + ".")
  }

  private static func lead(_ word: String, isGood: Bool, _ change: Estimate?) -> String {
    word + (isGood ? " within one point." : change == nil ? "." : ", but more than one point worse.")
  }

  private mutating func undecided(_ study: StudyResult) {
    let single = grid.panels.flatMap { panel in
      panel.cells.filter { $0.runs.count < 2 }.map { named($0, panel) + panel.suffix.inLine }
    }
    let missing = study.runs.filter { $0.row == nil }
    var parts: [String] = []
    if study.runs.count == 1 {
      parts.append("One seed says nothing about others: repeat the run with further seeds for an interval.")
    } else if !single.isEmpty {
      let shown = single.prefix(6).joined(separator: "; ") + (single.count > 6 ? "; and \(single.count - 6) more" : "")
      parts.append("With fewer than two seeds there is no interval: \(shown).")
    }
    if !missing.isEmpty {
      parts.append("\(English.count(missing.count, "run")) without a result (\(RunStates(missing).words)) may change the means above.")
    }
    if !parts.isEmpty { add("Not decided.", parts.joined(separator: " ")) }
  }

  private mutating func claims(_ claims: [ClaimResult]) {
    guard !claims.isEmpty else { return }
    let words = ClaimResult.Verdict.allCases.compactMap { verdict -> String? in
      let ids = claims.filter { $0.verdict == verdict }.map(\.id.inLine)
      guard !ids.isEmpty else { return nil }
      let verb = verdict == .holds || verdict == .fails ? (ids.count == 1 ? verdict.rawValue : String(verdict.rawValue.dropLast())) : nil
      return "\(ids.count) \(verb ?? (ids.count == 1 ? "is " : "are ") + verdict.rawValue) (\(ids.joined(separator: ", ")))"
    }
    add("Claims.", "Of \(English.count(claims.count, "claim")) \(English.list(words)).")
  }
}

extension Cell {
  /// The mean size of the artefact over that of its dense model, both as files where there are files.
  fileprivate var shareOfDense: Double? {
    Estimate(
      rows.compactMap { row in
        let artefact = row.artefact
        let hasFiles = artefact.fileBytes != nil && row.dense.fileBytes != nil
        let (after, before) =
          hasFiles ? (artefact.fileBytes ?? 0, row.dense.fileBytes ?? 0) : (artefact.tensorBytes, row.dense.tensorBytes)
        return before > 0 ? Double(after) / Double(before) : nil
      })?.mean
  }
}

extension [Cell] {
  /// The cell with the smallest mean of a measure, the first of equals.
  fileprivate func least(by measure: Measure) -> Cell? {
    compactMap { cell in cell.estimate(measure).map { (cell, $0.mean) } }.min { $0.1 < $1.1 }?.0
  }
}

extension String {
  /// The text with a capital at its beginning.
  var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}
