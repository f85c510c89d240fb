public import Pruning
internal import Training

/// The training of a branch on one data set, which then votes on what should leave; the branch itself is given up.
///
/// All branches of a pass begin with the same weights, and each has the last layer of its data set.
public struct VoteOnDataset: Stage {
  /// Name of the kind in recipes, `vote-on-dataset`.
  public static let name = "vote-on-dataset"
  /// The training plan and its penalties, the same for each data set.
  public var training: RegularizedTraining
  /// The score, granularity and amount of the removal that is voted on.
  public var pruning: PruningPlan
  /// The data sets.
  public var sequence: DataSequence
  /// Number of the pass, from 1.
  public var pass: Int
  /// Index of the data set.
  public var dataset: Int

  /// Creates the vote of one data set.
  public init(_ training: RegularizedTraining, _ pruning: PruningPlan, _ sequence: DataSequence, pass: Int, dataset: Int) {
    self.training = training
    self.pruning = pruning
    self.sequence = sequence
    self.pass = pass
    self.dataset = dataset
  }

  /// The training of the branch.
  public var trains: RegularizedTraining? { training }
  /// The plan of the removal that is voted on.
  public var prunes: PruningPlan? { pruning }

  /// Trains a branch, adds its vote, and goes back to where it began.
  public func carryOut(in run: Runner) throws {
    guard let pruner = run.pruner else { return }
    try run.use(dataset: dataset, segment: (pass - 1) * sequence.datasets.count + dataset)
    if !run.isResumed {
      if run.state.dense == nil { try run.recordDenseShape() }
      try run.keepStart()
      run.model = try run.withHead(of: dataset, number: 0, run.model).copied()
    }
    try run.train(
      training, phase: "vote of \(sequence.datasets[dataset].dataset), pass \(pass)/\(sequence.passes)", hooks: [pruner])
    try run.sweepIfNeeded(pruner)
    var ballot = run.ballot ?? Ballot()
    try ballot.add(pruner.vote(run.model, event: pass, of: sequence.removals))
    run.ballot = ballot
    run.model = try run.backAtStart()
  }
}
