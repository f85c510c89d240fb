/// The training after a removal, in a run of several rounds of both.
public struct Recover: Stage {
  /// `recover`, in recipes.
  public static let name = "recover"
  /// How it is trained.
  public var training: RegularizedTraining
  /// Which of the rounds it belongs to, from 1.
  public var round: Int
  /// How many rounds there are.
  public var rounds: Int

  /// The training of one round.
  public init(_ training: RegularizedTraining, round: Int, of rounds: Int) {
    self.training = training
    self.round = round
    self.rounds = rounds
  }

  /// This training.
  public var trains: RegularizedTraining? { training }

  /// Trains, with the pruner's sums going on for the next removal.
  public func carryOut(in run: Runner) throws {
    try run.train(training, phase: "round \(round)/\(rounds)", hooks: run.pruner.map { [$0] } ?? [])
  }
}
