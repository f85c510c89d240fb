public import Pruning

/// One removal between trainings, with the evaluations before and after it.
public struct Prune: Stage {
  /// `prune`, in recipes.
  public static let name = "prune"
  /// What is removed, by which score, and how much in all.
  public var pruning: PruningPlan
  /// Which of the removals it is, from 1.
  public var round: Int
  /// How many removals there are.
  public var rounds: Int

  /// One removal of several.
  public init(_ pruning: PruningPlan, round: Int, of rounds: Int) {
    self.pruning = pruning
    self.round = round
    self.rounds = rounds
  }

  /// The plan that the removal is a part of.
  public var prunes: PruningPlan? { pruning }

  /// Removes, repairs, and judges the last removal on the test images.
  public func carryOut(in run: Runner) throws {
    guard let pruner = run.pruner else { return }
    // Where nothing was trained since the last removal, its evaluation still holds.
    let last = run.state.events.last
    let before = try last?.iteration == run.iterations ? last?.after : run.evaluate(run.model)
    try run.sweepIfNeeded(pruner)
    var pruned = try pruner.prune(run.model, event: round, of: rounds, iteration: run.iterations)
    run.model = try run.rescalingDropout(pruned.model, pruner)
    pruned.event.before = before
    pruned.event.after = try run.evaluate(run.model)
    if round == rounds { try run.judge(pruned.isRepaired ? "repaired" : "pruned", run.model) }
    run.record(pruned.event, pruned.removal)
  }
}
