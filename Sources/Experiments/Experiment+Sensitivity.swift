internal import Datasets
public import Networks
public import Pruning
internal import Results
public import Torch
public import Training
internal import Words

/// The result of a sensitivity scan.
public struct SensitivityResult: Codable, Hashable, Sendable {
  /// Name of the network.
  public var network: String
  /// Name of the criterion.
  public var criterion: String
  /// What was pruned: `weight`, `unit` or `filter`.
  public var granularity: Granularity
  /// The part of the data that was evaluated, `validation` or `test`.
  public var judges: String
  /// Number of images evaluated.
  public var images: Int
  /// Loss of the unpruned model.
  public var loss: Double
  /// Accuracy of the unpruned model.
  public var accuracy: Double
  /// Loss and accuracy of each layer, pruned alone, at each fraction; layer by layer, in the order of the fractions.
  public var points: [SensitivityScan.Point]

  /// A table of layers × fractions with accuracies in percent.
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
      "\(network.inLine), \(granularity.plural) by \(criterion): accuracy in % on \(Format.count(images)) \(judges) images "
      + "with a fraction of one layer removed; unpruned: \(Format.percent(accuracy))\n\n" + table.text
  }
}

extension Experiment {
  /// Prunes each layer of a given model alone, at several fractions, and evaluates it on the validation images, or on the test images
  /// without a validation part.
  ///
  /// - Parameters:
  ///   - device: the device of the evaluations, which are nearly all of the work; scores and surgery run on the CPU.
  ///   - examples: number of training examples for criteria that examine some.
  ///   - reader: what reads a file of weights.
  ///   - report: called with each point as it is measured.
  /// - Throws: `PlanError` if there are neither validation nor test images, and errors of reading data and model.
  public static func sensitivity(
    _ start: Start, on plan: DataPlan, scan: SensitivityScan, ignoring ignored: [String], examples: Int, device: Device = .cpu,
    memory: MemoryLimit = .standard, reader: WeightsReader = .safetensors, note: (String) -> Void = { _ in },
    report: (SensitivityScan.Point) throws -> Void = { _ in }
  ) throws -> SensitivityResult {
    let data = try plan.load(for: start, note: note)
    let model = try Experiment(start: start, data: plan, training: nil).startingFile(for: data.training, reader: reader, note: note) {
      network, size in
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
