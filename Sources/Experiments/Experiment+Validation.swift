internal import Datasets
internal import Pruning
internal import Training

extension Experiment {
  /// Checks that nothing in the run needs to know what the training examples show.
  ///
  /// - Throws: `PlanError` that names what does.
  func checkWithoutLabels(_ examples: ExampleSet) throws {
    func refuse(_ what: String, _ advice: String) -> PlanError { PlanError("\(what) labels, and \(examples.name) has none: \(advice)") }
    for plan in trainings.map(\.plan) {
      guard let distillation = plan.distillation else { throw refuse("training needs", "give --distill, or prune without training") }
      guard distillation.share(hasLabels: false) == 1 else {
        throw refuse("--distill-weight \(distillation.share(hasLabels: false)) needs", "leave it out")
      }
      guard plan.labelSmoothing == 0 else { throw refuse("--label-smoothing changes", "leave it out") }
    }
    if let pruning, try pruning.criterion.needsLabels(pruning.granularity, curvature: pruning.usedCurvature) {
      let others = PruningCriterion.all.filter {
        $0.granularities.contains(pruning.granularity) && $0.data == .examples
          && (try? Criterion($0).needsLabels(pruning.granularity)) == false
      }
      let names = others.map(\.name).joined(separator: ", ")
      throw refuse(
        "criterion \(pruning.criterion) needs",
        "of those that look at examples, \(names.isEmpty ? "none goes" : names + (others.count == 1 ? " goes" : " go")) without")
    }
    if flatness != nil { throw refuse("--flatness needs", "leave it out") }
    if meta != nil || sequence != nil { throw refuse("this method needs", "give another --dataset") }
  }

  /// The distinct trainings of the stages, in order.
  var trainings: [RegularizedTraining] {
    var found: [RegularizedTraining] = []
    for training in stages.lazy.compactMap(\.trains) where !found.contains(training) { found.append(training) }
    return found
  }

  /// Checks what can be checked without data and network.
  ///
  /// - Throws: `PlanError` and `PruningError` for plans that no data and no network could make possible.
  public func validate() throws {
    for training in trainings { try training.plan.validate() }
    try pruning?.validate()
    try flatness?.validate()
    try checkTeacher()
    let voting = meta != nil ? "meta-pruning" : sequence != nil ? "intersection" : nil
    if let pattern = pruning?.pattern, let voting {
      throw PlanError("--method \(voting) removes single weights, units or filters: --granularity \(pattern) does not go with it")
    }
    if let training {
      try checkRemovals(in: TrainingSpan(training.plan, perEpoch: 1)) { try $0.checkRemovals(of: training.plan) }
    }
    if let rule = meta?.keepIf ?? sequence.flatMap({ $0.quorum == nil ? nil : $0.keepIf }), pruning?.criterion == .random {
      throw PlanError(
        "--keep-if \(rule) does not go with --criterion random, by which all vote for the same: what is kept would be chance")
    }
    for training in trainings {
      if let l1 = training.l1 { _ = try L1Penalty(strength: l1) }
      if let slimming = training.slimming { _ = try SlimmingPenalty.checked(slimming) }
    }
  }

  /// Checks, before the first step, whether the run is possible with this model and these data.
  ///
  /// - Throws: `PlanError` and `PruningError` for errors that would otherwise come up only after hours of work.
  func check(on model: Model, _ data: TrainingData?) throws {
    let spans = try trainings.map { training in
      guard let data else { throw PlanError("training needs images: give --dataset, or --epochs 0 to prune without training") }
      try training.plan.checkBatches(for: model.network, of: data.training.count)
      return try TrainingSpan(training.plan, on: data)
    }
    if let data, !data.training.isLabelled { try checkWithoutLabels(data.training) }
    for training in trainings { _ = try training.penalties(for: model.network) }
    let span = training == nil ? nil : spans.first
    if let span { try checkRemovals(in: span) { try $0.checkRemovals(in: span) } }
    try pruning?.check(on: model, in: span)
    for stage in stages { try stage.check(on: model, data) }
  }
}
