internal import Networks
internal import Torch
public import Training

/// Sizes and costs of a model, by counting.
public struct ModelFacts: Codable, Hashable, Sendable {
  /// Number of learned parameters.
  public var parameters: Int
  /// Number of weights in linear and convolution layers.
  public var prunableWeights: Int
  /// Number of prunable weights that are not exactly 0.
  public var nonZeroWeights: Int
  /// Multiplications for one example by all weights, zero or not.
  public var macs: Int
  /// Multiplications for one example by weights that are not 0.
  public var effectiveMACs: Int
  /// Bytes of all tensors in float32.
  public var bytes: Int
  /// Output units of each linear or convolution layer, in order.
  public var widths: [Width]
  /// Number of units that can be removed; nil in records of earlier versions, and if channels cannot be traced through the network.
  public var units: Int?

  /// Number of units of one layer.
  public struct Width: Codable, Hashable, Sendable {
    /// Name of the layer's node.
    public var layer: String
    /// Linear outputs or convolution channels.
    public var units: Int
  }
}

extension Model {
  /// Counts parameters, MACs and units; one pass over the weights.
  public func facts() throws -> ModelFacts {
    let cost = try network.cost()
    var (prunable, nonZero, effective) = (0, 0, 0)
    for (node, layer) in zip(network.nodes, cost.layers) where node.operation.units != nil {
      let weight = try tensor(.init(node.module, .weight))
      let kept = try weight.detached().nonZeroCount()
      prunable += weight.count
      nonZero += kept
      // Every weight of a layer is used equally often, so effective MACs are proportional to non-zero weights.
      effective += weight.count == 0 ? 0 : layer.macs / weight.count * kept
    }
    return ModelFacts(
      parameters: cost.parameters, prunableWeights: prunable, nonZeroWeights: nonZero, macs: cost.macs, effectiveMACs: effective,
      bytes: cost.bytes, widths: network.widths, units: try? network.channelGroups().groups.units)
  }
}

extension Network {
  /// Output units of each linear or convolution layer, in order.
  var widths: [ModelFacts.Width] {
    nodes.compactMap { node in node.operation.units.map { ModelFacts.Width(layer: node.name, units: $0) } }
  }
}

extension Operation {
  /// Output units of a linear or convolution layer; nil for other operations.
  var units: Int? {
    switch self {
    case .linear(let linear): linear.outputs
    case .convolution(let convolution): convolution.outputs
    default: nil
    }
  }
}
