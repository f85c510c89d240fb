public import Networks
public import Torch

/// The weights of a last linear layer, which belongs to a data set while everything before it is shared.
public struct ModelHead {
  /// [classes, features].
  public var weight: Tensor
  /// [classes]; nil if the layer has none.
  public var bias: Tensor?

  /// Creates a head; every parameter sets the property of the same name.
  public init(weight: Tensor, bias: Tensor?) {
    self.weight = weight
    self.bias = bias
  }
}

extension Model {
  /// The weights of the last layer; nil if the network does not end in a linear layer.
  public var head: ModelHead? {
    guard let module = network.head?.module, let weight = tensors[ParameterName(module, .weight)] else { return nil }
    return ModelHead(weight: weight, bias: tensors[ParameterName(module, .bias)])
  }

  /// Returns the model with another last layer, whose mask is gone; all other tensors are shared.
  ///
  /// - Throws: `NetworkError` if the network does not end in a linear layer, ``ModelError`` for a layer that does not fit its features.
  public func withHead(_ head: ModelHead) throws -> Model {
    let network = try network.withHead(outputs: head.weight.shape.first ?? 0)
    guard let module = network.head?.module else { return self }
    let (weight, bias) = (ParameterName(module, .weight), ParameterName(module, .bias))
    var (tensors, masks) = (tensors, masks)
    tensors[weight] = head.weight
    tensors[bias] = head.bias
    masks[weight] = nil
    masks[bias] = nil
    return try Model(network: network, tensors: tensors, masks: masks)
  }
}

extension Initialization {
  /// Draws a last layer for a network.
  ///
  /// - Throws: `NetworkError` if the network does not end in a linear layer.
  public func head(of network: Network, outputs: Int, seed: UInt64) throws -> ModelHead {
    let exchanged = try network.withHead(outputs: outputs)
    guard let node = exchanged.head, case .linear(let layer) = node.operation else {
      throw NetworkError.invalid("\(network.name) does not end in a linear layer")
    }
    let alone = Network(
      name: node.name,
      nodes: [
        .init(name: "input", operation: .input(.vector(layer.inputs)), inputs: []),
        .init(name: node.name, operation: node.operation, inputs: ["input"], module: node.module),
      ], outputs: [node.name])
    let tensors = try tensors(for: alone, seed: seed)
    guard let weight = tensors[ParameterName(node.module, .weight)] else {
      throw NetworkError.invalid("\(network.name) has a last layer without weights")
    }
    return ModelHead(weight: weight, bias: tensors[ParameterName(node.module, .bias)])
  }
}
