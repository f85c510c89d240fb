public import Pruning
internal import Results
internal import Training

/// One removal between the trainings of a sequence of data sets, decided by the data set just trained on or by the votes of all.
public struct PruneOnDatasets: Stage {
  /// Name of the kind in recipes, `prune-on-datasets`.
  public static let name = "prune-on-datasets"
  /// ``SequenceOutcome``: the accuracies on all data sets.
  public static let outcomes: [any StageOutcome.Type] = [SequenceOutcome.self]
  /// The score, granularity and amount of the removals.
  public var pruning: PruningPlan
  /// The data sets.
  public var sequence: DataSequence
  /// Number of this removal, from 1.
  public var round: Int

  /// Creates one removal of a sequence.
  public init(_ pruning: PruningPlan, _ sequence: DataSequence, round: Int) {
    self.pruning = pruning
    self.sequence = sequence
    self.round = round
  }

  /// The plan that the removal is a part of.
  public var prunes: PruningPlan? { pruning }

  /// Removes, cuts the last layers that are kept with it, and judges by all data sets so far.
  public func carryOut(in run: Runner) throws {
    guard let pruner = run.pruner else { return }
    let ballot = run.ballot
    let segment = ballot == nil ? round - 1 : sequence.datasets.count - 1
    let dataset = segment % max(sequence.datasets.count, 1)
    try run.use(dataset: dataset, segment: segment)
    var outcome = run.state[SequenceOutcome.self] ?? SequenceOutcome(run)
    if let ballot {
      pruner.scores = ballot.scores(name: pruning.criterion.name)
      let choice = try pruner.vote(run.model, event: round, of: sequence.removals)
      let exceptions = try ballot.exceptions(to: sequence.quorum ?? 1, in: choice)
      outcome.votes.append(.init(removed: choice.selection.removed, overruled: exceptions.overruled, spared: exceptions.spared))
    } else {
      try run.sweepIfNeeded(pruner)
    }
    let before = outcome.changes.last?.accuracies
    var pruned = try pruner.prune(run.model, event: round, of: sequence.removals, iteration: run.iterations)
    pruner.scores = nil
    run.ballot = nil
    run.model = pruned.model
    try run.cutHeads(by: pruned.slices)
    let after = try run.accuracies(of: run.model)
    if ballot == nil, run.data?.validation != nil {
      // What was just trained on is what decides, and its accuracies are known.
      pruned.event.before = before?[dataset].map { Evaluation(loss: $0.loss, correct: $0.correct, count: $0.count) }
      pruned.event.after = after[dataset].map { Evaluation(loss: $0.loss, correct: $0.correct, count: $0.count) }
    }
    try run.record(pruned.event, pruned.removal)
    outcome.changes.append(
      .init(
        dataset: nil, pass: (round - 1) / max(ballot == nil ? sequence.datasets.count : 1, 1) + 1, step: run.iterations,
        left: try run.left(), accuracies: after))
    run.state[SequenceOutcome.self] = outcome
  }
}
