public import Foundation

/// The outcome of one training of a lottery-ticket study: the record beside its model file.
public struct TicketRound: Codable, Hashable, Sendable {
  /// The weight counts of one layer.
  public struct Layer: Codable, Hashable, Sendable {
    /// Name of the layer.
    public var name: String
    /// Prunable weights of the layer.
    public var prunable: Int
    /// Weights of the layer that were trained.
    public var kept: Int

    /// Creates the counts of one layer.
    public init(name: String, prunable: Int, kept: Int) {
      self.name = name
      self.prunable = prunable
      self.kept = kept
    }
  }

  /// One evaluation during the training.
  public struct Evaluation: Codable, Hashable, Sendable {
    /// Finished training steps.
    public var iteration: Int
    /// Mean loss of the training steps since the last evaluation.
    public var trainingLoss: Double
    /// Mean loss on the validation set; nil without one.
    public var validationLoss: Double?
    /// Accuracy on the validation set; nil without one.
    public var validationAccuracy: Double?
    /// Accuracy on the test set, evaluated at new minima of the validation loss and at the end; otherwise nil.
    public var test: Accuracy?

    /// Creates an evaluation; every parameter sets the property of the same name.
    public init(
      iteration: Int, trainingLoss: Double, validationLoss: Double? = nil, validationAccuracy: Double? = nil, test: Accuracy? = nil
    ) {
      self.iteration = iteration
      self.trainingLoss = trainingLoss
      self.validationLoss = validationLoss
      self.validationAccuracy = validationAccuracy
      self.test = test
    }
  }

  /// Seed of the run.
  public var seed: UInt64
  /// Name of the branch: `trunk`, `reinit-1`, `random-mask`, …
  public var branch: String
  /// Number of the round; 0 is the dense training.
  public var round: Int
  /// Weight counts, in the order of the layers.
  public var layers: [Layer]
  /// Step at which this training ended, counted from the start of the dense training; it began at ``firstIteration``.
  public var iterations: Int
  /// Step at which it began: above 0 if weights were rewound to that step.
  public var firstIteration: Int
  /// Evaluations in order of time; the early-stop iteration is that of the lowest validation loss.
  public var evaluations: [Evaluation]
  /// Training steps per second without evaluations; nil if too few were timed.
  public var iterationsPerSecond: Double?
  /// Seconds of the training in all processes that took part, evaluations included.
  public var seconds: Double
  /// SHA-256 of the model file beside the record, from which later trainings continue; nil if not computed.
  public var model: String?
  /// SHA-256 of the file of weights that later rounds rewind to, if this training passed that step.
  public var rewind: String?

  /// Creates a record; every parameter sets the property of the same name.
  public init(
    seed: UInt64, branch: String, round: Int, layers: [Layer], iterations: Int, firstIteration: Int = 0, evaluations: [Evaluation],
    iterationsPerSecond: Double? = nil, seconds: Double = 0, model: String? = nil, rewind: String? = nil
  ) {
    self.seed = seed
    self.branch = branch
    self.round = round
    self.layers = layers
    self.iterations = iterations
    self.firstIteration = firstIteration
    self.evaluations = evaluations
    self.iterationsPerSecond = iterationsPerSecond
    self.seconds = seconds
    self.model = model
    self.rewind = rewind
  }

  /// Weights that were trained.
  public var kept: Int { layers.reduce(0) { $0 + $1.kept } }
  /// Prunable weights.
  public var prunable: Int { layers.reduce(0) { $0 + $1.prunable } }
  /// Density, kept/prunable; 1 without prunable weights.
  public var density: Double { prunable == 0 ? 1 : Double(kept) / Double(prunable) }
  /// The evaluation of lowest validation loss, the earliest of equal ones; nil without validation.
  public var earlyStop: Evaluation? {
    evaluations.filter { $0.validationLoss != nil }.min {
      ($0.validationLoss ?? .infinity, $0.iteration) < ($1.validationLoss ?? .infinity, $1.iteration)
    }
  }
  /// Test accuracy at the early-stop iteration.
  public var accuracyAtEarlyStop: Double? { earlyStop?.test?.fraction }
  /// Test accuracy at the end of training.
  public var accuracyAtEnd: Double? { evaluations.last?.test?.fraction }

  /// Decodes a record written by ``json()``.
  ///
  /// - Throws: `DecodingError` if the text is not a record.
  public init(json: Data) throws { self = try JSONDecoder().decode(Self.self, from: json) }

  private enum DerivedKeys: String, CodingKey {
    case density, earlyStopIteration, validationLoss, accuracyAtEarlyStop, accuracyAtEnd
  }

  /// Returns indented JSON with sorted keys, derived numbers included.
  public func json() throws -> String { try Format.json(WithDerived(round: self)) + "\n" }

  private struct WithDerived: Encodable {
    var round: TicketRound
    func encode(to encoder: any Encoder) throws {
      try round.encode(to: encoder)
      var container = encoder.container(keyedBy: DerivedKeys.self)
      try container.encode(round.density, forKey: .density)
      try container.encodeIfPresent(round.earlyStop?.iteration, forKey: .earlyStopIteration)
      try container.encodeIfPresent(round.earlyStop?.validationLoss, forKey: .validationLoss)
      try container.encodeIfPresent(round.accuracyAtEarlyStop, forKey: .accuracyAtEarlyStop)
      try container.encodeIfPresent(round.accuracyAtEnd, forKey: .accuracyAtEnd)
    }
  }
}
