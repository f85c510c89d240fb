public import Pruning

/// One training with removals in its course, by a plan whose timing is ``PruningPlan/Timing/during(every:until:)``.
public struct PruneInTraining: Stage {
  /// Name of the kind in recipes, `prune-in-training`.
  public static let name = "prune-in-training"
  /// What came back, if the pruning plan lets weights regrow.
  public static let outcomes: [any StageOutcome.Type] = [RegrowthReport.self]
  /// The training in whose course weights or units are removed.
  public var training: RegularizedTraining
  /// The score, granularity, amount and timing of the removals.
  public var pruning: PruningPlan

  /// Creates a training with removals.
  public init(_ training: RegularizedTraining, _ pruning: PruningPlan) {
    self.training = training
    self.pruning = pruning
  }

  /// The training, with removals in its course.
  public var trains: RegularizedTraining? { training }
  /// The plan of these removals.
  public var prunes: PruningPlan? { pruning }

  /// Trains with the pruner as a hook, and records the dense model just before the first removal.
  public func carryOut(in run: Runner) throws {
    guard let pruner = run.pruner else { return }
    pruner.willPrune = { [unowned run] trainer in
      if run.state.dense == nil { try run.recordDense(of: trainer) }
    }
    pruner.didPrune = { [unowned run] event, removal in try run.record(event, event.isTemporary ?? false ? nil : removal) }
    let temporary = try pruning.temporary.map { try TemporaryRemovalHook($0, pruner: pruner, model: run.model) }
    try run.train(training, phase: "training", hooks: [pruner] + (temporary.map { [$0] } ?? []))
    if run.state.dense == nil { try run.recordDense() }
  }
}
