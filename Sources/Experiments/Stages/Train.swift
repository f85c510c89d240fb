internal import Pruning

/// A whole training, of the dense network or of the one that removals before the first step have left.
public struct Train: Stage {
  /// Name of the kind in recipes, `train`.
  public static let name = "train"
  /// What came back, if the pruning plan lets weights regrow.
  public static let outcomes: [any StageOutcome.Type] = [RegrowthReport.self]
  /// The training plan and its penalties.
  public var training: RegularizedTraining

  /// Creates a stage of the given training.
  public init(_ training: RegularizedTraining) { self.training = training }

  /// The training of this stage.
  public var trains: RegularizedTraining? { training }

  /// Trains; if nothing was removed before, records the result as the dense model that the pruned one is compared with.
  public func carryOut(in run: Runner) throws {
    let isDense = run.state.events.isEmpty
    try run.train(training, phase: isDense ? "training" : "sparse training", hooks: run.pruner.map { [$0] } ?? [])
    if isDense { try run.recordDense() }
  }
}
