public import Torch
public import Training

extension Pruner: TrainingHook {
  /// Name of the hook in checkpoints, `pruner`.
  public var name: String { "pruner" }

  /// Nodes whose values the criterion accumulates.
  public var observedNodes: Set<String> { accumulator?.observedNodes ?? [] }

  /// False, since scoring uses batches of its own.
  public var needsGradients: Bool { false }

  /// Adds a node's value to the criterion's sums.
  public func observe(_ value: Tensor, of node: String) throws { try accumulator?.add(value, of: node) }

  /// Adds the step's weights to the criterion's sums.
  public func didStep(_ trainer: Trainer) throws {
    try withoutGradients { try accumulator?.add(weights: trainer.model.tensors) }
  }

  /// Prunes after the steps at which the plan removes, unless that is temporary (``TemporaryRemovalHook``); any evaluation of such a step comes first, and so shows the unpruned model.
  ///
  /// - Throws: ``PruningError``; `TrainingError.nonFiniteLoss` if the validation loss is not finite before or after.
  public func didFinishStep(_ trainer: Trainer) throws {
    guard plan.temporary == nil else { return }
    guard let removals = plan.removals(in: trainer.span), removals.contains(trainer.iteration) else { return }
    try willPrune(trainer)
    let before = try trainer.validationBeforeRemoval()
    var pruned = try prune(trainer.model, event: eventNumber + 1, of: removals.count, iteration: trainer.iteration)
    try trainer.replaceModel(pruned.model, slices: pruned.slices)
    pruned.event.before = before
    pruned.event.after = try trainer.evaluateValidation()
    try didPrune(pruned.event, pruned.removal)
  }

  /// Returns the criterion's sums.
  public func state() throws -> [String: Tensor] { accumulator?.state() ?? [:] }

  /// Continues from a state returned by ``state()``.
  public func restore(_ state: [String: Tensor]) throws { try accumulator?.restore(state) }
}
