internal import Pruning

/// A whole training: of the dense network, or of what removals before the first step have left.
public struct Train: Stage {
  /// `train`, in recipes.
  public static let name = "train"
  /// What came back, where the pruning plan lets weights regrow.
  public static let outcomes: [any StageOutcome.Type] = [RegrowthReport.self]
  /// How it is trained.
  public var training: RegularizedTraining

  /// A training.
  public init(_ training: RegularizedTraining) { self.training = training }

  /// This training.
  public var trains: RegularizedTraining? { training }

  /// Trains; a dense model is then recorded as what the pruned one is compared with.
  public func carryOut(in run: Runner) throws {
    let isDense = run.state.events.isEmpty
    try run.train(training, phase: isDense ? "training" : "sparse training", hooks: run.pruner.map { [$0] } ?? [])
    if isDense { try run.recordDense() }
  }
}
