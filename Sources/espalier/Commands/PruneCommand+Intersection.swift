internal import ArgumentParser
internal import Experiments
internal import Interchange
internal import Networks
internal import Pruning
internal import Training

extension PruneCommand {
  /// Returns the data sets of `--method intersection`; nil for another method.
  ///
  /// - Throws: `PlanError` for options that do not go with it.
  func sequence(for method: PruningMethod?, _ typed: GivenOptions) throws -> DataSequence? {
    let sequence = try intersection.plan(for: method, dataset: data.dataset, headSteps: metaPruning.headSteps) { name in
      try data.plan(seed: running.seed, named: name)
    }
    guard let sequence else { return nil }
    if let option = IntersectionOptions.foreign.first(where: typed.has) {
      throw PlanError("\(option) does not go with --method intersection; \"espalier help prune intersection\" shows what does")
    }
    guard try training.length().iterations(perEpoch: 1) > 0 else {
      throw PlanError("--method intersection trains on each data set: --epochs 0 leaves it nothing")
    }
    return sequence
  }

  /// Returns the plan for a sequence: removals between its trainings, which leave the last layer alone.
  ///
  /// - Throws: `PlanError` for amounts that votes cannot decide.
  func plan(_ plan: PruningPlan, over sequence: DataSequence) throws -> PruningPlan {
    var plan = plan
    plan.timing = .rounds(sequence.removals, recovery: try training.length())
    if sequence.keepIf != .all, amount.threshold != nil || amount.deviations != nil {
      throw PlanError("--keep-if \(sequence.keepIf) removes what has the fewest votes: give --sparsity or --fraction, not a threshold")
    }
    // Single weights of the last layer belong to one data set; its units are its classes, which never leave.
    if plan.granularity == .weight, let head = try lastLayer(), !plan.ignored.contains(head) { plan.ignored.append(head) }
    return plan
  }

  private func lastLayer() throws -> String? {
    if let onnx = given.onnx { return try ImportedNetwork(contentsOf: onnx).network.head?.module }
    if let model = given.model { return try ModelFile.network(of: model).head?.module }
    return try given.network.flatMap { try Architecture.parse($0).head?.module }
  }
}
