public import Foundation

/// What one training of a lottery-ticket study gave: the record beside its model file.
public struct TicketRound: Codable, Hashable, Sendable {
  /// A layer's weights.
  public struct Layer: Codable, Hashable, Sendable {
    /// The layer.
    public var name: String
    /// Weights that could be pruned.
    public var prunable: Int
    /// Weights that were trained.
    public var kept: Int

    /// A layer of these counts.
    public init(name: String, prunable: Int, kept: Int) {
      self.name = name
      self.prunable = prunable
      self.kept = kept
    }
  }

  /// One evaluation in its course.
  public struct Evaluation: Codable, Hashable, Sendable {
    /// Finished steps.
    public var iteration: Int
    /// Mean loss of the training steps since the last evaluation.
    public var trainingLoss: Double
    /// Mean loss on the validation set; nil without one.
    public var validationLoss: Double?
    /// Fraction right on the validation set; nil without one.
    public var validationAccuracy: Double?
    /// On the test set, where that was looked at: at new minima of the validation loss and at the end.
    public var test: Accuracy?

    /// An evaluation of these numbers.
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

  /// The run.
  public var seed: UInt64
  /// `trunk`, `reinit-1`, `random-mask`, …
  public var branch: String
  /// 0 is the dense training.
  public var round: Int
  /// In the order of the layers.
  public var layers: [Layer]
  /// The step at which this training ended, counted from the dense training's start; it began at ``firstIteration``.
  public var iterations: Int
  /// The step it began at: above 0 where weights were rewound to one.
  public var firstIteration: Int
  /// In order; the early-stop iteration is the one of least validation loss.
  public var evaluations: [Evaluation]
  /// Training steps per second, evaluations apart; nil where nobody saw enough of them.
  public var iterationsPerSecond: Double?
  /// Seconds of the training in all processes that took part, evaluations included.
  public var seconds: Double
  /// SHA-256 of the model file beside it, from which later trainings go on; nil where nobody took it.
  public var model: String?
  /// The same of the weights that later rounds go back to, where this training passed them.
  public var rewind: String?

  /// A record of these parts; see the properties.
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
  /// Weights that could be pruned.
  public var prunable: Int { layers.reduce(0) { $0 + $1.prunable } }
  /// kept / prunable.
  public var density: Double { prunable == 0 ? 1 : Double(kept) / Double(prunable) }
  /// The evaluation of least validation loss, the earliest of equal ones; nil without validation.
  public var earlyStop: Evaluation? {
    evaluations.filter { $0.validationLoss != nil }.min {
      ($0.validationLoss ?? .infinity, $0.iteration) < ($1.validationLoss ?? .infinity, $1.iteration)
    }
  }
  /// Test accuracy at early stop.
  public var accuracyAtEarlyStop: Double? { earlyStop?.test?.fraction }
  /// Test accuracy at the end of training.
  public var accuracyAtEnd: Double? { evaluations.last?.test?.fraction }

  /// Reads what ``json()`` wrote.
  ///
  /// - Throws: `DecodingError` for text that is no record.
  public init(json: Data) throws { self = try JSONDecoder().decode(Self.self, from: json) }

  private enum DerivedKeys: String, CodingKey {
    case density, earlyStopIteration, validationLoss, accuracyAtEarlyStop, accuracyAtEnd
  }

  /// Indented JSON with sorted keys; the derived numbers are in it, too.
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
