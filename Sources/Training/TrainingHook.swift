public import Torch

/// Something that acts during training: masks, pruning, probes. Training itself knows nothing of them.
///
/// Order within a step: forward (``observe(_:of:)``), backward, ``didComputeGradients(_:)``, optimizer step,
/// ``didStep(_:)``, the evaluation where one is due, ``didFinishStep(_:)``.
public protocol TrainingHook: AnyObject {
  /// Names the hook in checkpoints: without dots, and another one for each of a trainer's hooks.
  var name: String { get }
  /// Nodes whose values ``observe(_:of:)`` gets; asked for before each training step.
  var observedNodes: Set<String> { get }
  /// Whether ``didComputeGradients(_:)`` must be called with the dense gradients of all parameters; if no hook needs them, networks
  /// with few weights left are trained by kernels that compute the gradients of those only.
  var needsGradients: Bool { get }
  /// Whether the next step must give them: ``needsGradients`` unless a hook looks at some steps only.
  func needsGradients(_ trainer: Trainer) -> Bool
  /// A node's value [batch, …]; no gradient is recorded here.
  func observe(_ value: Tensor, of node: String) throws
  /// Gradients are accumulated and not yet applied; not called for sure unless ``needsGradients``.
  func didComputeGradients(_ trainer: Trainer) throws
  /// The optimizer has moved the weights; `trainer.iteration` counts the finished steps.
  func didStep(_ trainer: Trainer) throws
  /// The step is complete and, where that was due, evaluated: the place to exchange the model.
  func didFinishStep(_ trainer: Trainer) throws
  /// What the trainer evaluates in place of the trained model; nil for the model itself. The first hook that names one decides.
  func evaluatedModel(_ trainer: Trainer) throws -> Model?
  /// Whether the next step trains another network than the evaluated one, whose loss the log must leave out.
  func trainsAside(_ trainer: Trainer) -> Bool
  /// What a checkpoint must keep.
  func state() throws -> [String: Tensor]
  /// Continues from what ``state()`` gave; anyone may have written it.
  ///
  /// - Throws: ``RecordError`` for what ``state()`` cannot have given: names, types, shapes and counts.
  func restore(_ state: [String: Tensor]) throws
}

extension TrainingHook {
  /// None.
  public var observedNodes: Set<String> { [] }
  /// True: a hook that forgets to say so still gets its gradients.
  public var needsGradients: Bool { true }
  /// As in every step.
  public func needsGradients(_ trainer: Trainer) -> Bool { needsGradients }
  /// Does nothing.
  public func observe(_ value: Tensor, of node: String) throws {}
  /// Does nothing.
  public func didComputeGradients(_ trainer: Trainer) throws {}
  /// Does nothing.
  public func didStep(_ trainer: Trainer) throws {}
  /// Does nothing.
  public func didFinishStep(_ trainer: Trainer) throws {}
  /// The trained model itself.
  public func evaluatedModel(_ trainer: Trainer) throws -> Model? { nil }
  /// Never.
  public func trainsAside(_ trainer: Trainer) -> Bool { false }
  /// Nothing.
  public func state() throws -> [String: Tensor] { [:] }
  /// - Throws: ``RecordError`` if there is anything: what keeps nothing cannot go on from something.
  public func restore(_ state: [String: Tensor]) throws {
    guard state.isEmpty else { throw RecordError("it keeps something for hook \(name), which keeps nothing") }
  }
}

extension [any TrainingHook] {
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
