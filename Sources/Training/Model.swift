public import Networks
public import Torch

/// A network with its weights, and the masks that say which of them are pruned.
///
/// A pruned element is exactly 0.0 in its tensor and false in its mask; a parameter without a mask is not pruned. Tensors
/// are references: ``copied()`` makes an independent model.
public struct Model {
  /// The architecture.
  public var network: Network
  /// Weights, biases and running statistics, for exactly the names of `network.parameterShapes()`.
  public var tensors: [ParameterName: Tensor]
  /// Bool, of the shape of their tensors; true = kept.
  public var masks: [ParameterName: Tensor]

  /// A model of given tensors.
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

  /// The tensor of this name.
  ///
  /// - Throws: ``ModelError`` if the network has none.
  public func tensor(_ name: ParameterName) throws -> Tensor {
    guard let tensor = tensors[name] else { throw ModelError.parameters(network: network.name, problems: ["missing \(name)"]) }
    return tensor
  }

  /// A model that shares no storage with this one.
  public func copied() throws -> Model {
    var copy = self
    copy.tensors = try tensors.mapValues { try $0.detached().copied() }
    copy.masks = try masks.mapValues { try $0.copied() }
    return copy
  }

  /// The model with every tensor of floating point as another type; masks stay.
  public func cast(to type: ElementType) throws -> Model {
    var copy = self
    copy.tensors = try tensors.mapValues { try $0.detached().cast(to: type) }
    return copy
  }

  /// The model on another device.
  public func moved(to device: Device) throws -> Model {
    var copy = self
    copy.tensors = try tensors.mapValues { try $0.detached().moved(to: device) }
    copy.masks = try masks.mapValues { try $0.moved(to: device) }
    return copy
  }

  /// Gives a tensor other values, but for its pruned elements: these stay exactly 0, whatever they should become.
  public mutating func replaceKept(_ name: ParameterName, by value: Tensor) throws {
    tensors[name] = try masks[name].map { try $0.select(value, else: value.zerosLike()) } ?? value
  }

  /// Sets every masked element to exactly 0.
  public func applyMasks() throws {
    for (name, mask) in masks {
      try withoutGradients {
        let tensor = try tensor(name)
        try tensor.copy(from: mask.select(tensor, else: tensor.zerosLike()))
      }
    }
  }

  /// The model after a surgery: the new network, and each tensor and mask cut as the slices say.
  public func cut(to network: Network, slices: [TensorSlice]) throws -> Model {
    let tensors = try slices.applied(to: tensors)
    let masks = try slices.applied(to: masks)
    return try Model(network: network, tensors: tensors, masks: masks)
  }
}

extension [TensorSlice] {
  /// The tensors with only the indices kept that the slices name; tensors that no slice names are taken over as they are.
  public func applied(to tensors: [ParameterName: Tensor]) throws -> [ParameterName: Tensor] {
    var result = tensors
    for slice in self {
      guard let tensor = result[slice.parameter] else { continue }
      result[slice.parameter] = try tensor.detached().indexed(slice.dimension, slice.keep)
    }
    return result
  }
}

/// What can be wrong with a model's tensors.
public enum ModelError: Error, CustomStringConvertible, Equatable {
  /// Tensors do not fit the network.
  case parameters(network: String, problems: [String])
  /// A network takes another number of batches.
  case inputs(network: String, expected: Int, given: Int)
  /// An image's shape is not what the network takes.
  case input(network: String, expected: [Int], given: [Int])

  /// One line.
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
