/// One evaluation during training.
public struct EvaluationRecord: Codable, Hashable, Sendable {
  /// Number of finished steps.
  public var iteration: Int
  /// Mean training loss of the evaluated network's steps since the previous evaluation; that evaluation's value if there were none.
  public var trainingLoss: Double
  /// Result on the validation set; nil without one.
  public var validation: Evaluation?
  /// Result on the test set, evaluated only at new minima of the validation loss and at the end; otherwise nil.
  public var test: Evaluation?

  /// Creates a record; every parameter sets the property of the same name.
  public init(iteration: Int, trainingLoss: Double, validation: Evaluation? = nil, test: Evaluation? = nil) {
    self.iteration = iteration
    self.trainingLoss = trainingLoss
    self.validation = validation
    self.test = test
  }
}

/// The evaluations and losses of a training so far; exact, and kept in checkpoints.
public struct TrainingLog: Codable, Hashable, Sendable {
  /// The evaluations in order of time.
  public var evaluations: [EvaluationRecord] = []
  /// Sum of the evaluated network's training losses since the last evaluation.
  public var lossSum = 0.0
  /// Number of steps in `lossSum`.
  public var lossCount = 0

  /// Creates an empty log.
  public init() {}

  /// The evaluation of lowest validation loss, the earliest of equal ones; its iteration is the early-stop iteration.
  public var best: EvaluationRecord? {
    evaluations.filter { $0.validation != nil }.min {
      ($0.validation?.loss ?? .infinity, $0.iteration) < ($1.validation?.loss ?? .infinity, $1.iteration)
    }
  }
}

/// The progress of a training after a step, for display.
public struct TrainingProgress: Sendable {
  /// Number of finished steps, of `total`.
  public var iteration: Int
  /// Number of steps in total.
  public var total: Int
  /// Number of steps per epoch.
  public var iterationsPerEpoch: Int
  /// Training loss of the last step's batch.
  public var loss: Double
  /// Learning rate of the last step.
  public var learningRate: Double
  /// The evaluation made after this step; nil if none was due.
  public var evaluation: EvaluationRecord?

  /// Creates a progress; every parameter sets the property of the same name.
  public init(
    iteration: Int, total: Int, iterationsPerEpoch: Int, loss: Double, learningRate: Double, evaluation: EvaluationRecord? = nil
  ) {
    self.iteration = iteration
    self.total = total
    self.iterationsPerEpoch = iterationsPerEpoch
    self.loss = loss
    self.learningRate = learningRate
    self.evaluation = evaluation
  }
}

/// A reason for which training stopped before its end.
public enum TrainingError: Error, CustomStringConvertible, Equatable {
  /// The loss became infinite or NaN.
  case nonFiniteLoss(iteration: Int, learningRate: Double)
  /// The loss of tasks became infinite or NaN, in inner steps or by those of the outer update.
  case nonFiniteTaskLoss(iteration: Int, innerRate: Double, learningRate: Double)
  /// Training was stopped on request, after writing a checkpoint if the run has one.
  case interrupted(iteration: Int)
  /// A training of several networks was stopped in the same way; their steps are counted through.
  case interruptedAmongNetworks(iteration: Int)
  /// The training set is empty.
  case noData

  /// Whether the loss became infinite or NaN.
  public var isNonFinite: Bool {
    switch self {
    case .nonFiniteLoss, .nonFiniteTaskLoss: true
    case .interrupted, .interruptedAmongNetworks, .noData: false
    }
  }

  /// The message in one line.
  public var description: String {
    switch self {
    case .nonFiniteLoss(let iteration, let learningRate):
      "the loss is no longer finite at step \(iteration), learning rate \(learningRate): try a lower rate"
    case .nonFiniteTaskLoss(let iteration, let innerRate, let learningRate):
      "the loss is no longer finite at step \(iteration): try a lower --inner-rate than \(innerRate), or a lower --learning-rate than "
        + "\(learningRate)"
    case .interrupted(let iteration): "interrupted after step \(iteration)"
    case .interruptedAmongNetworks(let iteration): "interrupted after step \(iteration) of all networks"
    case .noData: "the training set is empty"
    }
  }
}
