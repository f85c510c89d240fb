internal import Interruptions
public import Networks
public import Training

/// How a training would go on from where it stands: for copies that are to train on the same batches.
///
/// Copies see the batches that the training itself will see next, at the rate of its next step held constant, with the optimizer's
/// moments cut like the weights, and draw dropout from the same state. The training is not touched.
public struct TrainingContinuation {
  private let plan: TrainingPlan
  private let data: TrainingData
  private let state: Trainer.State

  /// The continuation of a training at its present step.
  ///
  /// - Parameter data: what it trains on.
  public init(of trainer: Trainer, data: TrainingData) throws {
    var plan = trainer.plan
    // At the end of a cosine the next rate would be 0: the last step's is taken there.
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

  /// Trains a copy of a pruned model and shows it after some numbers of steps.
  ///
  /// - Parameters:
  ///   - slices: what cut it from the training's model.
  ///   - steps: after which it is shown.
  ///   - measure: gets the number and the model, nil where its loss is no longer finite.
  /// - Throws: what training throws, and what `measure` does.
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
        // Nothing keeps a copy: it can stop anywhere.
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
