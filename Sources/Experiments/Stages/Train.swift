internal import Pruning

/// A whole training: of the dense network, or of what removals before the first step have left.
public struct Train: Stage {
  public static let name = "train"
  public static let outcomes: [any StageOutcome.Type] = [RegrowthReport.self]
  /// How it is trained.
  public var training: RegularizedTraining

  /// A training.
  public init(_ training: RegularizedTraining) { self.training = training }

  public var trains: RegularizedTraining? { training }

  public func carryOut(in run: Runner) throws {
    let isDense = run.state.events.isEmpty
    try run.train(training, phase: isDense ? "training" : "sparse training", hooks: run.pruner.map { [$0] } ?? [])
    if isDense { try run.recordDense() }
  }
}
