public import Torch

/// `gradient-norm`: the norm of the loss's gradient with respect to a unit's incoming weights, ‖∂L/∂w_u‖₂; for single weights |∂L/∂w|.
///
/// L is the mean loss over all examples, however they are batched. Cost: one forward and one backward pass, with the weights' gradients.
public struct GradientNorm: SweptWeightScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "gradient-norm", summary: "removes the units or weights with the smallest gradient of the loss",
    formula: "‖∂L/∂w_u‖₂ (weights: |∂L/∂w|)",
    paper: "—", data: .examples, implementation: GradientNorm())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// ∂L/∂w.
  public var statistics: Set<SweepStatistic> { [.weightGradients] }
  /// ∂L/∂w.
  public var weightStatistics: Set<SweepStatistic> { [.weightGradients] }

  /// Returns √Σ(∂L/∂w)² over each unit's incoming weights.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer.sumOverIncoming(layer(.weightGradients).cast(to: .float64).squared()).squareRoot()
  }
  /// Returns |∂L/∂w|.
  public func weightScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor { try layer(.weightGradients).absolute() }
}
