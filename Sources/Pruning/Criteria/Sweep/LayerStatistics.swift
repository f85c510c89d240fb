public import Networks
public import Torch

/// What a sweep has gathered of one layer's units.
public struct LayerStatistics {
  /// The layer's node.
  public let node: String
  /// The layer's weight, by name.
  public let parameter: ParameterName
  /// The weight itself, [units, …]: the model's own, which training moves; read scores before that.
  public let weight: Tensor
  /// Output neurons or channels.
  public let units: Int
  /// Positions p of a unit's value in one example: height·width of an image, also after flattening; 1 behind a linear layer.
  public let positions: Int
  /// Examples swept over.
  public let examples: Int
  let gathered: [SweepStatistic: Tensor]

  /// A statistic; shapes stand at the cases.
  ///
  /// - Throws: ``PruningError/notGathered(layer:statistic:)``.
  public func callAsFunction(_ statistic: SweepStatistic) throws -> Tensor {
    guard let tensor = gathered[statistic] else { throw PruningError.notGathered(layer: node, statistic: statistic.rawValue) }
    return tensor
  }

  /// ā, the mean of a over examples and positions, float64 [units]; needs ``SweepStatistic/activationSums``.
  public func meanActivations() throws -> Tensor { try self(.activationSums) / Double(max(examples * positions, 1)) }

  /// The mean of a² over examples and positions, float64 [units]; needs ``SweepStatistic/activationSquares``.
  public func meanSquaredActivations() throws -> Tensor { try self(.activationSquares) / Double(max(examples * positions, 1)) }

  /// The sum over each unit's incoming weights of a weight-shaped tensor, float64 [units].
  func sumOverIncoming(_ tensor: Tensor) throws -> Tensor { try tensor.cast(to: .float64).contiguous().flattened(from: 1).sum(1) }
}
