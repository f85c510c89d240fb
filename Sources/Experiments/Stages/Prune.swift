public import Pruning

/// One removal between trainings, with the evaluations before and after it.
public struct Prune: Stage {
  /// Name of the kind in recipes, `prune`.
  public static let name = "prune"
  /// The score, granularity and total amount of the removals.
  public var pruning: PruningPlan
  /// Number of this removal, from 1.
  public var round: Int
  /// Total number of removals.
  public var rounds: Int

  /// Creates one removal of several.
  public init(_ pruning: PruningPlan, round: Int, of rounds: Int) {
    self.pruning = pruning
    self.round = round
    self.rounds = rounds
  }

  /// The plan that the removal is a part of.
  public var prunes: PruningPlan? { pruning }

  /// Removes and repairs, with evaluations before and after, and evaluates the last removal on the test images.
  public func carryOut(in run: Runner) throws {
    guard let pruner = run.pruner else { return }
    // If nothing was trained since the last removal, its evaluation still holds.
    let last = run.state.events.last
    let before = try last?.iteration == run.iterations ? last?.after : run.evaluate(run.model)
    try run.sweepIfNeeded(pruner)
    var pruned = try pruner.prune(run.model, event: round, of: rounds, iteration: run.iterations)
    run.model = try run.rescalingDropout(pruned.model, pruner)
    pruned.event.before = before
    pruned.event.after = try run.evaluate(run.model)
    if round == rounds { try run.judge(pruned.isRepaired ? "repaired" : "pruned", run.model) }
    try run.record(pruned.event, pruned.removal)
  }
}
