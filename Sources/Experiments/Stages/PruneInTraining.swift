public import Pruning

/// One training in whose course things are removed, by a plan whose timing is ``PruningPlan/Timing/during(every:until:)``.
public struct PruneInTraining: Stage {
  /// `prune-in-training`, in recipes.
  public static let name = "prune-in-training"
  /// What came back, where the pruning plan lets weights regrow.
  public static let outcomes: [any StageOutcome.Type] = [RegrowthReport.self]
  /// How it is trained.
  public var training: RegularizedTraining
  /// What is removed, by which score, how much and when.
  public var pruning: PruningPlan

  /// A training with removals.
  public init(_ training: RegularizedTraining, _ pruning: PruningPlan) {
    self.training = training
    self.pruning = pruning
  }

  /// The training in whose course it removes.
  public var trains: RegularizedTraining? { training }
  /// The plan of these removals.
  public var prunes: PruningPlan? { pruning }

  /// Trains with the pruner as a hook; the dense model is recorded just before the first removal.
  public func carryOut(in run: Runner) throws {
    guard let pruner = run.pruner else { return }
    pruner.willPrune = { [unowned run] trainer in
      if run.state.dense == nil { try run.recordDense(of: trainer) }
    }
    pruner.didPrune = { [unowned run] event, removal in run.record(event, removal) }
    try run.train(training, phase: "training", hooks: [pruner])
    if run.state.dense == nil { try run.recordDense() }
  }
}
