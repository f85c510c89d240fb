public import Torch

/// Something that acts during training: masks, pruning, probes. Training itself knows nothing of them.
///
/// Order within a step: forward (``observe(_:of:)``), backward, ``didComputeGradients(_:)``, optimizer step,
/// ``didStep(_:)``, the evaluation where one is due, ``didFinishStep(_:)``.
public protocol TrainingHook: AnyObject {
  /// Names a hook in checkpoints.
  var name: String { get }
  /// Nodes whose values ``observe(_:of:)`` gets in every training step.
  var observedNodes: Set<String> { get }
  /// A node's value [batch, …]; no gradient is recorded here.
  func observe(_ value: Tensor, of node: String) throws
  /// Gradients are accumulated and not yet applied.
  func didComputeGradients(_ trainer: Trainer) throws
  /// The optimizer has moved the weights; `trainer.iteration` counts the finished steps.
  func didStep(_ trainer: Trainer) throws
  /// The step is complete and, where that was due, evaluated: the place to exchange the model.
  func didFinishStep(_ trainer: Trainer) throws
  /// What a checkpoint must keep.
  func state() throws -> [String: Tensor]
  /// Continues from what ``state()`` gave.
  func restore(_ state: [String: Tensor]) throws
}

extension TrainingHook {
  public var observedNodes: Set<String> { [] }
  public func observe(_ value: Tensor, of node: String) throws {}
  public func didComputeGradients(_ trainer: Trainer) throws {}
  public func didStep(_ trainer: Trainer) throws {}
  public func didFinishStep(_ trainer: Trainer) throws {}
  public func state() throws -> [String: Tensor] { [:] }
  public func restore(_ state: [String: Tensor]) throws {}
}
