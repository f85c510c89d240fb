public import Networks
public import Pruning
public import Training

/// What a run has recorded so far; checkpoints keep it, and the row is made of it.
public struct RunState: Sendable {
  /// Index of the stage under way in ``Experiment/stages``; their number when all are done.
  public var stage = 0
  /// The finished trainings, in order.
  public var trainings: [TrainingResult] = []
  /// The removals, in order, with their counts, evaluations and proofs.
  public var events: [PruningEvent] = []
  /// What left in each removal, as the model file keeps it, earlier runs' removals included.
  public var history: [RemovalEvent] = []
  /// Test accuracies on the way, just after the last removal.
  public var verdicts: [Verdict] = []
  /// Counts of the model before the first removal.
  public var dense: ModelFacts?
  /// The network of that model.
  public var denseNetwork: Network?
  /// That model on the test images.
  public var denseTest: Evaluation?
  /// That model on the validation images.
  public var denseValidation: Evaluation?
  /// Kept weights of each layer in the file that the run began with, which the run's own model may have replaced since.
  public var startingWeights: [String: Int] = [:]
  /// Bytes of that file; nil where there was none, and in records of earlier versions.
  public var startingBytes: Int?
  /// Whether units had left that file's network in earlier runs.
  public var startedFromHistory = false
  /// In words, where the run went on in other surroundings (threads, kernels, libtorch) than it had begun in; nil where it never did.
  public var changes: [String]?
  /// Seconds of training in all processes that took part, evaluations included.
  public var seconds = 0.0
  private var outcomes: [String: any StageOutcome] = [:]

  /// What stages found out, of a kind; nil where none did.
  public subscript<Outcome: StageOutcome>(kind: Outcome.Type) -> Outcome? {
    get { outcomes[kind.key] as? Outcome }
    set { outcomes[kind.key] = newValue }
  }

  /// All that stages found out, in the order of the keys.
  var found: [any StageOutcome] { outcomes.sorted { $0.key < $1.key }.map(\.value) }

  /// The test set's verdict on a model between the dense and the final one.
  public struct Verdict: Codable, Sendable {
    /// Number of the removal.
    public var event: Int
    /// `pruned` or `repaired`.
    public var stage: String
    /// Loss and accuracy on the test images.
    public var test: Evaluation
  }

  /// What one training came to.
  public struct TrainingResult: Codable, Sendable {
    /// Its name, e.g. `training` or `round 2/5`.
    public var phase: String
    /// Its steps.
    public var iterations: Int
    /// The evaluation of lowest validation loss.
    public var best: EvaluationRecord?
    /// The last evaluation.
    public var last: EvaluationRecord?
    /// All evaluations, in order.
    public var evaluations: [EvaluationRecord]
    /// Seconds of each epoch's steps, of those that this process did.
    public var epochSeconds: [Double]
  }

  /// The record of a run that has not begun.
  public init() {}
}

/// In JSON what stages found out stands beside the other fields, each under its own key.
extension RunState: Codable {
  // `phase` and `stages` are what the first checkpoints called the stage under way and the verdicts.
  private enum CodingKeys: String, CodingKey {
    case stage = "phase"
    case verdicts = "stages"
    case trainings, events, history, dense, denseNetwork, denseTest, denseValidation, startingWeights, startingBytes, startedFromHistory,
      changes, seconds
  }

  private struct OutcomeKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads the fields, and what stages of the catalogue may have left.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    stage = try fields.decode(Int.self, forKey: .stage)
    trainings = try fields.decode([TrainingResult].self, forKey: .trainings)
    events = try fields.decode([PruningEvent].self, forKey: .events)
    history = try fields.decode([RemovalEvent].self, forKey: .history)
    verdicts = try fields.decode([Verdict].self, forKey: .verdicts)
    dense = try fields.decodeIfPresent(ModelFacts.self, forKey: .dense)
    denseNetwork = try fields.decodeIfPresent(Network.self, forKey: .denseNetwork)
    denseTest = try fields.decodeIfPresent(Evaluation.self, forKey: .denseTest)
    denseValidation = try fields.decodeIfPresent(Evaluation.self, forKey: .denseValidation)
    startingWeights = try fields.decode([String: Int].self, forKey: .startingWeights)
    startingBytes = try fields.decodeIfPresent(Int.self, forKey: .startingBytes)
    startedFromHistory = try fields.decode(Bool.self, forKey: .startedFromHistory)
    changes = try fields.decodeIfPresent([String].self, forKey: .changes)
    seconds = try fields.decode(Double.self, forKey: .seconds)
    let found = try decoder.container(keyedBy: OutcomeKey.self)
    for kind in StageCatalogue.outcomes {
      outcomes[kind.key] = try found.decodeIfPresent(kind, forKey: OutcomeKey(stringValue: kind.key))
    }
  }

  /// Writes the fields, and what stages found out.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(stage, forKey: .stage)
    try fields.encode(trainings, forKey: .trainings)
    try fields.encode(events, forKey: .events)
    try fields.encode(history, forKey: .history)
    try fields.encode(verdicts, forKey: .verdicts)
    try fields.encodeIfPresent(dense, forKey: .dense)
    try fields.encodeIfPresent(denseNetwork, forKey: .denseNetwork)
    try fields.encodeIfPresent(denseTest, forKey: .denseTest)
    try fields.encodeIfPresent(denseValidation, forKey: .denseValidation)
    try fields.encode(startingWeights, forKey: .startingWeights)
    try fields.encodeIfPresent(startingBytes, forKey: .startingBytes)
    try fields.encode(startedFromHistory, forKey: .startedFromHistory)
    try fields.encodeIfPresent(changes, forKey: .changes)
    try fields.encode(seconds, forKey: .seconds)
    var found = encoder.container(keyedBy: OutcomeKey.self)
    for (key, outcome) in outcomes { try found.encode(outcome, forKey: OutcomeKey(stringValue: key)) }
  }
}
