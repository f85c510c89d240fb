public import Torch

/// `li-greedy`: as `l1`, but layer by layer, without the weights that read units already chosen in this removal.
///
/// Li et al.'s "greedy" selection across layers: in the order of the layers, each group loses its fraction before the next one is
/// scored (``Training/Model/unitSelection(_:by:rule:granularity:accumulated:swept:originals:ignoring:reduction:seed:round:)``).
/// `l1` is their "independent" one. Goes with ``Allocation/layer`` and with thresholds only.
public struct GreedyL1: GreedyScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "li-greedy", summary: "as l1, layer by layer, without weights that read what has just been chosen; layer scope only",
    formula: "Σ|w| over incoming weights from units that stay, without bias", paper: "Li et al. 2017", data: .nothing,
    implementation: GreedyL1())

  /// The criterion; it has no state.
  public init() {}

  /// Σ|w|, where weights that read removed inputs are 0.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor { try L1().unitScores(weight, context) }
}

extension Criterion {
  /// Σ|w| of a unit, layer by layer.
  public static let greedyL1 = Criterion(GreedyL1.criterion)
}
