internal import Datasets
internal import Pruning
internal import Training

extension Experiment {
  /// - Throws: `PlanError` and `PruningError` for what no data and no network could make possible.
  public func validate() throws {
    try training?.validate()
    try recovery?.validate()
    try pruning?.validate()
    if let training { try pruning?.checkRemovals(of: training) }
    if let l1 { _ = try L1Penalty(strength: l1) }
    if let slimming { _ = try SlimmingPenalty.checked(slimming) }
  }

  /// Whether it can be carried out on this model and these data: all that can be known before the first step.
  ///
  /// - Throws: `PlanError` and `PruningError` for what would be refused only after hours of work.
  func check(on model: Model, _ data: TrainingData?) throws {
    let spans = try [training, recovery].compactMap(\.self).map { plan in
      guard let data else { throw PlanError("training needs images: give --dataset, or --epochs 0 to prune without training") }
      try plan.checkBatches(for: model.network, of: data.training.count)
      return try TrainingSpan(plan, on: data)
    }
    if let slimming, !spans.isEmpty { _ = try SlimmingPenalty(strength: slimming, network: model.network) }
    try pruning?.check(on: model, in: training == nil ? nil : spans.first)
  }
}
