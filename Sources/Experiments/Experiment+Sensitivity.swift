internal import Datasets
public import Networks
public import Pruning
internal import Results
public import Torch
internal import Training
internal import Words

/// What a sensitivity scan has found.
public struct SensitivityResult: Codable, Hashable, Sendable {
  /// The network's name.
  public var network: String
  /// The criterion.
  public var criterion: String
  /// `weight`, `unit` or `filter`.
  public var granularity: Granularity
  /// Which images judged, e.g. `validation`.
  public var judges: String
  /// Their number.
  public var images: Int
  /// The whole model.
  public var loss: Double
  /// The whole model.
  public var accuracy: Double
  /// Layer by layer, each in the order of the fractions.
  public var points: [SensitivityScan.Point]

  /// A table: layers × fractions, accuracies in percent.
  public var text: String {
    var fractions: [Double] = []
    for point in points where !fractions.contains(point.fraction) { fractions.append(point.fraction) }
    var table = TextTable(
      alignments: [.left, .right] + fractions.map { _ in .right },
      header: ["layer", granularity == .weight ? "weights" : "units"] + fractions.map { Format.percent($0, digits: 0) })
    var rows: [(layer: String, total: Int, cells: [String])] = []
    for point in points {
      if rows.last?.layer != point.layer { rows.append((point.layer, point.total, [])) }
      rows[rows.count - 1].cells.append(Format.fixed(100 * point.accuracy, 1))
    }
    for row in rows { table.append([row.layer, Format.count(row.total)] + row.cells) }
    return
      "\(network.inLine), \(granularity.plural) by \(criterion): accuracy in % on \(Format.count(images)) \(judges) images without a fraction of one "
      + "layer; whole: \(Format.percent(accuracy))\n\n" + table.text
  }
}

extension Experiment {
  /// Scans how sensitive each layer of a given model is; judged on the validation images, or on the test images where there are none.
  ///
  /// - Parameter device: what computes the evaluations, nearly all the work; scores and surgery are the CPU's.
  public static func sensitivity(
    _ start: Start, on plan: DataPlan, scan: SensitivityScan, ignoring ignored: [String], examples: Int, device: Device = .cpu,
    memory: MemoryLimit = .standard, note: (String) -> Void = { _ in },
    report: (SensitivityScan.Point) throws -> Void = { _ in }
  ) throws -> SensitivityResult {
    let data = try plan.load(note: note)
    let model = try Experiment(start: start, data: plan, training: nil).startingFile(for: data.training, note: note) { network, size in
      var work: [NetworkWork] = try [
        .evaluation(batch: min(network.evaluationBatchSize(), data.evaluatedCount)),
        .pruning(batch: Equivalence.examples(for: network)),
      ]
      if scan.criterion.needsExamples { work.append(.examination(of: min(examples, data.training.count))) }
      try network.check(work, within: memory, elementSize: size)
    }.model
    let judges = data.validation.map { ("validation", $0) } ?? data.test.map { ("test", $0) }
    guard let (name, judge) = judges else { throw PlanError("\(plan.dataset) has neither validation nor test images: give --validation") }
    let batches = try data.evaluationBatches(judge, for: model.network)
    func evaluate(_ model: Model) throws -> Evaluation { try model.moved(to: device).evaluate(batches) }
    var swept: SweepResult?
    var examined: EvaluationBatches?
    if scan.criterion.needsExamples {
      let found = try data.examples(examples, seed: plan.seed, channelsLast: model.network.hasConvolutions)
      let statistics = try scan.criterion.statistics(for: scan.granularity)
      swept = try statistics.isEmpty ? nil : model.sweep(found, statistics: statistics)
      examined = found
    }
    let layers =
      scan.granularity.isStructured
      ? try model.unitScores(
        scan.criterion, granularity: scan.granularity, swept: swept?.scores(scan.criterion), ignoring: ignored, seed: plan.seed)
      : try model.weightScores(
        scan.criterion, swept: swept?.weightScores(scan.criterion), examples: examined, ignoring: ignored, seed: plan.seed)
    let count = layers.count * scan.fractions.count
    if count >= 1000 {
      note("\(scan.fractions.count) fractions of each of \(layers.count) layers: up to \(Format.count(count)) evaluations")
    }
    let whole = try evaluate(model)
    return SensitivityResult(
      network: model.network.name, criterion: scan.criterion.name, granularity: scan.granularity, judges: name, images: judge.count,
      loss: whole.loss, accuracy: whole.accuracy, points: try scan.run(model, layers: layers, evaluate: evaluate, report: report))
  }
}
