internal import Networks
internal import Torch
public import Training

/// Countable facts about a model.
public struct ModelFacts: Codable, Hashable, Sendable {
  /// Learned numbers.
  public var parameters: Int
  /// Weights of linear and convolution layers.
  public var prunableWeights: Int
  /// Of them, those that are not exactly 0.
  public var nonZeroWeights: Int
  /// Multiplies of one example, dense.
  public var macs: Int
  /// Multiplies of one example by weights that are not 0.
  public var effectiveMACs: Int
  /// Bytes of all tensors in float32.
  public var bytes: Int
  /// Units of each layer that has any: linear outputs and convolution channels.
  public var widths: [Width]
  /// Units that can leave; nil in records of earlier versions, and where they cannot be followed.
  public var units: Int?

  /// A layer and its units.
  public struct Width: Codable, Hashable, Sendable {
    /// The layer's node.
    public var layer: String
    /// Its output channels.
    public var units: Int
  }
}

extension Model {
  /// Counts what there is: one pass over the weights.
  public func facts() throws -> ModelFacts {
    let cost = try network.cost()
    var (prunable, nonZero, effective) = (0, 0, 0)
    for (node, layer) in zip(network.nodes, cost.layers) where node.operation.units != nil {
      let weight = try tensor(.init(node.module, .weight))
      let kept = try weight.detached().nonZeroCount()
      prunable += weight.count
      nonZero += kept
      // Every weight of a layer is used equally often, so the multiplies that matter are in proportion.
      effective += weight.count == 0 ? 0 : layer.macs / weight.count * kept
    }
    return ModelFacts(
      parameters: cost.parameters, prunableWeights: prunable, nonZeroWeights: nonZero, macs: cost.macs, effectiveMACs: effective,
      bytes: cost.bytes, widths: network.widths, units: try? network.channelGroups().groups.units)
  }
}

extension Network {
  /// Units of each layer that has any, in order.
  var widths: [ModelFacts.Width] {
    nodes.compactMap { node in node.operation.units.map { ModelFacts.Width(layer: node.name, units: $0) } }
  }
}

extension Operation {
  /// Outputs of a layer with weights; nil for other operations.
  var units: Int? {
    switch self {
    case .linear(let linear): linear.outputs
    case .convolution(let convolution): convolution.outputs
    default: nil
    }
  }
}
