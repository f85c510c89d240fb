internal import Foundation
public import Pruning
public import Results
internal import Training

/// Training of scores in the place of weights: the best of each layer are chosen anew at every step (``EdgePopup``).
public struct TrainScores: Stage {
  /// `train-scores`, in recipes.
  public static let name = "train-scores"
  /// The proof that weights stayed as they were drawn.
  public static let outcomes: [any StageOutcome.Type] = [RandomWeights.self]
  /// How scores are trained: by SGD.
  public var training: RegularizedTraining
  /// How many weights are used.
  public var pruning: PruningPlan

  /// A training of scores.
  public init(_ training: RegularizedTraining, _ pruning: PruningPlan) {
    self.training = training
    self.pruning = pruning
  }

  /// The training of the scores.
  public var trains: RegularizedTraining? { training }
  /// The plan that says how many weights are used.
  public var prunes: PruningPlan? { pruning }

  /// Trains the scores, proves the weights untouched, and records the choice as one removal.
  public func carryOut(in run: Runner) throws {
    let popup = try EdgePopup(pruning, model: run.model)
    if !run.isResumed {
      try run.recordDense()
      run.model = try popup.masked(run.model)
    }
    try run.train(training, phase: "scores", hooks: [popup])
    run.state[RandomWeights.self] = RandomWeights(count: try run.model.countOfRandomWeights(from: run.startingModel()))
    let whole = try popup.event(pruning, of: run.model, iteration: run.iterations)
    run.record(whole.event, whole.removal)
  }
}

/// How many weights a training of scores left in use, each as it was drawn, proved bit for bit.
public struct RandomWeights: StageOutcome, Hashable {
  /// `randomWeights`, in checkpoints.
  public static let key = "randomWeights"
  /// Kept weights.
  public let count: Int

  /// So many weights.
  public init(count: Int) { self.count = count }
  /// Reads the bare number.
  public init(from decoder: any Decoder) throws { count = try decoder.singleValueContainer().decode(Int.self) }
  /// Writes the bare number.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(count)
  }

  /// The line that tells how many weights are used, and that they are random.
  public func notes(of run: Runner) -> [RunNote] {
    let used = "the \(Format.count(count)) that are used equal their initial values bit for bit"
    return [RunNote(subject: "weights", words: "random: \(used), biases are 0, norms the identity")]
  }
}
