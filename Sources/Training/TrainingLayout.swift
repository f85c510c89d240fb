public import Networks
internal import Torch

extension Network {
  /// Whether the network has convolutions, so that the channels-last layout pays.
  public var hasConvolutions: Bool {
    nodes.contains { if case .convolution = $0.operation { true } else { false } }
  }

  /// Whether the network has batch norms.
  public var hasBatchNorms: Bool {
    nodes.contains { if case .batchNorm = $0.operation { true } else { false } }
  }
}

extension Model {
  /// Returns the model on a device, with convolution weights channels-last and gradients enabled, in fresh storage; masks are shared.
  ///
  /// Always laid out from row-major copies, so that a model read from a file and one that went through surgery get the same strides, and
  /// so the same kernels and bits.
  func laidOutForTraining(on device: Device) throws -> Model {
    var result = self
    for (name, tensor) in tensors {
      let dense = try Tensor.empty(tensor.shape, type: tensor.elementType ?? .float32)
      try dense.copy(from: tensor)
      let laidOut = try (tensor.rank == 4 ? dense.channelsLast() : dense).moved(to: device)
      try laidOut.requireGradient(name.role.isTrained)
      result.tensors[name] = laidOut
    }
    result.masks = try masks.mapValues { try $0.moved(to: device) }
    return result
  }
}
