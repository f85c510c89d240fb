internal import ArgumentParser
internal import Experiments
internal import Pruning
internal import Training

extension PruneCommand {
  /// Returns the training by outer steps that the options describe.
  ///
  /// - Throws: `ValidationError` and `PlanError` for options that do not go with it.
  func outerTraining(_ meta: MetaPruningPlan, _ typed: GivenOptions) throws -> TrainingPlan {
    guard given.model == nil, given.onnx == nil else {
      throw ValidationError("--method meta-pruning learns its weights from tasks: give --network, not a model file")
    }
    if let option = MetaPruningOptions.foreign.first(where: typed.has) {
      throw PlanError("\(option) does not go with --method meta-pruning; \"espalier help prune meta-pruning\" shows what does")
    }
    if meta.keeps == .masks, typed.has("--criterion") {
      throw PlanError("--criterion does not go with --meta masks: the weights of lowest ln α leave")
    }
    if meta.keeps != .masks, let option = GateOptions.ofMasks.first(where: typed.has) {
      throw PlanError("\(option) goes with --meta masks, not \(meta.keeps.rawValue)")
    }
    guard running.device == .cpu else { throw PlanError("--device cuda does not go with --method meta-pruning, which computes on the CPU") }
    var options = training
    // Reptile's rule is a step of plain SGD, its learning rate the paper's ε.
    if meta.learning.update == .reptile {
      if options.optimizer == nil { options.optimizer = .sgd }
      if options.optimizer == .sgd, options.momentum == nil, !options.nesterov { options.momentum = 0 }
      if options.optimizer == .sgd, options.learningRate == nil { options.learningRate = 0.5 }
    }
    options.batchSize = meta.examplesAtOnce
    let plan = try options.plan(length: try metaLength(typed), seed: running.seed)
    guard plan.length.iterations(perEpoch: 1) > 0 else {
      throw PlanError("--method meta-pruning learns its weights from tasks: --epochs 0 leaves it nothing")
    }
    return plan
  }

  /// Returns the number of outer steps before the first removal.
  ///
  /// - Throws: `PlanError` for a length in epochs, which tasks do not have.
  func metaLength(_ typed: GivenOptions) throws -> Step {
    guard typed.has("--epochs") else { return .iterations(1000) }
    return try outerSteps(training.length(), "--epochs")
  }

  /// Returns when removals happen: in rounds, after each of which outer steps follow.
  ///
  /// - Throws: `PlanError` for a length in epochs, and for none.
  func metaTiming(_ plan: PruningPlan.Timing, _ typed: GivenOptions) throws -> PruningPlan.Timing {
    guard case .rounds(_, let length) = plan else { return plan }
    guard timing.recovery != nil else { return .rounds(timing.rounds ?? 1, recovery: try metaLength(typed)) }
    let recovery = try outerSteps(length, "--recovery")
    guard recovery.iterations(perEpoch: 1) > 0 else {
      throw PlanError("--method meta-pruning goes on learning after each removal: --recovery 0 leaves it nothing")
    }
    return .rounds(timing.rounds ?? 1, recovery: recovery)
  }

  private func outerSteps(_ length: Step, _ option: String) throws -> Step {
    if case .epochs(let count) = length, count > 0 {
      throw PlanError("\(option) \(length) does not go with --method meta-pruning: tasks have no epochs; give outer steps, e.g. 1000it")
    }
    return .iterations(length.iterations(perEpoch: 1))
  }
}
