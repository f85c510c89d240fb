public import Torch

/// `random`: U[0, 1), drawn anew for each tensor and round; the control that every other criterion has to beat.
public struct RandomScore: WeightScoring, UnitScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "random", summary: "removes at random: the control for all other criteria", formula: "U[0, 1), from seed, tensor name and round",
    paper: "—", data: .nothing, implementation: RandomScore())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns one draw per weight, float64 so that draws are hardly ever equal; float32 for tensors of more than 2²⁰ elements.
  public func weightScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try Tensor.uniform(weight.shape, type: weight.count > 1 << 20 ? .float32 : .float64, generator: context.generator())
  }
  /// Returns one draw per unit, float64.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try Tensor.uniform([weight.shape.first ?? 0], type: .float64, generator: context.generator())
  }
}
