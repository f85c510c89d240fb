public import Torch

/// `snip`: |w·∂L/∂w| of the mean loss of one batch: how strongly the loss reacts when the connection is taken away.
///
/// For units the sum over their incoming weights. The paper divides by the sum over all weights, which no ranking sees. It asks for
/// one batch (100 images of MNIST, 128 of CIFAR-10); ours is 10 examples of each class and at least 100, or what the plan says. As
/// in the public code batch norms are in evaluation mode, in which those of a fresh network pass values on as they are, unless the plan
/// says otherwise. One forward and one backward pass.
public struct SNIP: SweptWeightScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "snip", summary: "connections leave whose absence the loss of one batch feels least; made for fresh weights",
    formula: "|w·∂L/∂w| (units: Σ over incoming weights)", paper: "Lee, Ajanthan & Torr 2019", data: .examples,
    examples: ExampleCount(100, perClass: 10), batchNorms: .evaluation, implementation: SNIP())

  /// The criterion; it has no state.
  public init() {}

  /// The gradient.
  public var statistics: Set<SweepStatistic> { [.weightGradients] }
  /// The gradient.
  public var weightStatistics: Set<SweepStatistic> { [.weightGradients] }

  /// Σ|w·∂L/∂w|.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer.sumOverIncoming(weightScores(layer, context))
  }
  /// |w·∂L/∂w|.
  public func weightScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try (layer(.weightGradients) * layer.weight).absolute()
  }
}

extension Criterion {
  /// |w·∂L/∂w|.
  public static let snip = Criterion(SNIP.criterion)
}
