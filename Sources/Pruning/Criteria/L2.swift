public import Torch

/// `l2`: the Euclidean norm of a unit's incoming weights, √Σw², bias aside.
public struct L2: UnitScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "l2", summary: "units whose incoming weights have a small norm leave", formula: "√Σw² over incoming weights, without bias",
    paper: "Li et al. 2017", data: .nothing, implementation: L2())

  /// The criterion; it has no state.
  public init() {}

  /// √Σw².
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try weight.contiguous().flattened(from: 1).norm(1)
  }
}
