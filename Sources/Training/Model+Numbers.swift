internal import Networks
public import Torch

extension Tensor {
  /// Whether any element is NaN; one pass over the tensor.
  public func hasNaN() throws -> Bool {
    // A maximum propagates NaN.
    try count > 0 && elementType?.isFloatingPoint == true && max().item().isNaN
  }
}

extension Model {
  /// What is wrong with the numbers in the tensors, or nil: a NaN or an infinity anywhere, a running variance below 0.
  ///
  /// Checked wherever weights are read, so that the message names the tensor and not a later computation: it might be a bias that no
  /// criterion uses, a statistic, or a layer that is left alone.
  public func problemWithNumbers() throws -> String? {
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where tensor.count > 0 && tensor.elementType?.isFloatingPoint == true {
      let tensor = try tensor.detached()
      // Both propagate NaN.
      let (least, largest) = (try tensor.min().item(), try tensor.max().item())
      guard least.isFinite, largest.isFinite else {
        let count = Int(try tensor.isFinite().logicalNot().sum().item())
        return "\(count) of the \(tensor.count) elements of \(name) \(count == 1 ? "is" : "are") NaN or infinite"
      }
      if name.role == .runningVariance, least < 0 {
        let count = Int(try tensor.less(0).sum().item())
        return "\(count) of the \(tensor.count) variances in \(name) \(count == 1 ? "is" : "are") negative"
      }
    }
    return nil
  }

  /// What is wrong with pruned elements, or nil: every element that a mask prunes must be exactly 0.
  func problemWithMasks() throws -> String? {
    for (name, mask) in masks.sorted(by: { $0.key < $1.key }) {
      let pruned = try tensor(name).nonZeroCount(outside: mask)
      if pruned > 0 { return "\(pruned) pruned elements of \(name) are not 0" }
    }
    return nil
  }
}
