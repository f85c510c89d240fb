public import Torch

/// `li-greedy`: like `l1`, but layer by layer, ignoring weights that read units already chosen in this removal.
///
/// This is the "greedy" selection across layers of Li et al.: in the order of the layers, each group loses its fraction before the next one
/// is scored (`Model.unitSelection`). Their "independent" selection is `l1`. It goes with ``Allocation/layer`` and with thresholds only.
public struct GreedyL1: GreedyScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "li-greedy", summary: "like l1, but layer by layer, ignoring weights that read units just chosen; layer scope only",
    formula: "Σ|w| over incoming weights from units that stay, without bias", paper: "Li et al. 2017", data: .nothing,
    implementation: GreedyL1())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns Σ|w|; weights that read removed inputs are 0.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor { try L1().unitScores(weight, context) }
}

extension Criterion {
  /// `li-greedy`: Σ|w| of a unit, layer by layer.
  public static let greedyL1 = Criterion(GreedyL1.criterion)
}
