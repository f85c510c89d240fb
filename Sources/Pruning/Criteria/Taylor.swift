public import Torch

/// `taylor`: the squared first-order change of a batch's mean loss when weights become 0: (Σ_{w∈u} g·w)², averaged over batches.
///
/// A single weight counts as a unit of one. The average weights each batch by its number of examples, so that a short last one counts for
/// less (the paper's batches are equal). Option `signed` scores by the change itself, −Σ g·w over all examples, of which low values are
/// still removed first; it does not depend on how the examples are split. Cost: one forward and one backward pass, with the weights'
/// gradients.
public struct Taylor: SweptWeightScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "taylor", summary: "removes the units or weights whose zeroing changes the loss least, judged by gradients",
    formula: "(Σ_{w∈u} w·∂L/∂w)², averaged over batches (signed: −Σ w·∂L/∂w)", paper: "Molchanov et al. 2019", data: .examples,
    options: [.signed], implementation: Taylor())

  /// Whether scores are the signed change instead of its square.
  public var signed: Bool

  /// Creates the criterion, squared unless `signed`.
  public init(signed: Bool = false) { self.signed = signed }

  /// Returns the signed variant if the options contain ``Criterion/Option/signed``, else the squared one.
  public func configured(_ options: Set<Criterion.Option>) -> any SweptScoring { Taylor(signed: options.contains(.signed)) }

  /// (Σ w·∂L/∂w)² of each unit, or ∂L/∂w if signed.
  public var statistics: Set<SweepStatistic> { signed ? [.weightGradients] : [.unitTaylorSquares] }
  /// (w·∂L/∂w)², or ∂L/∂w if signed.
  public var weightStatistics: Set<SweepStatistic> { signed ? [.weightGradients] : [.weightTaylorSquares] }

  /// Returns (Σ g·w)², or −Σ g·w if signed.
  public func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try signed ? layer.sumOverIncoming(weightScores(layer, context)) : layer(.unitTaylorSquares)
  }
  /// Returns (g·w)², or −g·w if signed.
  public func weightScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor {
    try signed ? -(layer(.weightGradients) * layer.weight) : layer(.weightTaylorSquares)
  }
}
