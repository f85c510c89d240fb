internal import ArgumentParser
internal import Experiments
internal import Training

extension PruneCommand {
  /// Returns the training of scores in place of weights.
  ///
  /// - Throws: `ValidationError` and `PlanError` for options that do not go with it.
  func scoreTraining(_ method: PruningMethod?) throws -> TrainingPlan {
    let name = method?.name ?? "edge-popup"
    guard given.model == nil, given.onnx == nil else {
      throw ValidationError("--method \(name) chooses among random weights: give --network, not a model file")
    }
    guard given.weights == nil else {
      throw ValidationError("--method \(name) chooses among random weights: --weights does not go with it")
    }
    guard training.slimming == nil, training.l1 == nil else {
      throw PlanError("--method \(name) trains scores, not weights: --l1 and --slimming do not go with it")
    }
    let plan = try training.plan(defaults: method?.training, seed: running.seed)
    guard case .sgd = plan.optimizer else {
      throw PlanError("--method \(name) trains its scores with sgd: --optimizer does not go with it")
    }
    guard plan.length.iterations(perEpoch: 1) > 0 else {
      throw PlanError("--method \(name) trains its scores: --epochs 0 leaves it nothing")
    }
    return plan
  }
}
