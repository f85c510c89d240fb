internal import Results
internal import Training

/// The training on one data set of a sequence, with its own last layer.
public struct TrainOnDataset: Stage {
  /// Name of the kind in recipes, `train-on-dataset`.
  public static let name = "train-on-dataset"
  /// ``SequenceOutcome``: the accuracies on all data sets.
  public static let outcomes: [any StageOutcome.Type] = [SequenceOutcome.self]
  /// The training plan and its penalties, the same for each data set.
  public var training: RegularizedTraining
  /// The data sets.
  public var sequence: DataSequence
  /// Number of this training, from 0.
  public var segment: Int

  /// Creates one training of a sequence.
  public init(_ training: RegularizedTraining, _ sequence: DataSequence, segment: Int) {
    self.training = training
    self.sequence = sequence
    self.segment = segment
  }

  /// The training on this data set.
  public var trains: RegularizedTraining? { training }

  private var dataset: Int { segment % max(sequence.datasets.count, 1) }

  /// Exchanges the last layer, trains, while the pruner continues its sums for the next removal, and judges by all data sets so far.
  public func carryOut(in run: Runner) throws {
    try run.use(dataset: dataset, segment: segment)
    if !run.isResumed {
      if run.state.dense == nil { try run.recordDenseShape() }
      if sequence.heads == .fresh { run.dropHead(of: dataset) }
      run.model = try run.withHead(of: dataset, number: segment, run.model).copied()
    }
    let pass = segment / max(sequence.datasets.count, 1) + 1
    try run.train(
      training, phase: "\(sequence.datasets[dataset].dataset), pass \(pass)/\(sequence.passes)", hooks: run.pruner.map { [$0] } ?? [])
    try run.keepHead(of: dataset)
    var outcome = run.state[SequenceOutcome.self] ?? SequenceOutcome(run)
    outcome.changes.append(
      .init(
        dataset: dataset, pass: pass, step: run.iterations, left: try run.left(), accuracies: try run.accuracies(of: run.model),
        training: try run.trainingAccuracy()))
    run.state[SequenceOutcome.self] = outcome
    run.note(outcome.lastWords)
  }
}
