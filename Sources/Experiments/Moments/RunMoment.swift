public import Results

/// A moment of a run worth keeping, as files of metrics and dashboards show it.
///
/// Nothing in it depends on a clock: a run that is killed and resumed has the same moments as an undisturbed one.
public enum RunMoment: Hashable, Sendable {
  /// A training began.
  case began(Phase)
  /// The validation set was evaluated during a training.
  case evaluated(Evaluation)
  /// Weights or units were removed.
  case removed(Removal)
  /// A training ended.
  case ended(Phase)

  /// Training steps finished before it, in all trainings of the run.
  public var step: Int {
    switch self {
    case .began(let phase), .ended(let phase): phase.step
    case .evaluated(let evaluation): evaluation.step
    case .removed(let removal): removal.step
    }
  }

  /// The beginning or end of a training.
  public struct Phase: Codable, Hashable, Sendable {
    /// Name of the training, e.g. `training` or `round 2/5`.
    public var phase: String
    /// Index of the training, from 0.
    public var training: Int
    /// Training steps finished in all trainings so far.
    public var step: Int
    /// Number of steps of this training.
    public var steps: Int

    /// Creates a beginning or end; every parameter sets the property of the same name.
    public init(phase: String, training: Int, step: Int, steps: Int) {
      (self.phase, self.training, self.step, self.steps) = (phase, training, step, steps)
    }
  }

  /// An evaluation during a training.
  public struct Evaluation: Codable, Hashable, Sendable {
    /// Name of the training, e.g. `training` or `round 2/5`.
    public var phase: String
    /// Index of the training, from 0.
    public var training: Int
    /// Steps finished in this training.
    public var iteration: Int
    /// Epochs finished in this training, `iteration` over the steps of an epoch; nil where examples have no epochs, as in meta-learning.
    public var epoch: Double?
    /// Training steps finished in all trainings so far.
    public var step: Int
    /// Learning rate of the last step.
    public var learningRate: Double
    /// Mean training loss of the steps since the previous evaluation.
    public var trainingLoss: Double
    /// Mean cross-entropy on the validation set in nats; nil without one.
    public var validationLoss: Double?
    /// Fraction of validation images classified correctly; nil without validation images.
    public var validationAccuracy: Double?

    /// Creates an evaluation; every parameter sets the property of the same name.
    public init(
      phase: String, training: Int, iteration: Int, epoch: Double?, step: Int, learningRate: Double, trainingLoss: Double,
      validationLoss: Double?, validationAccuracy: Double?
    ) {
      self.phase = phase
      self.training = training
      self.iteration = iteration
      self.epoch = epoch
      self.step = step
      self.learningRate = learningRate
      self.trainingLoss = trainingLoss
      self.validationLoss = validationLoss
      self.validationAccuracy = validationAccuracy
    }
  }

  /// A removal.
  public struct Removal: Codable, Hashable, Sendable {
    /// Number of the removal, from 1.
    public var number: Int
    /// Training steps finished in all trainings so far.
    public var step: Int
    /// Word for what was removed: `weights`, `units` or `filters`.
    public var things: String
    /// Number of them that left.
    public var removed: Int
    /// Number of them that are left.
    public var kept: Int
    /// Fraction of the original ones that are gone, in this run or before it; nil if their number is not known.
    public var sparsity: Double?
    /// Fraction of validation images classified correctly just before the removal; nil without validation.
    public var accuracyBefore: Double?
    /// The same after the removal and its repairs, before any further training.
    public var accuracyAfter: Double?
    /// What is left of each layer, or of each group of channels that leave together; nil if it was not counted.
    public var layers: [LayerSurvivors]?

    /// Creates a removal; every parameter sets the property of the same name.
    public init(
      number: Int, step: Int, things: String, removed: Int, kept: Int, sparsity: Double?, accuracyBefore: Double?, accuracyAfter: Double?,
      layers: [LayerSurvivors]?
    ) {
      self.number = number
      self.step = step
      self.things = things
      self.removed = removed
      self.kept = kept
      self.sparsity = sparsity
      self.accuracyBefore = accuracyBefore
      self.accuracyAfter = accuracyAfter
      self.layers = layers
    }
  }
}

/// In JSON the kind stands beside the fields, as `moment`: `began`, `evaluated`, `removed` or `ended`.
extension RunMoment: Codable {
  private enum CodingKeys: String, CodingKey { case moment }
  private enum Kind: String, Codable { case began, evaluated, removed, ended }

  /// Decodes a moment of any kind.
  public init(from decoder: any Decoder) throws {
    switch try decoder.container(keyedBy: CodingKeys.self).decode(Kind.self, forKey: .moment) {
    case .began: self = .began(try Phase(from: decoder))
    case .evaluated: self = .evaluated(try Evaluation(from: decoder))
    case .removed: self = .removed(try Removal(from: decoder))
    case .ended: self = .ended(try Phase(from: decoder))
    }
  }

  /// Encodes the kind and the fields in one object.
  public func encode(to encoder: any Encoder) throws {
    let (kind, fields): (Kind, any Encodable) =
      switch self {
      case .began(let phase): (.began, phase)
      case .evaluated(let evaluation): (.evaluated, evaluation)
      case .removed(let removal): (.removed, removal)
      case .ended(let phase): (.ended, phase)
      }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(kind, forKey: .moment)
    try fields.encode(to: encoder)
  }
}
