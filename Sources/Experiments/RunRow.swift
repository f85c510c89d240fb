internal import Datasets
internal import Foundation
internal import Networks
internal import Pruning
public import Results
internal import SparseRuntime
internal import Torch
internal import Training

extension Runner {
  /// Returns the row of a finished run.
  ///
  /// Times both models alternately; the file size of the dense model is computed without writing it.
  /// - Parameters:
  ///   - command: the command line, program name first.
  ///   - version: version of Espalier.
  ///   - file: path of the written model file; nil if none was written.
  ///   - latencyBatches: batch sizes to time; empty for none, nil for those of ``Latency/batches(for:within:device:)``.
  /// - Throws: errors of building and evaluating the models.
  public func row(command: [String], version: String, file: String?, latencyBatches: [Int]? = nil) throws -> RunRecord {
    let facts = try model.facts()
    let dense = state.dense ?? facts
    // Of a large network it takes longer than everything else here, and a model file that is not timed has no use for it.
    let denseModel = latencyBatches?.isEmpty ?? false && state.startingBytes != nil ? model : try denseTwin()
    let latencyBatches = try latencyBatches ?? Latency.batches(for: denseModel, within: options.memory, device: options.device)
    let (few, threads) = (TorchRuntime.threads, self.threads)
    try TorchRuntime.configure(threads: threads)
    // Compiling holds the weights several times.
    let fits = Double(facts.parameters) * 32 <= Double(options.memory.bytes)
    let timesPlan = experiment.pruning != nil && !latencyBatches.isEmpty && options.device == .cpu && fits
    let plan = timesPlan ? try CompiledModel.leavingZerosOut(model, threads: threads) : nil
    let latency = try latencyBatches.map { try Latency.interleaved([denseModel, model], plan: plan, batch: $0, device: options.device) }
    try TorchRuntime.configure(threads: few)
    func times(_ which: Int) -> [BatchLatency] {
      zip(latencyBatches, latency).compactMap { batch, samples in
        Results.Measurement(samples[which], unit: .seconds).map { BatchLatency(batch: batch, time: $0) }
      }
    }
    let pruned = experiment.pruning != nil
    let (firstEpochs, lastEpochs) = epochTimes()
    var before = dense.artefact(latency: times(0))
    before.fileBytes = try state.startingBytes ?? fileSize(of: denseModel)
    before.epoch = firstEpochs
    if pruned {
      // The dense network's training ends with its last step, or with the first removal.
      let end = denseTraining?.last.map { min($0.iteration, state.events.first?.iteration ?? $0.iteration) }
      before.accuracyAtEnd = state.denseTest.map { Accuracy($0, iteration: end) }
      before.accuracyChosen = chosenBeforePruning.flatMap(Accuracy.init)
    } else {
      before.accuracyAtEnd = state.trainings.last?.last.flatMap(Accuracy.init)
      before.accuracyChosen = state.trainings.last?.best.flatMap(Accuracy.init)
    }
    var after: Artefact?
    if pruned {
      var artefact = facts.artefact(latency: times(1))
      if plan != nil {
        artefact.sparseLatency = times(2)
        artefact.patterns = try PatternComparison.times(of: model, batches: latencyBatches, threads: threads)
      }
      artefact.fileBytes = file.flatMap { try? FileManager.default.attributesOfItem(atPath: $0)[.size] as? Int }
      artefact.accuracyAtEnd = try (state.finalTest ?? evaluateTest()).map {
        Accuracy($0, iteration: state.trainings.last?.last?.iteration)
      }
      artefact.accuracyChosen = chosenAfterPruning.flatMap(Accuracy.init)
      artefact.epoch = lastEpochs
      after = artefact
    }
    var row = RunRecord(
      tool: Tool(version: version, libtorch: TorchRuntime.version),
      machine: .current(threads: threads, computingOn: options.device), command: command, network: model.network.name, data: dataSummary,
      seed: experiment.training?.plan.seed ?? experiment.pruning?.seed ?? 0, method: experiment.pruning?.words, dense: before,
      pruned: after,
      weights: removedWeights(dense, facts), units: removedUnits(dense, facts), collapse: collapse, proof: proof,
      unprovedSurgeries: unprovedSurgeries,
      stages: state.verdicts.map { StageAccuracy(removal: $0.event, stage: $0.stage, accuracy: Accuracy($0.test, iteration: nil)) },
      targets: state.events.compactMap(\.target).map {
        ReachedCost(
          measure: $0.measure.rawValue, original: $0.original, before: $0.before, asked: $0.asked, achieved: $0.achieved)
      },
      notes: notes, evaluations: evaluationPoints,
      trainingSeconds: state.trainings.isEmpty ? nil : state.seconds,
      steps: state.trainings.isEmpty ? nil : state.trainings.reduce(0) { $0 + $1.iterations }, peakMemory: Machine.peakMemory)
    row.removals = removalRecords
    row.work = state.work
    row.distillation = distillationSummary
    row.agreement = try agreement()
    if experiment.pruning?.granularity == .weight { row.inputs = try model.inputReads(of: data?.training.shape) }
    for outcome in state.found { outcome.fill(&row, of: self) }
    return row
  }

  private var compaction: Compaction? { state[Compaction.self] }

  private var evaluationPoints: [EvaluationPoint]? {
    var points: [EvaluationPoint] = []
    var (steps, epochs): (Int, Double?) = (0, 0)
    for (number, training) in state.trainings.enumerated() {
      func inEpochs(_ iterations: Int) -> Double? {
        training.iterationsPerEpoch.flatMap { perEpoch in epochs.map { $0 + Double(iterations) / Double(max(perEpoch, 1)) } }
      }
      points += training.evaluations.compactMap { record in
        record.validation.map {
          EvaluationPoint(
            training: number, step: steps + record.iteration, epoch: inEpochs(record.iteration), accuracy: $0.accuracy, loss: $0.loss)
        }
      }
      (steps, epochs) = (steps + training.iterations, inEpochs(training.iterations))
    }
    return points.isEmpty ? nil : points
  }

  private var removalRecords: [RemovalRecord]? {
    state.events.isEmpty
      ? nil
      : state.events.map {
        RemovalRecord(
          number: $0.number, step: $0.iteration, removed: $0.removed, kept: $0.kept, before: $0.before?.accuracy, after: $0.after?.accuracy,
          surgerySeconds: $0.surgerySeconds)
      }
  }

  /// A model of the dense network's shape; time and size do not depend on its weights.
  private func denseTwin() throws -> Model {
    guard let network = state.denseNetwork else { return model }
    return try Model(network, seed: 0)
  }

  private var denseTraining: RunState.TrainingResult? { state.trainings.first { $0.phase == "training" } }

  /// The evaluation of lowest validation loss after the last removal.
  private var chosenAfterPruning: EvaluationRecord? {
    guard let last = state.events.last, let training = state.trainings.last else { return nil }
    if let settled = state[RegrowthReport.self]?.settled {
      return Self.best(of: training.evaluations.filter { $0.iteration > settled || $0.iteration == training.iterations })
    }
    if case .during = experiment.pruning?.timing { return Self.best(of: training.evaluations.filter { $0.iteration > last.iteration }) }
    return training.phase == "training" ? nil : training.best
  }

  /// The evaluation of lowest validation loss up to the first removal.
  private var chosenBeforePruning: EvaluationRecord? {
    guard case .during = experiment.pruning?.timing, let first = state.events.first else { return denseTraining?.best }
    return Self.best(of: denseTraining?.evaluations.filter { $0.iteration <= first.iteration } ?? [])
  }

  private static func best(of evaluations: [EvaluationRecord]) -> EvaluationRecord? {
    var log = TrainingLog()
    log.evaluations = evaluations
    return log.best
  }

  private func epochTimes() -> (first: Results.Measurement?, last: Results.Measurement?) {
    guard case .during(let every, _) = experiment.pruning?.timing, let seconds = state.trainings.last?.epochSeconds,
      case .epochs(let span) = every, span <= seconds.count / 2
    else {
      let first = denseTraining.flatMap { Results.Measurement($0.epochSeconds, unit: .seconds) }
      let last = state.trainings.last.flatMap { Results.Measurement($0.epochSeconds, unit: .seconds) }
      return (first, last)
    }
    return (
      Results.Measurement(Array(seconds.prefix(span)), unit: .seconds), Results.Measurement(Array(seconds.suffix(span)), unit: .seconds)
    )
  }

  private var dataSummary: DataSummary? {
    guard let data, let plan = experiment.data else { return nil }
    if let plans = experiment.sequence?.datasets {
      let notes = sequence.flatMap { [$0.training.partialNote, $0.test?.partialNote] }.compactMap(\.self)
      return DataSummary(
        name: plans.map(\.dataset).joined(separator: ", "), note: notes.isEmpty ? nil : notes.joined(separator: "; "),
        training: sequence.reduce(0) { $0 + $1.training.count },
        subsetOf: plans.contains { $0.subset != nil } ? sequence.reduce(0) { $0 + $1.training.fileCount } : nil,
        validation: sequence.reduce(0) { $0 + ($1.validation?.count ?? 0) }, test: sequence.reduce(0) { $0 + ($1.test?.count ?? 0) })
    }
    return DataSummary(plan, data)
  }

  private var proof: Proof? {
    let differences = state.events.compactMap(\.proof) + [compaction?.proof].compactMap(\.self)
    guard let largest = differences.max() else { return nil }
    let constant = state.events.count { $0.hasConstantOutput ?? false } + (compaction?.hasConstantOutput ?? false ? 1 : 0)
    return Proof(surgeries: differences.count, largestRelativeDifference: largest, constantOutputs: constant > 0 ? constant : nil)
  }

  /// Number of surgeries that were not proved; nil if there are none.
  private var unprovedSurgeries: Int? {
    guard let pruning = experiment.pruning, pruning.temporary == nil else { return nil }
    let removals =
      pruning.granularity.isStructured
      ? state.events.count { $0.removed > 0 && $0.proof == nil } : compaction?.hasCut ?? false && compaction?.proof == nil ? 1 : 0
    return removals > 0 ? removals : nil
  }

  private func removedWeights(_ dense: ModelFacts, _ now: ModelFacts) -> Removal? {
    guard let pruning = experiment.pruning, pruning.granularity == .weight, pruning.temporary == nil else { return nil }
    // The weights removed by selection; compaction may have removed kept weights of dead units as well. Ignored layers do not count.
    let total = state.events.last?.prunable ?? dense.prunableWeights
    let asked = askedFraction(pruning, of: total)
    guard let kept = state[RegrowthReport.self]?.kept ?? state.events.last?.kept else {
      return Removal(asked: asked, removed: 0, of: total)
    }
    var removal = Removal(asked: asked, askedCount: askedCount(pruning), removed: total - kept, of: total, earlier: earlier)
    guard compaction != nil, let masks = try? MaskSet(model),
      let names = try? pruning.countedNames(in: state.denseNetwork ?? model.network)
    else { return removal }
    // Weights of dead units leave the layers that were left alone, too, but were never among those counted.
    let counted = masks.layers.filter { names.contains($0.name) }
    let there = counted.reduce(0) { $0 + $1.kept }
    let nonZero = counted.reduce(0) { $0 + ((try? model.tensor(ParameterName($1.name, .weight)).detached().nonZeroCount()) ?? 0) }
    removal.ignored = (masks.kept - there).ifAny
    removal.dead = (kept - there).ifAny
    removal.zeros = (there - nonZero).ifAny
    return removal
  }

  /// Number of weights or units removed in earlier runs; nil if there are none.
  var earlier: Int? {
    guard let first = state.events.first, let total = first.prunable else { return nil }
    return (total - first.kept - first.removed).ifAny
  }

  /// The fraction that the plan asks to be removed in total: 1 − (1 − p)^k for k removals of a fraction p of what is left.
  private func askedFraction(_ pruning: PruningPlan, of total: Int) -> Double? {
    switch pruning.amount {
    case .total(let fraction): return fraction
    case .perEvent(let fraction):
      guard let first = state.events.first, let last = state.events.last, total > 0 else { return nil }
      // A model that was pruned before has less left to remove.
      let start = Double(first.kept + first.removed) / Double(total)
      return 1 - start * pow(1 - fraction, Double(last.number))
    case .cost, .threshold, .deviations, .learned: return nil
    }
  }

  /// The number that was asked for, as counted by the removals; nil for a total, where the fraction in the row says it.
  private func askedCount(_ pruning: PruningPlan) -> Int? { if case .perEvent = pruning.amount { state.events.last?.asked } else { nil } }

  private var collapse: LayerCollapse? {
    let first = state.events.lazy.compactMap(\.collapse).first
    let things = experiment.pruning?.granularity.isStructured ?? false ? "units" : nil
    return first.map { LayerCollapse(layers: $0.layers, removal: $0.removal, kept: $0.kept, of: $0.prunable, things: things) }
  }

  private func removedUnits(_ dense: ModelFacts, _ now: ModelFacts) -> Removal? {
    guard let pruning = experiment.pruning, pruning.granularity != .weight, pruning.temporary == nil else { return nil }
    guard let last = state.events.last else { return Removal(asked: askedFraction(pruning, of: 0), removed: 0, of: 0) }
    let total = last.prunable ?? last.kept + state.events.reduce(0) { $0 + $1.removed }
    var removal = Removal(
      asked: askedFraction(pruning, of: total), askedCount: askedCount(pruning), removed: total - last.kept, of: total,
      things: pruning.granularity == .filter ? "filters" : nil, earlier: earlier)
    removal.ignored = now.units.flatMap { ($0 - last.kept).ifAny }
    return removal
  }

  private func fileSize(of model: Model) throws -> Int? {
    var file = self.file()
    file.model = model
    file.history = []
    return try file.byteCount
  }
}

extension DataSummary {
  /// Sums up the images of a training.
  init(_ plan: DataPlan, _ data: TrainingData) {
    let unknown = data.training.isLabelled ? nil : "the training examples have no labels"
    let notes = [data.training.partialNote, data.test?.partialNote, unknown].compactMap(\.self)
    self.init(
      name: plan.dataset, note: notes.isEmpty ? nil : notes.joined(separator: "; "), training: data.training.count,
      subsetOf: plan.subset == nil ? nil : data.training.fileCount, validation: data.validation?.count ?? 0,
      test: data.test?.count ?? 0)
  }
}

extension Accuracy {
  init(_ evaluation: Evaluation, iteration: Int?) {
    self.init(correct: evaluation.correct, count: evaluation.count, loss: evaluation.loss, iteration: iteration)
  }

  init?(_ record: EvaluationRecord) {
    guard let test = record.test else { return nil }
    self.init(test, iteration: record.iteration)
  }
}

extension ModelFacts {
  func artefact(latency: [BatchLatency]) -> Artefact {
    Artefact(
      parameters: parameters, prunableWeights: prunableWeights, nonZeroWeights: nonZeroWeights,
      widths: widths.map { LayerWidth(layer: $0.layer, units: $0.units) }, units: units, tensorBytes: bytes, macs: macs,
      effectiveMACs: effectiveMACs,
      latency: latency)
  }
}

extension Int {
  /// The number itself, or nil if it is 0.
  fileprivate var ifAny: Int? { self > 0 ? self : nil }
}
