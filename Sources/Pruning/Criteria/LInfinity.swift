public import Torch

/// `linf`: the largest absolute incoming weight of a unit, max|w|, bias aside.
public struct LInfinity: UnitScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "linf", summary: "units none of whose incoming weights is large leave", formula: "max|w| over incoming weights, without bias",
    paper: "the limit of the p-norms of He et al. 2018 (soft filter pruning)", data: .nothing, implementation: LInfinity())

  /// The criterion; it has no state.
  public init() {}

  /// max|w|.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try weight.contiguous().flattened(from: 1).absolute().max(1)
  }
}

extension Criterion {
  /// max|w| of a unit.
  public static let linf = Criterion(LInfinity.criterion)
}
