public import Torch

/// `magnitude`: |w|; for units, as `l1`, the sum over their incoming weights.
public struct Magnitude: WeightScoring, UnitScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "magnitude", summary: "the weights nearest to zero leave", formula: "|w| (units: Σ|w| over incoming weights)",
    paper: "Han et al. 2015", data: .nothing, implementation: Magnitude())

  /// The criterion; it has no state.
  public init() {}

  /// |w|.
  public func weightScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor { try weight.absolute() }
  /// Σ|w|.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor { try L1().unitScores(weight, context) }
}
