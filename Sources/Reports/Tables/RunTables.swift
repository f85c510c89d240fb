internal import Results

extension ReportTable {
  /// The honest row of each finished run, its dense model beside it.
  static func runs(_ study: StudyResult) -> ReportTable {
    let finished = study.runs.compactMap { run in run.row.map { (run, $0) } }
    let batches = Set(finished.flatMap { $0.1.artefact.latency.map(\.batch) }).sorted()
    let axes = study.axes.map(\.name)
    var table = ReportTable(
      id: "runs",
      caption: "Every finished run. Accuracy is that on the test set ± its standard error; beside it that of the model before pruning, the "
        + "control. Latency is the median (quartiles) of a forward pass.",
      columns: (axes.isEmpty ? ["network"] : axes).map { .init(title: $0, isNumber: false) }
        + ["accuracy", "validation-chosen", "dense", "change", "removed", "asked", "non-zero weights", "file", "MACs", "non-zero MACs"].map
      {
        .init(title: $0)
      }
        + batches.map { .init(title: "latency, batch \($0)") } + ["training", "steps", "peak memory"].map { .init(title: $0) }
        + ["faster?", "surgery proof"].map { .init(title: $0, isNumber: false, isWide: true) })
    for (run, row) in finished {
      let artefact = row.artefact
      var cells: [Cell] = axes.isEmpty ? [.init(row.network)] : axes.map { .init(run.place[$0], run.place[$0].flatMap(Double.init)) }
      func accuracy(_ value: Accuracy?) -> Cell {
        .init(value.map { Format.percent($0.fraction, standardError: $0.standardError) }, value?.fraction)
      }
      func count(_ value: Int?, _ format: (Int) -> String = Format.count) -> Cell { .init(value.map(format), value.map(Double.init)) }
      let removal = row.weights ?? row.units
      let things = row.weights == nil ? row.units?.things ?? "units" : "weights"
      cells += [
        accuracy(artefact.accuracyAtEnd), accuracy(artefact.accuracyChosen), accuracy(row.dense.accuracyAtEnd),
        .init(row.change.map { Format.points($0) }, row.change),
        .init(
          removal.map { "\(Format.percent($0.achieved, digits: 3)) (\(Format.count($0.removed)) of \(Format.count($0.total)) \(things))" },
          removal?.achieved),
        .init(removal?.asked.map { Format.percent($0, digits: 3) }, removal?.asked), count(artefact.nonZeroWeights),
        count(artefact.fileBytes, Format.bytes), count(artefact.macs, Format.large), count(artefact.effectiveMACs, Format.large),
      ]
      for batch in batches {
        let time = artefact.time(batch: batch)
        cells.append(.init(time?.text, time?.median))
      }
      cells += [
        .init(row.trainingSeconds.map { Format.duration($0) }, row.trainingSeconds), count(row.steps), count(row.peakMemory, Format.bytes),
        row.inference.map { .init($0.answer.words, tone: $0.answer.tone) } ?? .init(nil), .init(row.proofWords),
      ]
      table.rows.append(cells)
    }
    return table
  }

  /// The runs without a result, with what is known of them.
  static func unfinished(_ study: StudyResult) -> ReportTable {
    var table = ReportTable(
      id: "unfinished", caption: "Runs without a result. Failed ones say why; the others are still to be done.",
      columns: (study.axes.map(\.name) + ["state"]).map { .init(title: $0, isNumber: false) }
        + ["reason", "command"].map { .init(title: $0, isNumber: false, isWide: true) })
    for run in study.runs where run.row == nil {
      table.rows.append(
        study.axes.map { .init(run.place[$0.name], run.place[$0.name].flatMap(Double.init)) } + [
          .init(run.state.rawValue, tone: run.state == .failed ? .bad : .open), .init(run.failure),
          .init(run.command.isEmpty ? nil : run.command.shellWords),
        ])
    }
    return table
  }

  /// Claims with the evidence.
  static func claims(_ claims: [ClaimResult]) -> ReportTable {
    var table = ReportTable(
      id: "claims",
      caption:
        "\(claims.contains { !$0.source.isEmpty } ? "Claims of the papers" : "Claims"). Measured: mean over n seeds with its one-sided 95 % bounds, against the claim's threshold, the dashed line.",
      columns: [
        .init(title: "claim", isNumber: false), .init(title: "statement", isNumber: false, isWide: true), .init(title: "measured"),
        .init(title: "interval"),
        .init(title: "threshold"), .init(title: "n"), .init(title: "verdict", isNumber: false),
        .init(title: "setting", isNumber: false, isWide: true),
        .init(title: "evidence", isNumber: false),
      ])
    for claim in claims {
      let words = claim.lower.flatMap { lower in claim.upper.map { "\(claim.digits(lower)) to \(claim.digits($0))" } }
      var interval = Cell(words, claim.lower)
      if let mean = claim.mean, let mark = claim.threshold {
        interval.range = Cell.Range(lower: claim.lower ?? mean, value: mean, upper: claim.upper ?? mean, mark: mark)
        interval.text = words ?? claim.digits(mean)
      }
      table.rows.append([
        .init(claim.id), .init("\(claim.statement)\(claim.source.isEmpty ? "" : " (\(claim.source))") — \(claim.measure)"),
        .init(claim.mean.map(claim.number), claim.mean), interval,
        .init(claim.threshold.map(claim.number), claim.threshold), .init(Format.count(claim.count), Double(claim.count)),
        .init(claim.verdict.rawValue, tone: claim.verdict.tone), .init(claim.setting ?? (claim.source.isEmpty ? nil : "the paper's")),
        .init(claim.evidence),
      ])
    }
    return table
  }

  /// Machines and versions, each distinct value once.
  static func environment(_ rows: [RunRecord]) -> ReportTable {
    var table = ReportTable(
      id: "environment", caption: "Where the numbers come from: each distinct value over all finished runs.",
      columns: [.init(title: "what", isNumber: false), .init(title: "value", isNumber: false, isWide: true)])
    func add(_ what: String, _ value: (RunRecord) -> String?) {
      let values = rows.compactMap(value).reduce(into: [String]()) { if !$1.isEmpty, !$0.contains($1) { $0.append($1) } }
      if !values.isEmpty { table.rows.append([.init(what), .init(values.joined(separator: "; "))]) }
    }
    add("espalier") { $0.tool.version }
    add("libtorch") { $0.tool.libtorch }
    add("processor") { "\($0.machine.processor), \(English.count($0.machine.cores, "core"))" }
    add("threads") { String($0.machine.threads) }
    add("memory") { Format.bytes($0.machine.memory) }
    add("system") { $0.machine.system }
    add("device") { $0.machine.device + ($0.machine.accelerator.map { " (\($0))" } ?? "") }
    add("network") { $0.network }
    add("data") { row in
      row.data.map { data in
        "\(data.name): \(Format.count(data.training)) training" + (data.subsetOf.map { " (of \(Format.count($0)))" } ?? "")
          + ", \(Format.count(data.validation)) validation, \(Format.count(data.test)) test" + (data.note.map { "; \($0)" } ?? "")
      }
    }
    let seeds = Set(rows.map(\.seed)).sorted()
    let shown = seeds.prefix(20).map { String($0) }.joined(separator: ", ") + (seeds.count > 20 ? ", …" : "")
    if !seeds.isEmpty { table.rows.append([.init("seeds"), .init(shown)]) }
    return table
  }
}

extension RunRecord {
  fileprivate var proofWords: String? {
    if let collapse { return "collapsed: " + collapse.words }
    guard let proof else { return unprovedSurgeries.map { "\(English.count($0, "surgery")) not proved" } }
    let constant = proof.constantOutputs ?? 0
    if constant >= proof.surgeries { return "constant output, proves nothing" }
    return
      "differs by at most \(Format.significant(proof.largestRelativeDifference, 2)) (allowed \(Format.significant(proof.tolerance, 2)))"
  }
}

extension InferenceVerdict.Answer {
  fileprivate var words: String {
    switch self {
    case .faster: "faster"
    case .partlyFaster: "faster at some batch sizes"
    case .undecided: "undecided"
    case .slower: "slower"
    case .notMeasured: "not measured"
    case .unchanged: "no, tensors keep their size"
    }
  }

  fileprivate var tone: ReportTable.Cell.Tone? {
    switch self {
    case .faster: .good
    case .slower: .bad
    case .partlyFaster, .undecided: .open
    case .notMeasured, .unchanged: nil
    }
  }
}

extension ClaimResult.Verdict {
  fileprivate var tone: ReportTable.Cell.Tone? {
    switch self {
    case .holds: .good
    case .fails: .bad
    case .undecided: .open
    case .untested: nil
    }
  }
}
