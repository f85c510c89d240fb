internal import Torch

/// A parameter of a layer, as it is made of a constant.
struct Weight {
  var tensor: ONNXTensor
  /// The sizes that it is cut into, and the order in which these come; nil where it lies as the layer wants it.
  var turned: (sizes: [Int], order: [Int])?
  var factor = 1.0

  /// Reads it into a tensor of its own, so that what is shared in the file is not tied.
  func load(as dimensions: [Int]) throws -> Tensor {
    var result = try tensor.tensor()
    if let turned { result = try result.reshaped(turned.sizes).permuted(turned.order).contiguous() }
    if factor != 1 { result = try result * factor }
    return result.shape == dimensions ? result : try result.reshaped(dimensions)
  }
}
