public import Networks
public import Pruning
public import Results
public import Training

/// The record of a run so far, from which the row is made; checkpoints keep it.
public struct RunState: Sendable {
  /// Index of the current stage in ``Experiment/stages``; the number of stages when all are done.
  public var stage = 0
  /// Results of the finished trainings, in order.
  public var trainings: [TrainingResult] = []
  /// The removals, in order, with their counts, evaluations and proofs.
  public var events: [PruningEvent] = []
  /// Numbers of weights or units removed in each removal, as the model file keeps them, including those of earlier runs.
  public var history: [RemovalEvent] = []
  /// Test accuracies between the dense and the final model, measured at the last removal.
  public var verdicts: [Verdict] = []
  /// Sizes and costs of the model before the first removal.
  public var dense: ModelFacts?
  /// The network before the first removal.
  public var denseNetwork: Network?
  /// The network that trainings learn from; nil without distillation. Its tensors lie beside the model.
  public var teacher: Network?
  /// Evaluation of the model before the first removal on the test images.
  public var denseTest: Evaluation?
  /// Evaluation of the final model by a stage that judges otherwise than by all test images; nil for the usual one.
  public var finalTest: Evaluation?
  /// Evaluation of the model before the first removal on the validation images.
  public var denseValidation: Evaluation?
  /// Kept weights of each layer in the model file that the run began with; recorded because the run's own model may have replaced the file.
  public var startingWeights: [String: Int] = [:]
  /// Size in bytes of the model file that the run began with; nil without one, and in records of earlier versions.
  public var startingBytes: Int?
  /// Whether units had been removed from that model in earlier runs.
  public var startedFromHistory = false
  /// Differences, in words, between the surroundings (threads, kernels, libtorch) that the run began in and those it was resumed in; nil if
  /// there are none.
  public var changes: [String]?
  /// Number of moments that observers were passed.
  public var moments = 0
  /// Work of the training steps; nil if there were none, or they were not counted.
  public var work: TrainingWork?
  /// Seconds of training, evaluations included, summed over all processes that worked on the run.
  public var seconds = 0.0
  private var outcomes: [String: any StageOutcome] = [:]

  /// The outcome of a kind that a stage left; nil if there is none.
  public subscript<Outcome: StageOutcome>(kind: Outcome.Type) -> Outcome? {
    get { outcomes[kind.key] as? Outcome }
    set { outcomes[kind.key] = newValue }
  }

  /// All outcomes that stages left, in the order of their keys.
  var found: [any StageOutcome] { outcomes.sorted { $0.key < $1.key }.map(\.value) }

  /// An evaluation on the test images of a model between the dense and the final one.
  public struct Verdict: Codable, Sendable {
    /// Number of the removal, from 1.
    public var event: Int
    /// What had been done to the model: `pruned` or `repaired`.
    public var stage: String
    /// Loss and accuracy on the test images.
    public var test: Evaluation
  }

  /// The result of one training.
  public struct TrainingResult: Codable, Sendable {
    /// Name of the training, e.g. `training` or `round 2/5`.
    public var phase: String
    /// Number of steps.
    public var iterations: Int
    /// Number of steps of an epoch; nil where examples have no epochs, and in records of earlier versions.
    public var iterationsPerEpoch: Int?
    /// The evaluation of lowest validation loss.
    public var best: EvaluationRecord?
    /// The last evaluation.
    public var last: EvaluationRecord?
    /// All evaluations, in order.
    public var evaluations: [EvaluationRecord]
    /// Seconds spent on the steps of each epoch; only epochs of this process.
    public var epochSeconds: [Double]
  }

  /// Creates the record of a run that has not begun.
  public init() {}
}

/// In JSON the outcomes of stages stand beside the other fields, each under its own key.
extension RunState: Codable {
  // Checkpoints use the first version's names for these two: `phase` for the current stage and `stages` for the verdicts.
  private enum CodingKeys: String, CodingKey {
    case stage = "phase"
    case verdicts = "stages"
    case trainings, events, history, dense, denseNetwork, teacher, denseTest, finalTest, denseValidation, startingWeights, startingBytes,
      startedFromHistory,
      changes, moments, work, seconds
  }

  private struct OutcomeKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Decodes the fields and the outcomes of all stages in the catalogue.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    stage = try fields.decode(Int.self, forKey: .stage)
    trainings = try fields.decode([TrainingResult].self, forKey: .trainings)
    events = try fields.decode([PruningEvent].self, forKey: .events)
    history = try fields.decode([RemovalEvent].self, forKey: .history)
    verdicts = try fields.decode([Verdict].self, forKey: .verdicts)
    dense = try fields.decodeIfPresent(ModelFacts.self, forKey: .dense)
    denseNetwork = try fields.decodeIfPresent(Network.self, forKey: .denseNetwork)
    teacher = try fields.decodeIfPresent(Network.self, forKey: .teacher)
    denseTest = try fields.decodeIfPresent(Evaluation.self, forKey: .denseTest)
    finalTest = try fields.decodeIfPresent(Evaluation.self, forKey: .finalTest)
    denseValidation = try fields.decodeIfPresent(Evaluation.self, forKey: .denseValidation)
    startingWeights = try fields.decode([String: Int].self, forKey: .startingWeights)
    startingBytes = try fields.decodeIfPresent(Int.self, forKey: .startingBytes)
    startedFromHistory = try fields.decode(Bool.self, forKey: .startedFromHistory)
    changes = try fields.decodeIfPresent([String].self, forKey: .changes)
    // Records of earlier versions have neither.
    moments = try fields.decodeIfPresent(Int.self, forKey: .moments) ?? 0
    work = try fields.decodeIfPresent(TrainingWork.self, forKey: .work)
    seconds = try fields.decode(Double.self, forKey: .seconds)
    let found = try decoder.container(keyedBy: OutcomeKey.self)
    for kind in StageCatalogue.outcomes {
      outcomes[kind.key] = try found.decodeIfPresent(kind, forKey: OutcomeKey(stringValue: kind.key))
    }
  }

  /// Encodes the fields and the outcomes.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(stage, forKey: .stage)
    try fields.encode(trainings, forKey: .trainings)
    try fields.encode(events, forKey: .events)
    try fields.encode(history, forKey: .history)
    try fields.encode(verdicts, forKey: .verdicts)
    try fields.encodeIfPresent(dense, forKey: .dense)
    try fields.encodeIfPresent(denseNetwork, forKey: .denseNetwork)
    try fields.encodeIfPresent(teacher, forKey: .teacher)
    try fields.encodeIfPresent(denseTest, forKey: .denseTest)
    try fields.encodeIfPresent(finalTest, forKey: .finalTest)
    try fields.encodeIfPresent(denseValidation, forKey: .denseValidation)
    try fields.encode(startingWeights, forKey: .startingWeights)
    try fields.encodeIfPresent(startingBytes, forKey: .startingBytes)
    try fields.encode(startedFromHistory, forKey: .startedFromHistory)
    try fields.encodeIfPresent(changes, forKey: .changes)
    try fields.encode(moments, forKey: .moments)
    try fields.encodeIfPresent(work, forKey: .work)
    try fields.encode(seconds, forKey: .seconds)
    var found = encoder.container(keyedBy: OutcomeKey.self)
    for (key, outcome) in outcomes { try found.encode(outcome, forKey: OutcomeKey(stringValue: key)) }
  }
}
