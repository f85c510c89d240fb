internal import Networks

/// How a model is trained: a value that recipes, checkpoints and reports can hold.
public struct TrainingPlan: Codable, Hashable, Sendable {
  /// Length of the training.
  public var length: Step
  /// Number of examples per step.
  public var batchSize: Int
  /// Optimizer with its constants.
  public var optimizer: OptimizerPlan
  /// Learning rate as a function of the step.
  public var learningRate: LearningRateSchedule
  /// Interval between evaluations on the validation set.
  public var evaluateEvery: Step
  /// Label smoothing: the share of the target that is spread evenly over the classes.
  public var labelSmoothing: Double
  /// The teacher's part in the loss; nil for labels alone.
  public var distillation: Distillation?
  /// Whether training images are augmented as the data set's catalogue entry says.
  public var augment: Bool
  /// Seed of data order, augmentation and dropout.
  public var seed: UInt64

  /// Creates a plan; every parameter sets the property of the same name.
  public init(
    length: Step, batchSize: Int = 64, optimizer: OptimizerPlan = .adam(), learningRate: LearningRateSchedule,
    evaluateEvery: Step = .epochs(1), labelSmoothing: Double = 0, distillation: Distillation? = nil, augment: Bool = false,
    seed: UInt64 = 0
  ) {
    self.length = length
    self.batchSize = batchSize
    self.optimizer = optimizer
    self.learningRate = learningRate
    self.evaluateEvery = evaluateEvery
    self.labelSmoothing = labelSmoothing
    self.distillation = distillation
    self.augment = augment
    self.seed = seed
  }

  /// Checks the plan by itself, without data or model.
  ///
  /// - Throws: ``PlanError`` for values that no training can have.
  public func validate() throws {
    guard batchSize > 0 else { throw PlanError("a batch of \(batchSize) examples is impossible: give at least 1") }
    guard learningRate.base > 0, learningRate.base.fitsFloat32 else {
      throw PlanError("a learning rate of \(learningRate.base) is impossible: give a number above 0")
    }
    try learningRate.decay.validate()
    guard (0..<1).contains(labelSmoothing) else {
      throw PlanError("a label smoothing of \(labelSmoothing) is impossible: give a number from 0 up to, but not including, 1")
    }
    try distillation?.validate()
    guard labelSmoothing == 0 || distillation?.weight != 1 else {
      throw PlanError("a label smoothing of \(labelSmoothing) changes labels, which a distillation weight of 1 does not look at")
    }
    if case .sgd(let momentum, _, let nesterov) = optimizer {
      guard (0..<1).contains(momentum) else {
        throw PlanError("a momentum of \(momentum) is impossible: give a number from 0 up to, but not including, 1")
      }
      guard !nesterov || momentum > 0 else { throw PlanError("Nesterov's step needs a momentum above 0") }
    }
    guard optimizer.weightDecay >= 0, optimizer.weightDecay.fitsFloat32 else {
      throw PlanError("a weight decay of \(optimizer.weightDecay) is impossible: give 0 or a number above it")
    }
    guard evaluateEvery.iterations(perEpoch: 1) > 0 else { throw PlanError("evaluating every \(evaluateEvery) is impossible") }
  }
}

extension TrainingPlan {
  /// Returns the teacher of the distillation.
  ///
  /// - Throws: ``PlanError`` if there is none, or if it takes other inputs or knows other classes than the student.
  func checked(_ teacher: Model?, for student: Network) throws -> Model {
    guard let teacher else { throw PlanError("a distillation needs a teacher") }
    let (its, own) = (teacher.network, student)
    guard try its.inputShape.elements == own.inputShape.elements, try its.classes == own.classes else {
      throw PlanError(
        "the teacher takes \(try its.inputShape) inputs and knows \(try its.classes) classes, the network that is to learn from it "
          + "\(try own.inputShape) and \(try own.classes)")
    }
    return teacher
  }
}

extension Double {
  /// Whether the number survives conversion to float32, in which training computes: finite, and 0 only if it is 0 itself.
  public var fitsFloat32: Bool { self == 0 || Float(self).isFinite && Float(self) != 0 }
}

/// A purpose of randomness; each purpose derives an independent stream from one seed.
public enum SeedPurpose: UInt64, Sendable {
  /// Initial weights.
  case initialization = 1
  /// Order of examples, dropout, choice of validation examples, choice of a subset, random scores, inputs of equivalence proofs, choice of
  /// the examples that criteria look at, tasks of meta-learning, gates drawn in training, directions in which the flatness of the loss is
  /// measured, and noise in place of weights.
  case order, dropout, split, subset, scores, proof, examples, tasks, gates, flatness, noise

  /// Returns the seed of this purpose's stream: SplitMix64's mixing of seed and purpose (Steele, Lea & Flood 2014).
  public func seed(from seed: UInt64) -> UInt64 {
    var z = seed &+ 0x9E37_79B9_7F4A_7C15 &* rawValue
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
