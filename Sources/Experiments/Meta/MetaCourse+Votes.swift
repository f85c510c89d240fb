internal import Interruptions
internal import Networks
internal import Pruning
internal import Results
internal import Torch
internal import Training

extension MetaCourse {
  /// Lets as many tasks as an outer step has, other ones than those that are learned, vote on the next removal of an arm: each by the
  /// criterion's scores of what its inner steps lead to ("keep in most"); nil if the plan lets none vote.
  func votes(on candidate: Model, _ arm: Arm, removal: Int) throws -> Ballot? {
    guard stage.meta.keepIf != nil else { return nil }
    let isOne = arm == .control(.oneDataset)
    var learning = stage.meta.learning
    (learning.update, learning.pruneGradient) = (.fomaml, .recomputed)
    let learner = try MetaLearner(learning, optimizer: .sgd(momentum: 0), model: candidate, dropout: Generator(seed: UInt64(removal)))
    let voter = try makePruner(for: arm, nil)
    var ballot = Ballot()
    for (number, task) in try tasks.trial(-removal, ofOneDataset: isOne).enumerated() {
      try Interruption.check()
      voter.examples = { [tasks] in try tasks.trialExamples(-removal, number, ofOneDataset: isOne) }
      let solved = try learner.solve(task)
      if voter.needsSweep, let examples = try voter.examples() { try voter.sweep(solved, batches: examples) }
      try ballot.add(voter.vote(solved, event: removal, of: ends.count - 1))
    }
    return ballot
  }

  /// Adds to the outcome how a removal by votes keeps to the rule.
  func count(
    _ ballot: Ballot, _ pruned: Pruner.Pruned, of present: Model, _ candidate: Model, _ pruner: Pruner, removal: Int
  ) throws {
    var choice = try pruner.vote(candidate, event: removal, of: ends.count - 1)
    // Where the choice is among all weights, what had left before does not leave again.
    for (index, layer) in choice.layers.enumerated() where stage.pruning.granularity == .weight {
      choice.layers[index].kept = present.masks[ParameterName(layer.name, .weight)]
    }
    let exceptions = try ballot.exceptions(to: stage.meta.keepIf?.quorum(of: stage.meta.learning.tasks) ?? 1, in: choice)
    outcome.votes =
      (outcome.votes ?? []) + [
        RemovalVote(removed: pruned.event.removed, overruled: exceptions.overruled, spared: exceptions.spared)
      ]
    runner.state[MetaOutcome.self] = outcome
  }
}
