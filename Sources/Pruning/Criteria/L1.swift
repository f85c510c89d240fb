public import Torch

/// `l1`: the sum of the absolute incoming weights of a unit, Σ|w|, bias aside.
public struct L1: UnitScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "l1", summary: "units whose incoming weights are small in sum leave", formula: "Σ|w| over incoming weights, without bias",
    paper: "Li et al. 2017", data: .nothing, implementation: L1())

  /// The criterion; it has no state.
  public init() {}

  /// Σ|w|.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try weight.contiguous().flattened(from: 1).l1Norm(1)
  }
}
