public import Torch

/// `l1`: the sum of the absolute incoming weights of a unit, Σ|w|, without bias.
public struct L1: UnitScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "l1", summary: "removes the units with the smallest sum of absolute incoming weights",
    formula: "Σ|w| over incoming weights, without bias",
    paper: "Li et al. 2017", data: .nothing, implementation: L1())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns Σ|w| of each unit.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try weight.contiguous().flattened(from: 1).l1Norm(1)
  }
}
