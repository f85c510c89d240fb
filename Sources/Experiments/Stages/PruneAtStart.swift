public import Pruning
internal import Training

/// All removals before the first training step, without training between them (SNIP and GraSP one, SynFlow 100).
public struct PruneAtStart: Stage {
  /// Name of the kind in recipes, `prune-at-start`.
  public static let name = "prune-at-start"
  /// The score, granularity and amount of the removals.
  public var pruning: PruningPlan
  /// Number of removals.
  public var rounds: Int

  /// Creates a stage of the given number of removals.
  public init(_ pruning: PruningPlan, rounds: Int) {
    self.pruning = pruning
    self.rounds = rounds
  }

  /// The plan of these removals.
  public var prunes: PruningPlan? { pruning }

  /// Removes in all rounds; the record has one event for all removals of weights, but one for each removal of units.
  public func carryOut(in run: Runner) throws {
    guard let pruner = run.pruner else { return }
    // The test accuracy of untrained weights says nothing.
    if run.experiment.start.isFresh { try run.recordDenseShape() } else { try run.recordDense() }
    var whole: (event: PruningEvent, removal: RemovalEvent)?
    for k in 1...max(rounds, 1) {
      try run.stopIfAsked()
      try run.sweepIfNeeded(pruner)
      let pruned = try pruner.prune(run.model, event: k, of: rounds, iteration: 0)
      run.model = pruned.model
      // For weights all removals are one event: what matters is which remain at the end.
      guard let sum = whole, !pruning.granularity.isStructured else {
        if let whole { try run.record(whole.event, whole.removal) }
        whole = (pruned.event, pruned.removal)
        continue
      }
      whole = Self.merged(sum, pruned)
    }
    if let whole { try run.record(whole.event, whole.removal) }
  }

  private static func merged(
    _ sum: (event: PruningEvent, removal: RemovalEvent), _ pruned: Pruner.Pruned
  ) -> (event: PruningEvent, removal: RemovalEvent) {
    var (event, removal) = (pruned.event, sum.removal)
    removal.masked.merge(pruned.removal.masked, uniquingKeysWith: +)
    event.ties = sum.event.ties.flatMap { sum in pruned.event.ties.map { sum.merged(with: $0) } }
    event.removed = sum.event.removed + pruned.event.removed
    event.collapse = sum.event.collapse ?? pruned.event.collapse
    return (event, removal)
  }
}
