public import Torch

/// `magnitude`: |w|; for units the sum over their incoming weights, as `l1`.
public struct Magnitude: WeightScoring, UnitScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "magnitude", summary: "removes the weights nearest to zero", formula: "|w| (units: Σ|w| over incoming weights)",
    paper: "Han et al. 2015", data: .nothing, implementation: Magnitude())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns |w|.
  public func weightScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor { try weight.absolute() }
  /// Returns Σ|w| of each unit.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor { try L1().unitScores(weight, context) }
}
