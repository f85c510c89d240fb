internal import Networks
internal import Torch
public import Training

/// What of a model's prunable weights is there, layer by layer.
///
/// Prunable are the weights of linear and convolution layers; sparsity is the fraction of them that masks have removed.
public struct MaskSet {
  /// One layer's count.
  public struct Layer: Hashable, Sendable {
    /// Its module's name.
    public var name: String
    /// Weights that could be pruned.
    public var prunable: Int
    /// Weights that are there.
    public var kept: Int
    /// kept / prunable.
    public var density: Double { prunable == 0 ? 1 : Double(kept) / Double(prunable) }
  }

  /// In the order of the layers.
  public let layers: [Layer]
  private let masks: [ParameterName: Tensor]

  /// Counts a model's masks; a weight without a mask is whole.
  public init(_ model: Model) throws {
    masks = model.masks
    layers = try model.network.prunableWeights.map { name in
      let count = try model.tensor(name).count
      return Layer(name: name.module, prunable: count, kept: try model.masks[name].map { Int(try $0.sum().item()) } ?? count)
    }
  }

  /// Weights that could be pruned.
  public var prunable: Int { layers.reduce(0) { $0 + $1.prunable } }
  /// Weights that are there.
  public var kept: Int { layers.reduce(0) { $0 + $1.kept } }
  /// kept / prunable.
  public var density: Double { prunable == 0 ? 1 : Double(kept) / Double(prunable) }
  /// 1 − density.
  public var sparsity: Double { prunable == 0 ? 0 : Double(prunable - kept) / Double(prunable) }

  /// Whether everything that is here was there before: nothing has come back.
  public func isNested(in earlier: MaskSet) throws -> Bool {
    for (name, before) in earlier.masks {
      guard let now = masks[name], now.shape == before.shape else { return false }
      if try before.select(now.zerosLike(), else: now).sum().item() != 0 { return false }
    }
    return true
  }
}

extension Model {
  /// Takes over what a selection leaves of the weights: masks, and exact zeros in the tensors.
  ///
  /// The tensors are changed where they are; layers that the selection does not name stay as they are.
  /// - Throws: ``ModelError`` for a layer that the model does not have.
  public mutating func prune(_ selection: Selection) throws {
    for layer in selection.layers {
      let name = ParameterName(layer.name, .weight)
      guard try tensor(name).shape == layer.kept.shape else {
        throw PruningError.mismatch("\(name): a mask of shape \(layer.kept.shape) does not fit weights of shape \(try tensor(name).shape)")
      }
      masks[name] = layer.kept
    }
    try applyMasks()
  }
}
