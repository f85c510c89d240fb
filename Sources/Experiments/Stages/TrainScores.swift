internal import Foundation
public import Pruning
public import Results
internal import Training

/// Trains scores instead of weights, and at every step selects the best of each layer anew (``EdgePopup``).
public struct TrainScores: Stage {
  /// Name of the kind in recipes, `train-scores`.
  public static let name = "train-scores"
  /// ``RandomWeights``: the proof that weights stayed as initialised.
  public static let outcomes: [any StageOutcome.Type] = [RandomWeights.self]
  /// The training of the scores, by SGD.
  public var training: RegularizedTraining
  /// The plan whose sparsity says how many weights are used.
  public var pruning: PruningPlan

  /// Creates a training of scores.
  public init(_ training: RegularizedTraining, _ pruning: PruningPlan) {
    self.training = training
    self.pruning = pruning
  }

  /// The training of the scores.
  public var trains: RegularizedTraining? { training }
  /// The plan that says how many weights are used.
  public var prunes: PruningPlan? { pruning }

  /// Trains the scores, proves that the weights are unchanged, and records the selection as one removal.
  public func carryOut(in run: Runner) throws {
    let popup = try EdgePopup(pruning, model: run.model)
    if !run.isResumed {
      try run.recordDense()
      run.model = try popup.masked(run.model)
    }
    try run.train(training, phase: "scores", hooks: [popup])
    run.state[RandomWeights.self] = RandomWeights(count: try run.model.countOfRandomWeights(from: run.startingModel()))
    let whole = try popup.event(pruning, of: run.model, iteration: run.iterations)
    try run.record(whole.event, whole.removal)
  }
}

/// Number of weights in use after a training of scores, each equal to its initial value, proved bit for bit.
public struct RandomWeights: StageOutcome, Hashable {
  /// Key of the outcome in checkpoints, `randomWeights`.
  public static let key = "randomWeights"
  /// Number of kept weights.
  public let count: Int

  /// Creates an outcome with the given number of weights.
  public init(count: Int) { self.count = count }
  /// Decodes a bare number.
  public init(from decoder: any Decoder) throws { count = try decoder.singleValueContainer().decode(Int.self) }
  /// Encodes a bare number.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(count)
  }

  /// One note that the used weights equal their initial values, with their number.
  public func notes(of run: Runner) -> [RunNote] {
    let used = "the \(Format.count(count)) that are used equal their initial values bit for bit"
    return [RunNote(subject: "weights", words: "random: \(used), biases are 0, norms the identity")]
  }
}
