/// One evaluation during training.
public struct EvaluationRecord: Codable, Hashable, Sendable {
  /// Finished steps.
  public var iteration: Int
  /// Mean training loss of the evaluated network's steps since the last evaluation; the last record's if it made none.
  public var trainingLoss: Double
  /// On the validation set; nil without one.
  public var validation: Evaluation?
  /// On the test set: at new minima of the validation loss and at the end only.
  public var test: Evaluation?

  /// A record of these parts.
  public init(iteration: Int, trainingLoss: Double, validation: Evaluation? = nil, test: Evaluation? = nil) {
    self.iteration = iteration
    self.trainingLoss = trainingLoss
    self.validation = validation
    self.test = test
  }
}

/// What training has seen so far: exact, and kept in checkpoints.
public struct TrainingLog: Codable, Hashable, Sendable {
  /// In order of time.
  public var evaluations: [EvaluationRecord] = []
  /// Sum of the evaluated network's training losses since the last evaluation.
  public var lossSum = 0.0
  /// Steps in `lossSum`.
  public var lossCount = 0

  /// An empty log.
  public init() {}

  /// The evaluation of lowest validation loss; the earliest of equal ones. Its iteration is the early-stop iteration.
  public var best: EvaluationRecord? {
    evaluations.filter { $0.validation != nil }.min {
      ($0.validation?.loss ?? .infinity, $0.iteration) < ($1.validation?.loss ?? .infinity, $1.iteration)
    }
  }
}

/// What a trainer tells whoever watches.
public struct TrainingProgress: Sendable {
  /// Finished steps of `total`.
  public var iteration: Int
  /// Steps in all.
  public var total: Int
  /// Steps in an epoch.
  public var iterationsPerEpoch: Int
  /// The last step's loss.
  public var loss: Double
  /// The rate of the last step.
  public var learningRate: Double
  /// Set when an evaluation has just been made.
  public var evaluation: EvaluationRecord?
}

/// Why training stopped before its end.
public enum TrainingError: Error, CustomStringConvertible, Equatable {
  /// The loss became infinite or NaN.
  case nonFiniteLoss(iteration: Int, learningRate: Double)
  /// Somebody asked for it; a checkpoint has been written if there is where.
  case interrupted(iteration: Int)
  /// There is nothing to learn from.
  case noData

  /// One line.
  public var description: String {
    switch self {
    case .nonFiniteLoss(let iteration, let learningRate):
      "the loss is no longer finite at step \(iteration), learning rate \(learningRate): try a lower rate"
    case .interrupted(let iteration): "interrupted after step \(iteration)"
    case .noData: "the training set is empty"
    }
  }
}
