internal import Foundation
internal import Results
internal import Words

/// A study's finished runs in the order in which they are compared: panels that share nothing, in each of them series × levels, in each
/// cell the seeds.
struct StudyGrid: Sendable {
  /// The panels that have a finished run.
  var panels: [Panel] = []
  /// The axis of levels; nil if the study has none.
  var levelAxis: String?
  /// The name of what series are, e.g. `method`.
  var seriesName = "run"
  /// The name of the axis of seeds.
  var seedAxis: String?
  /// The smallest batch that every finished run was timed with; nil if there is none.
  var batch: Int?

  var hasFinished: Bool { !panels.isEmpty }
  var rows: [RunRecord] { panels.flatMap { $0.cells.flatMap { $0.rows } } }

  /// Axes whose places are how much is left or removed, seeds, and what is compared.
  private static let levels: Set<String> = ["density", "sparsity", "fraction", "compression", "amount", "target", "round"]
  private static let seeds: Set<String> = ["seed", "repetition"]
  private static let methods: Set<String> = ["method", "criterion", "variant", "branch"]

  private static func singular(_ name: String) -> String {
    switch name.lowercased() {
    case "densities": "density"
    case "sparsities": "sparsity"
    case "criteria": "criterion"
    case let word where word.hasSuffix("s"): String(word.dropLast())
    case let word: word
    }
  }

  init(_ study: StudyResult) {
    let axes = study.axes
    func first(_ names: Set<String>) -> StudyAxis? { axes.first { names.contains(Self.singular($0.name)) } }
    let (level, seed) = (first(Self.levels), first(Self.seeds))
    (levelAxis, seedAxis) = (level?.name, seed?.name)
    let rest = axes.filter { $0.name != level?.name && $0.name != seed?.name && $0.values.count > 1 }
    let compared = rest.first { Self.methods.contains(Self.singular($0.name)) } ?? rest.last ?? first(Self.methods)
    seriesName = compared?.name ?? "run"
    let apart = rest.filter { $0.name != compared?.name }

    let finished = study.runs.filter { $0.row != nil }
    func ordered(_ axis: StudyAxis?, _ runs: [StudyRunResult]) -> [String] {
      guard let axis else { return [] }
      let found = Set(runs.compactMap { $0.place[axis.name] })
      return axis.values.filter(found.contains) + found.subtracting(axis.values).sorted()
    }
    func place(_ run: StudyRunResult, _ axis: StudyAxis?) -> String? { axis.flatMap { run.place[$0.name] } }
    // The panels in the order of the axes, the last of which varies fastest.
    var titles: [[String]] = [[]]
    for axis in apart { titles = titles.flatMap { title in (ordered(axis, finished) + [""]).map { title + [$0] } } }
    for title in titles {
      let runs = finished.filter { run in apart.map { run.place[$0.name] ?? "" } == title }
      guard !runs.isEmpty else { continue }
      let series = ordered(compared, runs) + (runs.contains { place($0, compared) == nil } ? [nil] : [])
      let levels = ordered(level, runs) + (runs.contains { place($0, level) == nil } ? [nil] : [])
      let cells = series.flatMap { name in
        levels.enumerated().compactMap { position, value -> Cell? in
          let own = runs.filter { place($0, compared) == name && place($0, level) == value }
          let rows = own.compactMap { run in run.row.map { (place(run, seed) ?? String($0.seed), $0) } }
          guard let row = rows.first?.1 else { return nil }
          return Cell(
            series: (name ?? row.method ?? row.network).printable(), level: (value ?? "").printable(), position: position,
            runs: rows)
        }
      }
      panels.append(
        Panel(
          title: title.filter { !$0.isEmpty }.joined(separator: ", ").printable(), seriesName: seriesName, levelName: level?.name,
          cells: cells,
          isOnly: apart.isEmpty))
    }
    let batches = finished.compactMap(\.row).map { Set($0.artefact.latency.map(\.batch)) }
    batch = batches.dropFirst().reduce(batches.first ?? []) { $0.intersection($1) }.min()
    for index in panels.indices { panels[index].batch = batch }
  }
}

/// Runs that are compared with each other.
struct Panel: Sendable {
  /// Where the panel lies on the axes that are not compared, e.g. `lenet-5, mnist`; empty if there is only one.
  var title: String
  var seriesName: String
  var levelName: String?
  var cells: [Cell]
  var isOnly: Bool
  var batch: Int?

  var series: [String] { cells.map(\.series).reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
  var levels: [String] {
    cells.sorted { $0.position < $1.position }.map(\.level).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
  /// ` (lenet-5, mnist)`, behind a title.
  var suffix: String { title.isEmpty ? "" : " (\(title))" }

  func cell(_ series: String, _ level: String) -> Cell? { cells.first { $0.series == series && $0.level == level } }
  /// A level with the axis' name, e.g. `density 0.1`.
  func levelWords(_ level: String) -> String { level.isEmpty ? "" : "\(levelName ?? "level") \(level)" }

  /// Networks of the study that were never pruned, trained like the others.
  private var controls: [Cell] { cells.filter { !$0.isPruned } }
  /// Whether the study has a dense network of its own to compare with.
  var hasControls: Bool { !controls.isEmpty }

  /// Accuracies of the dense model that all are compared with, by seed: that of the study's controls, or what the runs began with. Nil if
  /// they began with different models, as where pruning goes on during training.
  private var denseBySeed: [String: Double]? {
    var bySeed: [String: [Double]] = [:]
    for run in (hasControls ? controls : cells).flatMap(\.runs) {
      if let accuracy = run.row.dense.accuracyAtEnd?.fraction { bySeed[run.seed, default: []].append(accuracy) }
    }
    guard hasControls || bySeed.values.allSatisfy({ Set($0).count == 1 }) else { return nil }
    return bySeed.compactMapValues(Statistics.mean)
  }

  /// Accuracy of the dense model that all are compared with, over seeds.
  var dense: Estimate? { denseBySeed.flatMap { Estimate($0.sorted { $0.key < $1.key }.map(\.value)) } }

  /// The mean difference of a pruned cell's accuracy to the dense model's, paired by seed; nil without a model that is dense for all.
  func change(of cell: Cell) -> Estimate? {
    guard let denseBySeed, cell.isPruned else { return nil }
    return Estimate(
      cell.runs.compactMap { run in
        guard let dense = denseBySeed[run.seed], let accuracy = run.row.pruned?.accuracyAtEnd?.fraction else { return nil }
        return accuracy - dense
      })
  }
}

/// The seeds of one place of a grid.
struct Cell: Sendable {
  var series: String
  var level: String
  var runs: [(seed: String, row: RunRecord)]
  /// The level's place on its axis.
  var position: Int

  init(series: String, level: String, position: Int, runs: [(String, RunRecord)]) {
    (self.series, self.level, self.position) = (series, level, position)
    self.runs = runs.map { (seed: $0.0, row: $0.1) }
  }

  var rows: [RunRecord] { runs.map(\.row) }
  /// Whether there is an artefact of pruning, not only a control.
  var isPruned: Bool { runs.contains { $0.row.pruned != nil } }

  /// The mean of a measure over the seeds that have it.
  func estimate(_ measure: Measure) -> Estimate? { Estimate(rows.compactMap(measure.value)) }

  /// The difference of a measure to another cell, over the seeds that both have.
  func difference(to other: Cell, in measure: Measure) -> Estimate? {
    let theirs = Dictionary(other.runs.map { ($0.seed, $0.row) }, uniquingKeysWith: { first, _ in first })
    return Estimate(
      runs.compactMap { run in
        guard let mine = measure.value(run.row), let row = theirs[run.seed], let value = measure.value(row) else { return nil }
        return mine - value
      })
  }
}
