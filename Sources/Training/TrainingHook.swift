public import Torch

/// Code that acts during training, such as masks, pruning and probes, which training itself knows nothing about.
///
/// Order within a step: forward pass (``observe(_:of:)``), backward pass, ``didComputeGradients(_:)``, optimizer step, ``didStep(_:)``,
/// the evaluation if one is due, ``didFinishStep(_:)``.
public protocol TrainingHook: AnyObject {
  /// Name of the hook in checkpoints: without dots, and unique among a trainer's hooks.
  var name: String { get }
  /// Nodes whose values are passed to ``observe(_:of:)``; read before each training step.
  var observedNodes: Set<String> { get }
  /// Whether ``didComputeGradients(_:)`` needs the dense gradients of all parameters; if no hook does, fully connected networks and pruned
  /// convolutions are trained by kernels of our own, which compute no gradients of pruned weights.
  var needsGradients: Bool { get }
  /// Whether the next step must compute dense gradients; by default ``needsGradients``, unless a hook looks at some steps only.
  func needsGradients(_ trainer: Trainer) -> Bool
  /// Called with the value of an observed node, [batch, …], in the forward pass; no gradients are recorded here.
  func observe(_ value: Tensor, of node: String) throws
  /// Called when gradients are accumulated but not yet applied; guaranteed only with ``needsGradients``.
  func didComputeGradients(_ trainer: Trainer) throws
  /// Called when the optimizer has updated the weights; `trainer.iteration` counts the finished steps.
  func didStep(_ trainer: Trainer) throws
  /// Called when the step is complete and evaluated if that was due: the place to exchange the model.
  func didFinishStep(_ trainer: Trainer) throws
  /// Returns the model to evaluate in place of the trained one; nil for the trained model. The first hook that returns one decides.
  func evaluatedModel(_ trainer: Trainer) throws -> Model?
  /// Whether the next step trains another network than the evaluated one, so that the log leaves out its loss.
  func trainsAside(_ trainer: Trainer) -> Bool
  /// Returns the tensors that a checkpoint must keep.
  func state() throws -> [String: Tensor]
  /// Continues from a state returned by ``state()``, but possibly forged; its tensors are on the trainer's device.
  ///
  /// - Throws: ``RecordError`` for names, types, shapes or counts that ``state()`` cannot have returned.
  func restore(_ state: [String: Tensor]) throws
}

extension TrainingHook {
  /// By default no nodes.
  public var observedNodes: Set<String> { [] }
  /// By default true: a hook that does not declare its needs still gets its gradients.
  public var needsGradients: Bool { true }
  /// By default the same at every step.
  public func needsGradients(_ trainer: Trainer) -> Bool { needsGradients }
  /// By default does nothing.
  public func observe(_ value: Tensor, of node: String) throws {}
  /// By default does nothing.
  public func didComputeGradients(_ trainer: Trainer) throws {}
  /// By default does nothing.
  public func didStep(_ trainer: Trainer) throws {}
  /// By default does nothing.
  public func didFinishStep(_ trainer: Trainer) throws {}
  /// By default nil, for the trained model itself.
  public func evaluatedModel(_ trainer: Trainer) throws -> Model? { nil }
  /// By default false.
  public func trainsAside(_ trainer: Trainer) -> Bool { false }
  /// By default no tensors.
  public func state() throws -> [String: Tensor] { [:] }
  /// By default accepts only an empty state.
  ///
  /// - Throws: ``RecordError`` if there are any tensors.
  public func restore(_ state: [String: Tensor]) throws {
    guard state.isEmpty else { throw RecordError("it keeps something for hook \(name), which keeps nothing") }
  }
}

extension [any TrainingHook] {
  /// The first hook that multiplies weights by factors; nil if none does.
  var weightGates: (any WeightGates)? { lazy.compactMap { $0 as? any WeightGates }.first }

  /// - Throws: ``PlanError`` if a checkpoint could not tell the hooks apart.
  func validateNames() throws {
    var seen: Set<String> = []
    for hook in self {
      guard !hook.name.isEmpty, !hook.name.contains(".") else {
        throw PlanError("a training hook cannot be named \"\(hook.name)\": give it a name without dots")
      }
      guard seen.insert(hook.name).inserted else { throw PlanError("two training hooks are named \"\(hook.name)\"") }
    }
  }
}
