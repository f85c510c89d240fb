internal import Interruptions
public import Networks
public import Training

/// The continuation of a training from its present step, for copies that are to train on the same batches.
///
/// Copies see the batches that the training itself will see next, at the constant learning rate of its next step, with the optimizer's
/// moments cut like the weights, and draw dropout from the same generator state. The training itself is not affected.
public struct TrainingContinuation {
  private let plan: TrainingPlan
  private let data: TrainingData
  private let state: Trainer.State

  /// Captures the continuation of a training at its present step.
  ///
  /// - Parameter data: the data of the training.
  public init(of trainer: Trainer, data: TrainingData) throws {
    var plan = trainer.plan
    // At the end of a cosine schedule the next rate would be 0, so the last step's is used there.
    let iteration = min(trainer.iteration, max(trainer.totalIterations - 1, 0))
    plan.learningRate = LearningRateSchedule(
      base: plan.learningRate.rate(at: iteration, of: trainer.totalIterations, perEpoch: trainer.iterationsPerEpoch))
    self.plan = plan
    self.data = TrainingData(
      training: data.training, validation: nil, test: nil, normalization: data.normalization, augmentation: data.augmentation)
    var state = try trainer.state()
    state.log = TrainingLog()
    state.hooks = [:]
    self.state = state
  }

  /// Trains a pruned model and measures it after given numbers of steps.
  ///
  /// - Parameters:
  ///   - slices: the slices by which the model was cut from the training's.
  ///   - steps: the numbers of steps after which it is measured.
  ///   - measure: called with the number of steps and the model, or nil once the loss is no longer finite.
  /// - Throws: the errors of training and of `measure`.
  public func retrain(
    _ model: Model, slices: [TensorSlice], measuringAfter steps: [Int], _ measure: (Int, Model?) throws -> Void
  ) throws {
    let steps = Set(steps).sorted()
    guard let last = steps.last else { return }
    var plan = plan
    plan.length = .iterations(state.iteration + last)
    plan.evaluateEvery = plan.length
    var state = state
    state.optimizer = try state.optimizer.cut(by: slices)
    let trainer = try Trainer(plan, model: model, data: data, state: state)
    var measured = 0
    do {
      try trainer.run(afterStep: { trainer in
        // A copy is not checkpointed, so it can stop anywhere.
        try Interruption.check()
        guard measured < steps.count, trainer.iteration - state.iteration == steps[measured] else { return }
        measured += 1
        try measure(steps[measured - 1], trainer.model)
      })
    } catch TrainingError.nonFiniteLoss {
      for number in steps[measured...] { try measure(number, nil) }
    }
  }
}
