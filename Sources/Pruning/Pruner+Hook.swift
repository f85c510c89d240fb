public import Torch
public import Training

extension Pruner: TrainingHook {
  /// Names its part of a checkpoint.
  public var name: String { "pruner" }

  /// The nodes whose values the criterion accumulates.
  public var observedNodes: Set<String> { accumulator?.observedNodes ?? [] }

  /// False: it scores with batches of its own.
  public var needsGradients: Bool { false }

  /// Adds a node's value to the criterion's sums.
  public func observe(_ value: Tensor, of node: String) throws { try accumulator?.add(value, of: node) }

  /// Adds the step's weights to the criterion's sums, and prunes where the plan says so: after every k-th `every` before the end.
  public func didStep(_ trainer: Trainer) throws {
    try withoutGradients { try accumulator?.add(weights: trainer.model.tensors) }
  }

  /// Prunes when the plan's step is reached; after the evaluation of that step, so that it shows the unpruned model.
  ///
  /// - Throws: ``PruningError``; ``TrainingError/nonFiniteLoss(iteration:learningRate:)`` if the model is broken before or after.
  public func didFinishStep(_ trainer: Trainer) throws {
    guard let removals = plan.removals(in: trainer.span), removals.contains(trainer.iteration) else { return }
    try willPrune(trainer)
    let evaluated = trainer.log.evaluations.last
    let before = evaluated?.iteration == trainer.iteration ? evaluated?.validation : try trainer.evaluateValidation()
    var pruned = try prune(trainer.model, event: eventNumber + 1, of: removals.count, iteration: trainer.iteration)
    try trainer.replaceModel(pruned.model, slices: pruned.slices)
    pruned.event.before = before
    pruned.event.after = try trainer.evaluateValidation()
    didPrune(pruned.event, pruned.removal)
  }

  /// The criterion's sums.
  public func state() throws -> [String: Tensor] { accumulator?.state() ?? [:] }

  /// Continues the criterion's sums.
  public func restore(_ state: [String: Tensor]) throws { try accumulator?.restore(state) }
}
