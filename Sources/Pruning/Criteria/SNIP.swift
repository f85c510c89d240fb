public import Torch

/// `snip`: |w·∂L/∂w| of the mean loss of one batch: the sensitivity of the loss to removing the connection.
///
/// For units the sum over their incoming weights. The paper divides by the sum over all weights, which does not change any ranking. It uses
/// one batch (100 images of MNIST, 128 of CIFAR-10); ours uses 10 examples of each class and at least 100, unless the plan says otherwise.
/// As in the public code, batch norms are in evaluation mode, in which those of a fresh network are the identity, unless the plan says
/// otherwise. Cost: one forward and one backward pass.
public struct SNIP: SweptWeightScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "snip",
    summary: "removes the connections whose removal affects the loss of one batch least; meant for freshly initialised weights",
    formula: "|w·∂L/∂w| (units: Σ over incoming weights)", paper: "Lee, Ajanthan & Torr 2019", data: .examples,
    examples: ExampleCount(100, perClass: 10), batchNorms: .evaluation, implementation: SNIP())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// ∂L/∂w.
  public var statistics: Set<SweepStatistic> { [.weightGradients] }
  /// ∂L/∂w.
  public var weightStatistics: Set<SweepStatistic> { [.weightGradients] }

  /// Returns Σ|w·∂L/∂w| over each unit's incoming weights.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try layer.sumOverIncoming(weightScores(layer, context))
  }
  /// Returns |w·∂L/∂w|.
  public func weightScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try (layer(.weightGradients) * layer.weight).absolute()
  }
}

extension Criterion {
  /// `snip`: |w·∂L/∂w|.
  public static let snip = Criterion(SNIP.criterion)
}
