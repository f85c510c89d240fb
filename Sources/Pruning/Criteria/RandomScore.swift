public import Torch

/// `random`: U[0, 1), drawn anew for each tensor and round; the control that any other criterion has to beat.
public struct RandomScore: WeightScoring, UnitScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "random", summary: "chance decides: the control for all others", formula: "U[0, 1), from seed, tensor name and round",
    paper: "—", data: .nothing, implementation: RandomScore())

  /// The criterion; it has no state.
  public init() {}

  /// One draw per weight; in double precision, so that draws are hardly ever equal.
  public func weightScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try Tensor.uniform(weight.shape, type: weight.count > 1 << 20 ? .float32 : .float64, generator: context.generator())
  }
  /// One draw per unit.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try Tensor.uniform([weight.shape.first ?? 0], type: .float64, generator: context.generator())
  }
}
