/// The training after a removal, in a run of several rounds of both.
public struct Recover: Stage {
  /// Name of the kind in recipes, `recover`.
  public static let name = "recover"
  /// The training plan and its penalties.
  public var training: RegularizedTraining
  /// Number of the round, from 1.
  public var round: Int
  /// Total number of rounds.
  public var rounds: Int

  /// Creates the training of one round.
  public init(_ training: RegularizedTraining, round: Int, of rounds: Int) {
    self.training = training
    self.round = round
    self.rounds = rounds
  }

  /// The training of this round.
  public var trains: RegularizedTraining? { training }

  /// Trains, while the pruner continues its sums for the next removal.
  public func carryOut(in run: Runner) throws {
    try run.train(training, phase: "round \(round)/\(rounds)", hooks: run.pruner.map { [$0] } ?? [])
  }
}
