internal import Words

extension RunRecord {
  /// Returns the row as text: a table dense | pruned | change, then facts that are not pairs of numbers, then the verdict.
  ///
  /// If a layer collapsed, a table of the weights kept in each layer stands in between.
  /// - Parameters:
  ///   - width: the width at which facts are wrapped; tables are not.
  ///   - showsLayers: whether to show the table of layers even without a collapse.
  public func text(width: Int = 100, showsLayers: Bool = false) -> String {
    let survivors = showsLayers || collapse != nil ? layers.map { $0.text + "\n" } ?? "" : ""
    let arms = (meta.map { $0.text + "\n" } ?? "") + (sequence.map { $0.text + "\n" } ?? "")
    return TextTable.wrapped(title, width: width) + "\n\n" + table.text + "\n" + survivors + arms + TextTable.facts(facts, width: width)
  }

  private var title: String {
    network.inLine + (data.map { " on \($0.name.inLine)" } ?? "") + ", seed \(seed)" + (method.map { ": " + $0 } ?? "")
  }

  private var table: TextTable {
    var table = TextTable(
      alignments: [.left, .right, .right, .right], header: pruned == nil ? ["", "model"] : ["", "dense", "pruned", "change"])
    func row(_ label: String, _ cell: (Artefact) -> String?, change: (Artefact, Artefact) -> String?) {
      let before = cell(dense)
      guard let pruned else {
        if let before { table.append([label, before]) }
        return
      }
      let after = cell(pruned)
      if before == nil && after == nil { return }
      table.append([label, before ?? "–", after ?? "–", change(dense, pruned) ?? "–"])
    }
    func size(_ label: String, _ value: @escaping (Artefact) -> Int?, _ format: (Int) -> String = Format.count) {
      row(label, { value($0).map(format) }) { before, after in
        guard let a = value(before), let b = value(after) else { return nil }
        return Format.ratio(a == 0 ? nil : Double(b) / Double(a))
      }
    }
    func accuracy(_ label: String, _ value: @escaping (Artefact) -> Accuracy?) {
      row(label, { value($0).map { Format.percent($0.fraction, standardError: $0.standardError) } }) { before, after in
        guard let a = value(before), let b = value(after) else { return nil }
        return Format.points(b.fraction - a.fraction)
      }
    }
    func time(_ label: String, _ value: @escaping (Artefact) -> Measurement?) {
      row(label, { value($0)?.text }) { before, after in
        guard let a = value(before), let b = value(after), a.median > 0 else { return nil }
        return Format.ratio(b.median / a.median) + (b.order(to: a) == .undecided ? " (overlap)" : "")
      }
    }
    accuracy("test accuracy, end of training") { $0.accuracyAtEnd }
    accuracy("test accuracy, validation-chosen") { $0.accuracyChosen }
    row("test loss, end of training", { $0.accuracyAtEnd.map { Format.fixed($0.loss, 4) } }) { before, after in
      guard let a = before.accuracyAtEnd?.loss, let b = after.accuracyAtEnd?.loss else { return nil }
      return (b >= a ? "+" : "") + Format.fixed(b - a, 4)
    }
    size("parameters") { $0.parameters }
    size("prunable weights") { $0.prunableWeights }
    size("non-zero weights") { $0.nonZeroWeights }
    size("units") { $0.units }
    size("outputs of all layers") { $0.outputs }
    size("tensors", { $0.tensorBytes }, Format.bytes)
    size("file", { $0.fileBytes }, Format.bytes)
    size("plain file after gzip", { $0.gzipBytes }, Format.bytes)
    size("MACs", { $0.macs }, Format.large)
    size("MACs of non-zero weights", { $0.effectiveMACs }, Format.large)
    for batch in batches { time("latency, batch \(batch)") { side in side.latency.first { $0.batch == batch }?.time } }
    time("training epoch") { $0.epoch }
    return table
  }

  private var batches: [Int] {
    let all = dense.latency + (pruned?.latency ?? [])
    return Set(all.map(\.batch)).sorted()
  }

  private var facts: [(label: String, words: String)] {
    var facts: [(label: String, words: String)] = []
    if let weights { facts.append(("sparsity", weights.words(of: "weights"))) }
    if let units { facts.append((units.things ?? "units", units.words(of: units.things ?? "units"))) }
    if let collapse { facts.append(("COLLAPSED", collapse.words)) }
    if let widths = widthWords { facts.append(("widths", widths)) }
    if let proof { facts.append(("proof", proof.words)) }
    if let unprovedSurgeries {
      let surgeries = unprovedSurgeries == 1 ? "1 surgery" : "\(Format.count(unprovedSurgeries)) surgeries"
      facts.append((proof == nil ? "proof" : "", "\(surgeries) not proved (--no-proof)"))
    }
    if let distillation { facts.append(("distillation", distillation.words)) }
    for note in notes ?? [] { facts.append((note.subject, note.words)) }
    if let agreement { facts.append(("agreement", agreement.words)) }
    if let stageWords { facts.append(("accuracy", stageWords)) }
    if let regrowth { facts.append(("regrowth", regrowth.words)) }
    if let meta { facts.append(("tasks", meta.words)) }
    facts += sequence?.facts ?? []
    if let gapWords { facts.append(("generalization", gapWords)) }
    if let flatness { facts.append(("flatness", flatness.words)) }
    if let target = targets.last { facts.append(("target", target.words)) }
    if let dataWords { facts.append(("data", dataWords)) }
    facts.append(("latency", latencyWords))
    if let sparseWords { facts.append(("sparse runtime", sparseWords)) }
    if let faster = PatternLatency.fastest(of: pruned?.patterns ?? []) { facts.append(("faster as", faster.words)) }
    if let trainingSeconds {
      facts.append(("training", Format.duration(trainingSeconds) + (steps.map { ", \(Format.count($0)) steps" } ?? "")))
    }
    facts.append(("peak memory", Format.bytes(peakMemory)))
    let threads = machine.threads == 1 ? "1 thread" : "\(machine.threads) threads"
    let device = machine.device == "cpu" ? "" : ", \(machine.device)\(machine.accelerator.map { " (\($0))" } ?? "")"
    facts.append(("machine", "\(machine.processor), \(threads)\(device), espalier \(tool.version), libtorch \(tool.libtorch)"))
    if let commandLine { facts.append(("command", commandLine)) }
    if let inference { facts.append(("inference", inference.words)) }
    return facts
  }

  /// The command as it can be typed again: the program without its folder, words quoted where a shell needs it.
  private var commandLine: String? {
    guard let program = command.first else { return nil }
    let name = program.split(separator: "/").last.map(String.init) ?? program
    return ([name] + command.dropFirst()).shellWords
  }

  /// A line such as `dense 91.80 % → pruned 12.10 % → repaired 70.30 % → end 89.00 %`, for the last removal.
  private var stageWords: String? {
    guard let last = stages.last else { return nil }
    var words = dense.accuracyAtEnd.map { ["dense \(Format.percent($0.fraction))"] } ?? []
    words += stages.filter { $0.removal == last.removal }.map { "\($0.stage) \(Format.percent($0.accuracy.fraction))" }
    if let end = pruned?.accuracyAtEnd { words.append("end \(Format.percent(end.fraction))") }
    return words.joined(separator: " → ") + (last.removal > 1 ? " (test set, removal \(last.removal))" : " (test set)")
  }

  /// Number of samples for each batch, and how certain the median is that is less so, e.g. `batch 1: 6 samples, medians within ± 0.8 %
  /// (95 % confidence)`.
  private var latencyWords: String {
    let sides = [dense, pruned].compactMap(\.self)
    let parts = batches.map { batch in
      let times = sides.compactMap { $0.latency.first { $0.batch == batch }?.time }
      let samples = Format.count(times.map(\.count).min() ?? 0)
      let uncertainties = times.compactMap(\.uncertainty)
      guard uncertainties.count == times.count, let worst = uncertainties.max(), let level = times.first?.interval?.level else {
        return "batch \(batch): \(samples) samples"
      }
      let within = "within ± \(Format.percent(worst, digits: 1)) (\(Format.percent(level, digits: 0)) confidence)"
      return "batch \(batch): \(samples) samples, \(times.count == 1 ? "median" : "medians") \(within)"
    }
    return parts.isEmpty ? "not measured" : "median (quartiles); " + parts.joined(separator: "; ")
  }

  /// The sparse runtime's times, e.g. `0.104 ms at batch 1 (0.21× the dense model's), 1.9 ms at batch 64 (0.18×)`.
  private var sparseWords: String? {
    guard let times = pruned?.sparseLatency, !times.isEmpty else { return nil }
    let parts = times.map { latency in
      let before = dense.latency.first { $0.batch == latency.batch }?.time.median
      let ratio = before.map { " (\(Format.ratio(latency.time.median / $0)) the dense model's)" } ?? ""
      return "\(Format.duration(latency.time.median)) at batch \(latency.batch)\(ratio)"
    }
    return parts.joined(separator: ", ")
  }

  private var dataWords: String? {
    guard let data else { return nil }
    var words = "\(Format.count(data.training)) training"
    if let all = data.subsetOf { words += " (of \(Format.count(all)))" }
    words += ", \(Format.count(data.validation)) validation, \(Format.count(data.test)) test images; accuracy ± standard error"
    let sides = pruned.map { [("dense", dense), ("pruned", $0)] } ?? [("", dense)]
    let chosen = sides.compactMap { side, artefact in
      artefact.accuracyChosen?.iteration.map { (side.isEmpty ? "" : side + " ") + "step \(Format.count($0))" }
    }
    if !chosen.isEmpty { words += "; lowest validation loss: " + chosen.joined(separator: ", ") }
    return words + (data.note.map { "; " + $0 } ?? "")
  }

  /// The layers whose widths differ; a layer that is gone has width 0.
  private var widthWords: String? {
    guard let pruned else { return nil }
    let after = Dictionary(pruned.widths.map { ($0.layer, $0.units) }, uniquingKeysWith: { first, _ in first })
    let changed = dense.widths.filter { after[$0.layer] != $0.units }
    guard !changed.isEmpty else { return nil }
    return changed.map { "\($0.layer) \($0.units) → \(after[$0.layer] ?? 0)" }.joined(separator: ", ")
  }
}

extension Removal {
  /// A line such as `asked 90.000 %, achieved 90.000 % (239,580 of 266,200 weights, 26,620 left; 202 of these in dead units that were cut
  /// out)`.
  fileprivate func words(of things: String) -> String {
    var counts = "\(Format.count(removed)) of \(Format.count(total)) \(things)"
    if let earlier { counts += ", \(Format.count(earlier)) of them before this run" }
    counts += ", \(Format.count(left)) left"
    // These explain why the table shows another number.
    var others: [String] = []
    if let dead { others.append("\(Format.count(dead)) of these in dead units that were cut out") }
    if let zeros { others.append("\(Format.count(zeros)) of these 0") }
    if let ignored { others.append("\(Format.count(ignored)) other \(things == "filters" ? "units" : things) left alone") }
    if !others.isEmpty { counts += "; " + others.joined(separator: ", ") }
    let achieved = "achieved \(Format.percent(achieved, digits: 3)) (\(counts))"
    guard let asked else { return achieved }
    return "asked \(Format.percent(asked, digits: 3))\(askedCount.map { " (\(Format.count($0)))" } ?? ""), \(achieved)"
  }
}

extension Proof {
  /// How far the outputs differ, or that they prove nothing.
  fileprivate var words: String {
    let count = surgeries == 1 ? "1 surgery" : "\(Format.count(surgeries)) surgeries"
    let constant = constantOutputs ?? 0
    guard constant < surgeries else {
      return "constant output: whatever goes in, the masked and the compacted network say the same, which proves nothing (\(count))"
    }
    return "masked and compacted outputs differ by at most \(Format.significant(largestRelativeDifference, 2)) of the largest output "
      + "(\(count); allowed \(Format.significant(tolerance, 2)))"
      + (constant == 0 ? "" : "; after \(Format.count(constant)) of them constant output, of which it proves nothing")
  }
}

extension ReachedCost {
  /// A line such as `macs 40.81 M → 20.38 M (asked at most 20.41 M)`.
  fileprivate var words: String {
    func number(_ value: Double) -> String {
      switch measure {
      case "latency": Format.significant(value * 1e3, 4) + " ms"
      case "bytes": Format.bytes(Int(saturating: value))
      default: Format.large(Int(saturating: value))
      }
    }
    let way = before.map { "\(number($0)) before this run → " } ?? ""
    return "\(measure) \(number(original)) → \(way)\(number(achieved)) (asked at most \(number(asked)))"
  }
}
