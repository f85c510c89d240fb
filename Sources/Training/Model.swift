public import Networks
public import Torch

/// A network with its weights, and the masks that say which of them are pruned.
///
/// A pruned element is exactly 0.0 in its tensor and false in its mask; a parameter without a mask is not pruned. Tensors are references:
/// ``copied()`` makes an independent model.
public struct Model {
  /// Architecture of the model.
  public var network: Network
  /// Weights, biases and running statistics, for exactly the names of `network.parameterShapes()`.
  public var tensors: [ParameterName: Tensor]
  /// Masks (`bool`, with the shape of their tensors), true where an element is kept.
  public var masks: [ParameterName: Tensor]

  /// Creates a model from existing tensors.
  ///
  /// - Throws: ``ModelError`` if a tensor is missing, unexpected or mis-shaped.
  public init(network: Network, tensors: [ParameterName: Tensor], masks: [ParameterName: Tensor] = [:]) throws {
    self.network = network
    self.tensors = tensors
    self.masks = masks
    try validate()
  }

  private func validate() throws {
    let expected = try network.parameterShapes()
    var problems: [String] = []
    for (name, dimensions) in expected {
      guard let tensor = tensors[name] else {
        problems.append("missing \(name) \(dimensions)")
        continue
      }
      if tensor.shape != dimensions { problems.append("\(name) has shape \(tensor.shape), not \(dimensions)") }
    }
    let known = Set(expected.map(\.name))
    problems += tensors.keys.filter { !known.contains($0) }.sorted().map { "unexpected \($0)" }
    for (name, mask) in masks where tensors[name].map({ $0.shape != mask.shape || mask.elementType != .bool }) ?? true {
      problems.append("the mask of \(name) does not fit")
    }
    guard problems.isEmpty else { throw ModelError.parameters(network: network.name, problems: problems) }
  }

  /// Returns the tensor with the given name.
  ///
  /// - Throws: ``ModelError`` if the model has none.
  public func tensor(_ name: ParameterName) throws -> Tensor {
    guard let tensor = tensors[name] else { throw ModelError.parameters(network: network.name, problems: ["missing \(name)"]) }
    return tensor
  }

  /// Returns a model that shares no storage with this one.
  public func copied() throws -> Model {
    var copy = self
    copy.tensors = try tensors.mapValues { try $0.detached().copied() }
    copy.masks = try masks.mapValues { try $0.copied() }
    return copy
  }

  /// Returns the model with its tensors converted to another floating-point type; masks stay.
  public func cast(to type: ElementType) throws -> Model {
    var copy = self
    copy.tensors = try tensors.mapValues { try $0.detached().cast(to: type) }
    return copy
  }

  /// Device of the tensors.
  public var device: Device { tensors.values.first?.device ?? .cpu }

  /// Returns the model on another device, this one if it is there already.
  public func moved(to device: Device) throws -> Model {
    var copy = self
    copy.tensors = try tensors.mapValues { try $0.detached().moved(to: device) }
    copy.masks = try masks.mapValues { try $0.moved(to: device) }
    return copy
  }

  /// Replaces the values of a tensor, except for its pruned elements, which stay exactly 0.
  public mutating func replaceKept(_ name: ParameterName, by value: Tensor) throws {
    tensors[name] = try masks[name].map { try $0.select(value, else: value.zerosLike()) } ?? value
  }

  /// Sets every masked element to exactly 0.
  public func applyMasks() throws {
    for (name, mask) in masks {
      try withoutGradients {
        let tensor = try tensor(name)
        try tensor.copy(from: mask.moved(to: tensor.device).select(tensor, else: tensor.zerosLike()))
      }
    }
  }

  /// Returns the model after a surgery: with the new network, and each tensor and mask cut by the slices of
  /// `Network.removing(_:groups:)`.
  public func cut(to network: Network, slices: [TensorSlice]) throws -> Model {
    let tensors = try slices.applied(to: tensors)
    let masks = try slices.applied(to: masks)
    return try Model(network: network, tensors: tensors, masks: masks)
  }
}

extension [TensorSlice] {
  /// Returns the tensors cut to the indices that the slices keep; tensors without a slice are taken over unchanged.
  public func applied(to tensors: [ParameterName: Tensor]) throws -> [ParameterName: Tensor] {
    var result = tensors
    for slice in self {
      guard let tensor = result[slice.parameter] else { continue }
      result[slice.parameter] = try tensor.detached().indexed(slice.dimension, slice.keep)
    }
    return result
  }
}

/// An error of a model's tensors or of its inputs.
public enum ModelError: Error, CustomStringConvertible, Equatable {
  /// The tensors do not fit the network.
  case parameters(network: String, problems: [String])
  /// The number of batches is not that of the network's inputs.
  case inputs(network: String, expected: Int, given: Int)
  /// The shape of an example is not that of the network's input.
  case input(network: String, expected: [Int], given: [Int])

  /// The message in one line.
  public var description: String {
    switch self {
    case .parameters(let network, let problems):
      let shown = problems.prefix(8).joined(separator: "; ")
      let more = problems.count > 8 ? "; and \(problems.count - 8) more" : ""
      return "the weights do not fit network \(network): \(shown)\(more)"
    case .inputs(let network, let expected, let given):
      return "network \(network) has \(expected) inputs and takes a batch for each, not \(given)"
    case .input(let network, let expected, let given):
      return "network \(network) takes examples of shape \(expected), not \(given)"
    }
  }
}
