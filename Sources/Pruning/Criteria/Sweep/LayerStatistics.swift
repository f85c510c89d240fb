public import Networks
public import Torch

/// Statistics of one layer's units gathered by a sweep over examples.
public struct LayerStatistics {
  /// Name of the layer's node.
  public let node: String
  /// Name of the layer's weight.
  public let parameter: ParameterName
  /// Weight [units, …], shared with the model: compute scores before training changes it.
  public let weight: Tensor
  /// Number of output neurons or channels.
  public let units: Int
  /// Number of positions of a unit's value in one example: height·width of a feature map, also after flattening; 1 for a linear layer.
  public let positions: Int
  /// Number of examples in the sweep.
  public let examples: Int
  let gathered: [SweepStatistic: Tensor]

  /// Returns a statistic, in the shape given at its case.
  ///
  /// - Throws: ``PruningError/notGathered(layer:statistic:)``.
  public func callAsFunction(_ statistic: SweepStatistic) throws -> Tensor {
    guard let tensor = gathered[statistic] else { throw PruningError.notGathered(layer: node, statistic: statistic.rawValue) }
    return tensor
  }

  /// Returns ā, the mean of a over examples and positions, float64 [units]; needs ``SweepStatistic/activationSums``.
  public func meanActivations() throws -> Tensor { try self(.activationSums) / Double(max(examples * positions, 1)) }

  /// Returns the mean of a² over examples and positions, float64 [units]; needs ``SweepStatistic/activationSquares``.
  public func meanSquaredActivations() throws -> Tensor { try self(.activationSquares) / Double(max(examples * positions, 1)) }

  /// Returns the sum of a weight-shaped tensor over each unit's incoming weights, float64 [units].
  func sumOverIncoming(_ tensor: Tensor) throws -> Tensor { try tensor.cast(to: .float64).contiguous().flattened(from: 1).sum(1) }
}
