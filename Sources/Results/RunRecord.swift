public import Foundation

/// The outcome of one run: the row from which tables, reports and comparisons are made.
public struct RunRecord: Codable, Hashable, Sendable {
  /// Version of the record's layout, by which later versions recognise it.
  public var format = 1
  /// Versions of the software that ran.
  public var tool: Tool
  /// The computer that the run's times belong to.
  public var machine: Machine
  /// The command line, beginning with the program's name.
  public var command: [String]
  /// Name of the network.
  public var network: String
  /// The data set and the numbers of images; nil if no images were used.
  public var data: DataSummary?
  /// Seed of initial weights, data order and random scores.
  public var seed: UInt64
  /// What was pruned, how and when, in words; nil if nothing was.
  public var method: String?
  /// The model before pruning.
  public var dense: Artefact
  /// The model after pruning; nil if nothing was pruned.
  public var pruned: Artefact?
  /// Requested and achieved sparsity, as fractions of the dense model's prunable weights.
  public var weights: Removal?
  /// Requested and achieved fraction of the dense model's units.
  public var units: Removal?
  /// Weights kept in each layer before dead units were cut out; nil if weights were not pruned.
  public var layers: [LayerSurvivors]?
  /// What the first layer still reads of an image; nil if weights were not pruned, if the first layer is not linear, and in records of earlier
  /// versions.
  public var inputs: InputReads?
  /// The removal after which layers first had no signal flowing through them; nil if that did not happen.
  public var collapse: LayerCollapse?
  /// The check that surgery preserved the network's function; nil if nothing was cut, or nothing was checked.
  public var proof: Proof?
  /// Number of surgeries that were not checked, because no proof was wanted; nil if all were.
  public var unprovedSurgeries: Int?
  /// Test accuracies around the last removal, as it left the model and after repair; earlier removals are not evaluated on test images.
  public var stages: [StageAccuracy]
  /// Requested and reached cost of each removal with a cost target.
  public var targets: [ReachedCost]
  /// The weights that grew back in training; nil if the method has no regrowth.
  public var regrowth: RegrowthSummary?
  /// Accuracy on new tasks, beside that of controls; nil if tasks were not what was learned.
  public var meta: MetaSummary?
  /// Accuracy on each data set of a sequence after each training and removal; nil for a run on one data set.
  public var sequence: SequenceSummary?
  /// All trainings of a lottery-ticket study; nil for another method.
  public var tickets: TicketRecords?
  /// What probes during the training say about pruning penalties; nil if it had none.
  public var penalties: PenaltySummary?
  /// How often the pruned network puts the class first that the unpruned one does, on training examples without labels; nil where there are
  /// labels, if nothing was pruned, and in records of earlier versions.
  public var agreement: Agreement?
  /// The teacher of the trainings; nil if they learned from labels alone, and in records of earlier versions.
  public var distillation: DistillationSummary?
  /// The flatness of the loss and the generalization gap at the end; nil if they were not measured.
  public var flatness: Flatness?
  /// Method-specific facts besides the numbers; nil if there are none.
  public var notes: [RunNote]?
  /// Validation results of all trainings, in order, from which the steps to any accuracy can be read; nil without validation.
  public var evaluations: [EvaluationPoint]?
  /// The removals, in order; nil if there were none, and in records of earlier versions.
  public var removals: [RemovalRecord]?
  /// Work of the training steps by counting; nil if there were none or they were not counted, and in records of earlier versions.
  public var work: TrainingWork?
  /// Seconds of training in all phases, evaluations included.
  public var trainingSeconds: Double?
  /// Training steps of all phases.
  public var steps: Int?
  /// Largest resident set of the process in bytes.
  public var peakMemory: Int

  /// Creates a record; every parameter sets the property of the same name.
  public init(
    tool: Tool, machine: Machine, command: [String], network: String, data: DataSummary?, seed: UInt64, method: String? = nil,
    dense: Artefact,
    pruned: Artefact? = nil, weights: Removal? = nil, units: Removal? = nil,
    layers: [LayerSurvivors]? = nil, collapse: LayerCollapse? = nil, proof: Proof? = nil, unprovedSurgeries: Int? = nil,
    stages: [StageAccuracy] = [],
    targets: [ReachedCost] = [], regrowth: RegrowthSummary? = nil, notes: [RunNote]? = nil, evaluations: [EvaluationPoint]? = nil,
    trainingSeconds: Double? = nil,
    steps: Int? = nil, peakMemory: Int
  ) {
    self.tool = tool
    self.machine = machine
    self.command = command
    self.network = network
    self.data = data
    self.seed = seed
    self.method = method
    self.dense = dense
    self.pruned = pruned
    self.weights = weights
    self.units = units
    self.layers = layers
    self.collapse = collapse
    self.proof = proof
    self.unprovedSurgeries = unprovedSurgeries
    self.stages = stages
    self.targets = targets
    self.regrowth = regrowth
    self.notes = notes
    self.evaluations = evaluations
    self.trainingSeconds = trainingSeconds
    self.steps = steps
    self.peakMemory = peakMemory
  }

  /// Whether pruning makes inference faster; nil if nothing was pruned.
  public var inference: InferenceVerdict? { pruned.map { InferenceVerdict(dense: dense, pruned: $0) } }

  /// Decodes a record written by ``json()``.
  ///
  /// - Throws: `DecodingError` if the text is not a record.
  public init(json: Data) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    self = try decoder.decode(RunRecord.self, from: json)
  }

  /// Returns indented JSON with sorted keys, derived numbers and the verdict included.
  public func json() throws -> String { try Format.json(WithVerdict(record: self)) }

  /// The record's keys, with `inference` beside them.
  private struct WithVerdict: Encodable {
    var record: RunRecord
    private enum CodingKeys: String, CodingKey { case inference }
    func encode(to encoder: any Encoder) throws {
      try record.encode(to: encoder)
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encodeIfPresent(record.inference, forKey: .inference)
    }
  }
}

/// Accuracy on the test set at an intermediate stage of a removal.
public struct StageAccuracy: Codable, Hashable, Sendable {
  /// Number of the removal, from 1.
  public var removal: Int
  /// The stage: `pruned`, just after the removal, or `repaired`, after everything that can be mended without training.
  public var stage: String
  /// Accuracy on the test set.
  public var accuracy: Accuracy

  /// Creates an intermediate accuracy; every parameter sets the property of the same name.
  public init(removal: Int, stage: String, accuracy: Accuracy) {
    self.removal = removal
    self.stage = stage
    self.accuracy = accuracy
  }
}

/// The requested and the reached value of a cost target.
public struct ReachedCost: Codable, Hashable, Sendable {
  /// The cost that was limited: `parameters`, `macs`, `bytes` or `latency` (in seconds).
  public var measure: String
  /// Cost of the network before its first known removal.
  public var original: Double
  /// Cost before this run, if an earlier one had already removed something; otherwise nil.
  public var before: Double?
  /// Requested upper bound on the cost after this removal.
  public var asked: Double
  /// Cost after this removal.
  public var achieved: Double

  /// Creates a cost; every parameter sets the property of the same name.
  public init(measure: String, original: Double, before: Double? = nil, asked: Double, achieved: Double) {
    self.measure = measure
    self.original = original
    self.before = before
    self.asked = asked
    self.achieved = achieved
  }
}

/// A fact about a run that is not a number.
public struct RunNote: Codable, Hashable, Sendable {
  /// Subject of the note in one word, e.g. `dropout`.
  public var subject: String
  /// The fact in one line.
  public var words: String

  /// Creates a note; every parameter sets the property of the same name.
  public init(subject: String, words: String) {
    self.subject = subject
    self.words = words
  }
}

/// The versions of the software behind a result.
public struct Tool: Codable, Hashable, Sendable {
  /// Version of Espalier.
  public var version: String
  /// Version of libtorch.
  public var libtorch: String

  /// Creates a pair of versions.
  public init(version: String, libtorch: String) {
    self.version = version
    self.libtorch = libtorch
  }
}

/// The images that a run used.
public struct DataSummary: Codable, Hashable, Sendable {
  /// Name of the data set.
  public var name: String
  /// Anything unusual about the data, e.g. an incomplete test split; nil if there is nothing to say.
  public var note: String?
  /// Number of images that the optimizer saw.
  public var training: Int
  /// Size of the training split from which they were drawn; nil if all of it was used.
  public var subsetOf: Int?
  /// Number of images held out for choices such as early stopping.
  public var validation: Int
  /// Number of images that results are reported on.
  public var test: Int

  /// Creates a summary; every parameter sets the property of the same name.
  public init(name: String, note: String? = nil, training: Int, subsetOf: Int? = nil, validation: Int, test: Int) {
    self.name = name
    self.note = note
    self.training = training
    self.subsetOf = subsetOf
    self.validation = validation
    self.test = test
  }
}

/// A requested and an achieved removal, of weights or units.
public struct Removal: Codable, Hashable, Sendable {
  /// Requested fraction; nil if none was given.
  public var asked: Double?
  /// Requested number of weights or units, layer by layer if each layer has its own; nil if it follows from the fraction.
  public var askedCount: Int?
  /// Number removed by selection, in this run and before it.
  public var removed: Int
  /// Number before the first known removal.
  public var total: Int
  /// The word for what is counted if it is not the usual one: `filters`.
  public var things: String?
  /// Of the removed, those that were gone before this run; nil if none were.
  public var earlier: Int?
  /// Remaining ones that were finally cut out with dead units; nil if none were.
  public var dead: Int?
  /// Remaining ones that are exactly 0 all the same; nil if none are.
  public var zeros: Int?
  /// Existing ones that are not counted: those of layers left alone, and of filters' networks the units of linear layers; nil if there are none.
  public var ignored: Int?

  /// Number left, total − removed.
  public var left: Int { total - removed }
  /// Achieved fraction, removed/total.
  public var achieved: Double { total == 0 ? 0 : Double(removed) / Double(total) }

  /// Creates a removal; every parameter sets the property of the same name.
  public init(asked: Double?, askedCount: Int? = nil, removed: Int, of total: Int, things: String? = nil, earlier: Int? = nil) {
    self.asked = asked
    self.askedCount = askedCount
    self.removed = removed
    self.total = total
    self.things = things
    self.earlier = earlier
  }

  private enum CodingKeys: String, CodingKey { case asked, askedCount, removed, total, things, earlier, dead, zeros, ignored }
  private enum DerivedKeys: String, CodingKey { case achieved }

  /// Encodes the counts and the achieved fraction.
  public func encode(to encoder: any Encoder) throws {
    var stored = encoder.container(keyedBy: CodingKeys.self)
    try stored.encodeIfPresent(asked, forKey: .asked)
    try stored.encodeIfPresent(askedCount, forKey: .askedCount)
    try stored.encode(removed, forKey: .removed)
    try stored.encode(total, forKey: .total)
    try stored.encodeIfPresent(things, forKey: .things)
    try stored.encodeIfPresent(earlier, forKey: .earlier)
    try stored.encodeIfPresent(dead, forKey: .dead)
    try stored.encodeIfPresent(zeros, forKey: .zeros)
    try stored.encodeIfPresent(ignored, forKey: .ignored)
    var derived = encoder.container(keyedBy: DerivedKeys.self)
    try derived.encode(achieved, forKey: .achieved)
  }
}

/// The check that a model after surgery computes what the masked model computed.
public struct Proof: Codable, Hashable, Sendable {
  /// Number of surgeries that were checked.
  public var surgeries: Int
  /// Largest |difference| of the two models' outputs, relative to the largest |output|.
  public var largestRelativeDifference: Double
  /// The relative difference above which a surgery is refused.
  public var tolerance: Double
  /// Number of surgeries after which the outputs no longer depended on the input, so that their agreement proves nothing; nil if none.
  public var constantOutputs: Int?

  /// Creates a proof; every parameter sets the property of the same name.
  public init(surgeries: Int, largestRelativeDifference: Double, tolerance: Double = 1e-4, constantOutputs: Int? = nil) {
    self.constantOutputs = constantOutputs
    self.surgeries = surgeries
    self.largestRelativeDifference = largestRelativeDifference
    self.tolerance = tolerance
  }
}
