internal import Networks
internal import Torch
public import Training

/// The number of kept weights of a model, layer by layer.
///
/// The prunable weights are those of linear and convolution layers; sparsity is the fraction of them that masks have removed.
public struct MaskSet {
  /// The counts of one layer.
  public struct Layer: Hashable, Sendable {
    /// Name of the layer's module.
    public var name: String
    /// Number of prunable weights.
    public var prunable: Int
    /// Number of weights that are kept by the mask.
    public var kept: Int
    /// Density, kept / prunable; 1 for no prunable weights.
    public var density: Double { prunable == 0 ? 1 : Double(kept) / Double(prunable) }
  }

  /// Counts in the order of the layers.
  public let layers: [Layer]
  private let masks: [ParameterName: Tensor]

  /// Counts the kept weights of a model; a weight without a mask is not pruned.
  public init(_ model: Model) throws {
    masks = model.masks
    layers = try model.network.prunableWeights.map { name in
      let count = try model.tensor(name).count
      return Layer(name: name.module, prunable: count, kept: try model.masks[name]?.nonZeroCount() ?? count)
    }
  }

  /// Number of prunable weights.
  public var prunable: Int { layers.reduce(0) { $0 + $1.prunable } }
  /// Number of weights that are kept by the masks.
  public var kept: Int { layers.reduce(0) { $0 + $1.kept } }
  /// Density, kept / prunable; 1 for no prunable weights.
  public var density: Double { prunable == 0 ? 1 : Double(kept) / Double(prunable) }
  /// Sparsity, 1 − density.
  public var sparsity: Double { prunable == 0 ? 0 : Double(prunable - kept) / Double(prunable) }

  /// Returns whether every kept weight was also kept earlier, that is, whether no weight has come back.
  public func isNested(in earlier: MaskSet) throws -> Bool {
    for (name, before) in earlier.masks {
      guard let now = masks[name], now.shape == before.shape else { return false }
      if try before.select(now.zerosLike(), else: now).sum().item() != 0 { return false }
    }
    return true
  }
}

extension Model {
  /// Prunes weights as a selection says: sets the masks, and the removed elements to exactly 0.0.
  ///
  /// The tensors are changed in place; layers that the selection does not name are left unchanged.
  /// - Throws: `ModelError` for a layer that the model does not have, ``PruningError/mismatch(_:)`` for a mask of another shape.
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
