public import Torch

/// `gradient-norm`: the norm of the loss's gradient by a unit's incoming weights, ‖∂L/∂w_u‖₂; of a weight, |∂L/∂w|.
///
/// L is the mean loss over all examples, whatever the batches. One forward and one backward pass, with weights' gradients.
public struct GradientNorm: SweptWeightScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "gradient-norm", summary: "units or weights leave that the loss hardly asks to move", formula: "‖∂L/∂w_u‖₂ (weights: |∂L/∂w|)",
    paper: "—", data: .examples, implementation: GradientNorm())

  /// The criterion; it has no state.
  public init() {}

  /// The gradient.
  public var statistics: Set<SweepStatistic> { [.weightGradients] }
  /// The gradient.
  public var weightStatistics: Set<SweepStatistic> { [.weightGradients] }

  /// √Σ(∂L/∂w)².
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer.sumOverIncoming(layer(.weightGradients).cast(to: .float64).squared()).squareRoot()
  }
  /// |∂L/∂w|.
  public func weightScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor { try layer(.weightGradients).absolute() }
}
