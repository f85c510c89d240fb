public import Torch

/// `l2`: the Euclidean norm of a unit's incoming weights, √Σw², without bias.
public struct L2: UnitScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "l2", summary: "removes the units with the smallest norm of incoming weights",
    formula: "√Σw² over incoming weights, without bias",
    paper: "Li et al. 2017", data: .nothing, implementation: L2())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns √Σw² of each unit.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try weight.contiguous().flattened(from: 1).norm(1)
  }
}
