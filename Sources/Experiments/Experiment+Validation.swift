internal import Datasets
internal import Pruning
internal import Training

extension Experiment {
  /// The different trainings of its stages, in order.
  var trainings: [RegularizedTraining] {
    var found: [RegularizedTraining] = []
    for training in stages.lazy.compactMap(\.trains) where !found.contains(training) { found.append(training) }
    return found
  }

  /// - Throws: `PlanError` and `PruningError` for what no data and no network could make possible.
  public func validate() throws {
    for training in trainings { try training.plan.validate() }
    try pruning?.validate()
    if let training { try pruning?.checkRemovals(of: training.plan) }
    for training in trainings {
      if let l1 = training.l1 { _ = try L1Penalty(strength: l1) }
      if let slimming = training.slimming { _ = try SlimmingPenalty.checked(slimming) }
    }
  }

  /// Whether it can be carried out on this model and these data: all that can be known before the first step.
  ///
  /// - Throws: `PlanError` and `PruningError` for what would be refused only after hours of work.
  func check(on model: Model, _ data: TrainingData?) throws {
    let spans = try trainings.map { training in
      guard let data else { throw PlanError("training needs images: give --dataset, or --epochs 0 to prune without training") }
      try training.plan.checkBatches(for: model.network, of: data.training.count)
      return try TrainingSpan(training.plan, on: data)
    }
    for training in trainings { _ = try training.penalties(for: model.network) }
    try pruning?.check(on: model, in: training == nil ? nil : spans.first)
    for stage in stages { try stage.check(on: model, data) }
  }
}
