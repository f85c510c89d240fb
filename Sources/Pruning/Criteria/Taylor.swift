public import Torch

/// `taylor`: the squared first-order change of a batch's mean loss when weights become 0: (Σ_{w∈u} g·w)², averaged over batches.
///
/// A single weight counts as a unit of one. Averages weigh each batch by its examples, so a short last one counts for less (the
/// paper's batches are equal). Option `signed`: −Σ g·w over all examples, the change itself, so that low still leaves first; it
/// does not depend on how the examples are split. One forward and one backward pass, with weights' gradients.
public struct Taylor: SweptWeightScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "taylor", summary: "units or weights leave whose zeroing changes the loss least, by their gradients",
    formula: "(Σ_{w∈u} w·∂L/∂w)², averaged over batches (signed: −Σ w·∂L/∂w)", paper: "Molchanov et al. 2019", data: .examples,
    options: [.signed], implementation: Taylor())

  /// Whether the change keeps its sign.
  public var signed: Bool

  /// The criterion, squared unless `signed`.
  public init(signed: Bool = false) { self.signed = signed }

  /// Signed or not.
  public func configured(_ options: Set<Criterion.Option>) -> any SweptScoring { Taylor(signed: options.contains(.signed)) }

  /// The squares of units, or the gradient.
  public var statistics: Set<SweepStatistic> { signed ? [.weightGradients] : [.unitTaylorSquares] }
  /// The squares of weights, or the gradient.
  public var weightStatistics: Set<SweepStatistic> { signed ? [.weightGradients] : [.weightTaylorSquares] }

  /// (Σ g·w)², or −Σ g·w.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try signed ? layer.sumOverIncoming(weightScores(layer, context)) : layer(.unitTaylorSquares)
  }
  /// (g·w)², or −g·w.
  public func weightScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try signed ? -(layer(.weightGradients) * layer.weight) : layer(.weightTaylorSquares)
  }
}
