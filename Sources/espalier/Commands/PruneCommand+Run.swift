internal import ArgumentParser
internal import Experiments
internal import Pruning
internal import Training
internal import Words

/// The work of a `prune` command line whose options have been checked.
protocol PruneJob {
  /// Does the work.
  func callAsFunction() throws
}

extension ExperimentRun: PruneJob {}

extension PruneCommand {
  /// Returns the job of the chosen method: a run of its stages, unless the method has a face of its own.
  func job(_ typed: GivenOptions) throws -> any PruneJob {
    if let face = MethodFaces.all.first(where: { $0.method == pruning.method }) { return try face.job(self, typed) }
    return try run(typed)
  }

  /// Returns the run that the options describe.
  ///
  /// - Throws: `PlanError`, `PruningError`, `UnknownMethod` and `ValidationError` for an impossible run.
  func run(_ typed: GivenOptions) throws -> ExperimentRun {
    let method = try pruning.method.map { try PruningMethod.named($0) }
    for group in MethodFaces.optionGroups { try group.refuseOthers(than: method?.name, typed) }
    if training.initialization != nil, let own = given.model ?? (classes == nil ? given.weights ?? given.onnx : nil) {
      throw PlanError("--initialization draws fresh weights: \(own) has its own")
    }
    let meta = try metaPruning.plan(for: method, keepIf: intersection.keepIf)
    var plan = try plan(of: method)
    if meta != nil { plan.timing = try metaTiming(plan.timing, typed) }
    let sequence = try sequence(for: method, typed)
    if let sequence { plan = try self.plan(plan, over: sequence) }
    var (dense, recovery) = try sequence == nil ? trainings(of: plan, method, meta, typed) : (training.plan(seed: running.seed), nil)
    if dense == nil, recovery == nil, let option = training.firstGivenOfTraining(typed) {
      throw PlanError("\(option) goes with training, and there is none")
    }
    try distill(from: distillation.plan, in: plan, &dense, &recovery)
    if layers, plan.granularity.isStructured {
      throw PlanError("--layers shows kept weights: it does not go with --granularity \(plan.granularity.rawValue)")
    }
    if pack, let path = output.output, path.hasONNXEnding {
      throw PlanError("--pack packs a model file, and --output \(path.inLine) is an ONNX file")
    }
    let experiment = Experiment(
      start: given.start, data: try sequence?.datasets.last ?? dataPlan(for: plan, trains: dense != nil || recovery != nil),
      classes: classes,
      initialization: training.initialization ?? method?.training?.initialization ?? .kaimingUniform,
      training: dense, slimming: training.slimming, l1: training.l1, pruning: plan, recovery: recovery,
      meta: meta, sequence: sequence, flatness: try row.measurement(seed: running.seed))
    try experiment.validate()
    return ExperimentRun(
      experiment: experiment, run: running, output: output, checkpoints: checkpoints, path: output.output ?? "pruned.safetensors",
      kernels: training.kernels, proves: !pruning.noProof, latencyBatches: row.latencyBatches, showsLayers: layers, packs: pack)
  }

  /// Returns the training before or during pruning, and the training after each round.
  private func trainings(
    of plan: PruningPlan, _ method: PruningMethod?, _ meta: MetaPruningPlan?, _ typed: GivenOptions
  ) throws -> (dense: TrainingPlan?, recovery: TrainingPlan?) {
    if let meta { return (try outerTraining(meta, typed), nil) }
    let epochs = try training.length()
    let trains = epochs.iterations(perEpoch: 1) > 0
    switch plan.timing {
    case .during:
      guard plan.regrowth == nil || trains else {
        throw PlanError("--method \(plan.method ?? "") prunes during training: --epochs 0 leaves nothing to train")
      }
      return (try training.plan(seed: running.seed), nil)
    case .everyStep: return (try plan.gates == nil ? scoreTraining(method) : gateTraining(plan), nil)
    case .atStart: return (trains ? try training.plan(seed: running.seed) : nil, nil)
    case .rounds(_, let length):
      // A model file and given weights have already been trained.
      let trained = given.model ?? given.weights ?? given.onnx
      if let trained, timing.recovery != nil, trains, typed.has("--epochs") {
        let isNone = length.iterations(perEpoch: 1) == 0
        throw PlanError(
          "--epochs \(epochs) trains nothing: \(trained) is trained already, and --recovery \(length) "
            + (isNone
              ? "leaves no training after a removal; give --recovery \(epochs), or --epochs 0"
              : "is the training after a removal; leave --epochs out"))
      }
      let dense = trained == nil && trains ? try training.plan(seed: running.seed) : nil
      var recovery = length.iterations(perEpoch: 1) > 0 ? try training.plan(length: length, seed: running.seed) : nil
      recovery?.learningRate.base *= method?.recoveryRate ?? 1
      return (dense, recovery)
    }
  }

  /// Has trainings learn from a teacher: all from a given one or the weights that the run begins with, those after a removal from the
  /// network that the run has trained before.
  private func distill(
    from distillation: Distillation?, in plan: PruningPlan, _ dense: inout TrainingPlan?, _ recovery: inout TrainingPlan?
  ) throws {
    guard let distillation else { return }
    var trainsTeacher = false
    if case .rounds = plan.timing { trainsTeacher = distillation.teacher == nil && !given.hasWeights }
    if !trainsTeacher { dense?.distillation = distillation }
    recovery?.distillation = distillation
    guard dense?.distillation == nil, recovery == nil else { return }
    throw PlanError("--distill goes with training after a removal, and there is none")
  }

  /// Returns the data plan; nil if no images are needed.
  private func dataPlan(for plan: PruningPlan, trains: Bool) throws -> DataPlan? {
    // A model file is read for its data set only if nothing else names one.
    let fallback = try data.dataset == nil ? given.trainingDataset() : nil
    if data.dataset == nil, fallback == nil {
      guard trains || plan.needsExamples || row.flatness else { return nil }
      if !trains {
        guard plan.needsExamples else { throw ValidationError("--flatness needs training images: give --dataset") }
        guard plan.repairs.isEmpty || plan.criterion.needsExamples else {
          throw ValidationError("--repair needs training images: give --dataset")
        }
        throw PruningError.needsData(criterion: plan.criterion.name)
      }
    }
    return try data.plan(seed: running.seed, fallback: fallback)
  }
}
