public import Foundation

/// One run's outcome: the row that tables, reports and comparisons are made of.
public struct RunRecord: Codable, Hashable, Sendable {
  /// The layout of this record; readers of a later version know what they have.
  public var format = 1
  /// What computed it.
  public var tool: Tool
  /// Where.
  public var machine: Machine
  /// The command line, program name first.
  public var command: [String]
  /// The network's name.
  public var network: String
  /// Which images; nil where none were looked at.
  public var data: DataSummary?
  /// Determines initial weights, data order and random scores.
  public var seed: UInt64
  /// What was pruned, how and when, in words; nil where nothing was.
  public var method: String?
  /// Before pruning.
  public var dense: Artefact
  /// After pruning; nil where nothing was pruned.
  public var pruned: Artefact?
  /// Asked and achieved sparsity: of the dense model's prunable weights.
  public var weights: Removal?
  /// Asked and achieved fraction of the dense model's units.
  public var units: Removal?
  /// What is kept of each layer's weights, before dead units were cut out; nil where weights were not pruned.
  public var layers: [LayerSurvivors]?
  /// When layers first had nothing flowing through them; nil if that did not happen.
  public var collapse: LayerCollapse?
  /// That surgery left the function alone; nil where nothing was cut, or nothing was proved.
  public var proof: Proof?
  /// Surgeries without a proof, because none was wanted; nil where all were proved.
  public var unprovedSurgeries: Int?
  /// Test accuracies on the way: of the last removal, as it left the model, and repaired. Only that one is evaluated on test images.
  public var stages: [StageAccuracy]
  /// Costs that were asked for and reached, removal by removal.
  public var targets: [ReachedCost]
  /// What came back in training; nil where nothing could.
  public var regrowth: RegrowthSummary?
  /// What the method's paper would want to know beside the numbers; nil for nothing.
  public var notes: [RunNote]?
  /// The validation set's verdicts in all trainings, in order: from them the steps to any accuracy can be read; nil without any.
  public var evaluations: [EvaluationPoint]?
  /// Training time of all phases, evaluations included, in seconds.
  public var trainingSeconds: Double?
  /// Training steps of all phases.
  public var steps: Int?
  /// The process's largest resident set in bytes.
  public var peakMemory: Int

  /// A record of these parts; see the properties.
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

  /// Whether what was done can make inference faster; nil where nothing was pruned.
  public var inference: InferenceVerdict? { pruned.map { InferenceVerdict(dense: dense, pruned: $0) } }

  /// Reads what ``json()`` wrote.
  ///
  /// - Throws: `DecodingError` for text that is no record.
  public init(json: Data) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    self = try decoder.decode(RunRecord.self, from: json)
  }

  /// Indented JSON with sorted keys; the derived numbers and the verdict are in it too.
  public func json() throws -> String { try Format.json(WithVerdict(record: self)) }

  /// The record's keys and `inference` beside them.
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

/// The test set's verdict on a model on its way.
public struct StageAccuracy: Codable, Hashable, Sendable {
  /// The removal, from 1.
  public var removal: Int
  /// `pruned`: things are gone; `repaired`: and what can be mended without training is mended.
  public var stage: String
  /// On the test set.
  public var accuracy: Accuracy

  /// A verdict.
  public init(removal: Int, stage: String, accuracy: Accuracy) {
    self.removal = removal
    self.stage = stage
    self.accuracy = accuracy
  }
}

/// A cost that was asked for, and what was reached.
public struct ReachedCost: Codable, Hashable, Sendable {
  /// `parameters`, `macs`, `bytes` or `latency` (seconds).
  public var measure: String
  /// Of the network before the first removal that is known.
  public var original: Double
  /// Before this run, where an earlier one had already removed something; else nil.
  public var before: Double?
  /// At most, after this removal.
  public var asked: Double
  /// After this removal.
  public var achieved: Double

  /// A cost of these numbers.
  public init(measure: String, original: Double, before: Double? = nil, asked: Double, achieved: Double) {
    self.measure = measure
    self.original = original
    self.before = before
    self.asked = asked
    self.achieved = achieved
  }
}

/// Something about a run that is no number.
public struct RunNote: Codable, Hashable, Sendable {
  /// One word, e.g. `dropout`.
  public var subject: String
  /// A line.
  public var words: String

  /// A note of these words.
  public init(subject: String, words: String) {
    self.subject = subject
    self.words = words
  }
}

/// The versions behind a number.
public struct Tool: Codable, Hashable, Sendable {
  /// Espalier's.
  public var version: String
  /// libtorch's.
  public var libtorch: String

  /// These versions.
  public init(version: String, libtorch: String) {
    self.version = version
    self.libtorch = libtorch
  }
}

/// The images of a run.
public struct DataSummary: Codable, Hashable, Sendable {
  /// The data set's name.
  public var name: String
  /// What is unusual about it, e.g. that the test split at hand is incomplete; nil for nothing.
  public var note: String?
  /// Images the optimizer saw.
  public var training: Int
  /// Of so many in the training split; nil if it was not cut.
  public var subsetOf: Int?
  /// Images held out for choices.
  public var validation: Int
  /// Images that results are reported on.
  public var test: Int

  /// A summary of these counts.
  public init(name: String, note: String? = nil, training: Int, subsetOf: Int? = nil, validation: Int, test: Int) {
    self.name = name
    self.note = note
    self.training = training
    self.subsetOf = subsetOf
    self.validation = validation
    self.test = test
  }
}

/// How much was to go, and how much went.
public struct Removal: Codable, Hashable, Sendable {
  /// The fraction asked for; nil if none was named.
  public var asked: Double?
  /// The number of things that it means, layer by layer where layers count for themselves; nil where it goes without saying.
  public var askedCount: Int?
  /// Things removed by the selection, in this run and before it.
  public var removed: Int
  /// Things there were before the first removal that is known.
  public var total: Int
  /// What they are, where it is not the usual word: `filters`.
  public var things: String?
  /// Of the removed, those that had left before this run; nil where none had.
  public var earlier: Int?
  /// Of those left, those that were cut out with dead units in the end; nil where none were.
  public var dead: Int?
  /// Of those left, those that are exactly 0 all the same; nil where none are.
  public var zeros: Int?
  /// Others that are there but were not to be counted, as those of layers that were left alone; nil where there are none.
  public var ignored: Int?

  /// total − removed.
  public var left: Int { total - removed }
  /// removed/total.
  public var achieved: Double { total == 0 ? 0 : Double(removed) / Double(total) }

  /// A removal of these counts.
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

  /// The counts and the fraction.
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

/// That the model after surgery computes what the masked model computed.
public struct Proof: Codable, Hashable, Sendable {
  /// Surgeries that were checked.
  public var surgeries: Int
  /// The largest |difference| of the two models' outputs over the largest |output|.
  public var largestRelativeDifference: Double
  /// What would have been refused.
  public var tolerance: Double
  /// Surgeries after which the outputs no longer depended on the input, so that their agreement says little; nil for none.
  public var constantOutputs: Int?

  /// A proof of these numbers.
  public init(surgeries: Int, largestRelativeDifference: Double, tolerance: Double = 1e-4, constantOutputs: Int? = nil) {
    self.constantOutputs = constantOutputs
    self.surgeries = surgeries
    self.largestRelativeDifference = largestRelativeDifference
    self.tolerance = tolerance
  }
}
