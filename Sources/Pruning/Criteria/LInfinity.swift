public import Torch

/// `linf`: the largest absolute incoming weight of a unit, max|w|, without bias.
public struct LInfinity: UnitScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "linf", summary: "removes the units whose largest incoming weight is smallest",
    formula: "max|w| over incoming weights, without bias",
    paper: "the limit of the p-norms of He et al. 2018 (soft filter pruning)", data: .nothing, implementation: LInfinity())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns max|w| of each unit.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try weight.contiguous().flattened(from: 1).absolute().max(1)
  }
}

extension Criterion {
  /// `linf`: max|w| of a unit.
  public static let linf = Criterion(LInfinity.criterion)
}
