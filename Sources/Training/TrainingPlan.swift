/// How a model is trained: a value that recipes, checkpoints and reports can hold.
public struct TrainingPlan: Codable, Hashable, Sendable {
  /// How long.
  public var length: Step
  /// Examples per step.
  public var batchSize: Int
  /// Which optimizer.
  public var optimizer: OptimizerPlan
  /// Its learning rate over time.
  public var learningRate: LearningRateSchedule
  /// How often the validation set is evaluated.
  public var evaluateEvery: Step
  /// Share of the target spread evenly over the classes.
  public var labelSmoothing: Double
  /// Whether training images are cropped and mirrored as the data set's catalogue entry says.
  public var augment: Bool
  /// Determines data order, augmentation and dropout.
  public var seed: UInt64

  /// A plan; see the properties.
  public init(
    length: Step, batchSize: Int = 64, optimizer: OptimizerPlan = .adam(), learningRate: LearningRateSchedule,
    evaluateEvery: Step = .epochs(1), labelSmoothing: Double = 0, augment: Bool = false, seed: UInt64 = 0
  ) {
    self.length = length
    self.batchSize = batchSize
    self.optimizer = optimizer
    self.learningRate = learningRate
    self.evaluateEvery = evaluateEvery
    self.labelSmoothing = labelSmoothing
    self.augment = augment
    self.seed = seed
  }

  /// - Throws: ``PlanError`` for values no training can have.
  public func validate() throws {
    guard batchSize > 0 else { throw PlanError("a batch of \(batchSize) examples is impossible: give at least 1") }
    guard learningRate.base > 0, learningRate.base.fitsFloat32 else {
      throw PlanError("a learning rate of \(learningRate.base) is impossible: give a number above 0")
    }
    try learningRate.decay.validate()
    guard (0..<1).contains(labelSmoothing) else {
      throw PlanError("a label smoothing of \(labelSmoothing) is impossible: give a number from 0 up to, but not including, 1")
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

extension Double {
  /// Whether float32, in which training computes, has room for it: not above 3.4e38, and 0 or not so small that it would be.
  public var fitsFloat32: Bool { self == 0 || Float(self).isFinite && Float(self) != 0 }
}

/// Independent streams of randomness from one seed.
public enum SeedPurpose: UInt64, Sendable {
  case initialization = 1
  case order, dropout, split, subset, scores, proof, examples

  /// SplitMix64's mixing of seed and purpose (Steele, Lea & Flood 2014).
  public func seed(from seed: UInt64) -> UInt64 {
    var z = seed &+ 0x9E37_79B9_7F4A_7C15 &* rawValue
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
