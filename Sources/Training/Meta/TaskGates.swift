public import Networks
public import Torch

/// Gates on weights whose ln α are learned as weights are: the inner steps of a task move both, from a common start that the outer update
/// moves.
public protocol TaskGates: AnyObject {
  /// The gated weights.
  var gated: [ParameterName] { get }
  /// ln α of all gates, from which every task starts; a leaf that requires gradients.
  var logits: Tensor { get }
  /// By what gradients with respect to ln α are multiplied in a step.
  var scale: Tensor { get }
  /// Draws all gates once, and returns what the gated weights are multiplied by, in their order and differentiable by the given ln α.
  func factors(_ logits: Tensor) throws -> [Tensor]
  /// Returns the penalty on open gates, differentiable by the given ln α; nil while there is none.
  func penalty(_ logits: Tensor) throws -> Tensor?
}
