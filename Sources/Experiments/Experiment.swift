internal import Foundation
public import Pruning
public import Training

/// One run as a value: what is trained, on what, how, and how it is pruned. The recipe that a model file keeps.
public struct Experiment: Codable, Hashable, Sendable {
  /// Where the model comes from.
  public enum Start: Codable, Hashable, Sendable {
    /// A name of the architectures' catalogue, freshly initialised, or with weights from a bare safetensors file.
    case network(String, weights: String?)
    /// A model file.
    case file(String)

    /// The file with weights; nil where they are drawn.
    var path: String? {
      switch self {
      case .file(let path): path
      case .network(_, let weights): weights
      }
    }

    /// Whether nothing has been trained.
    var isFresh: Bool { if case .network(_, weights: nil) = self { true } else { false } }
  }
  /// Where the model comes from.
  public var start: Start
  /// Which data; nil where nothing is trained or looked at, and the network takes its native input.
  public var data: DataPlan?
  /// How many classes a named network tells apart, which gives it a fresh last layer where its weights are of others; nil for the data's.
  public var classes: Int?
  /// How fresh weights are drawn.
  public var initialization: Initialization
  /// The training before any pruning, or during it; nil if a given model is pruned as it is.
  public var training: TrainingPlan?
  /// The strength of network slimming's penalty on batch norms' scales in all trainings; nil for none.
  public var slimming: Double?
  /// The strength of the L1 penalty on weights in all trainings; nil for none.
  public var l1: Double?
  /// What is pruned; nil if nothing is.
  public var pruning: PruningPlan?
  /// The training after each round; its length is the pruning plan's.
  public var recovery: TrainingPlan?

  /// An experiment of these parts.
  public init(
    start: Start, data: DataPlan?, classes: Int? = nil, initialization: Initialization = .kaimingUniform, training: TrainingPlan?,
    slimming: Double? = nil,
    l1: Double? = nil, pruning: PruningPlan? = nil,
    recovery: TrainingPlan? = nil
  ) {
    self.start = start
    self.data = data
    self.classes = classes
    self.initialization = initialization
    self.training = training
    self.slimming = slimming
    self.l1 = l1
    self.pruning = pruning
    self.recovery = recovery
  }

  /// The recipe's text: the same experiment, the same bytes.
  public var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }

  /// What happens, in order.
  enum Phase: Hashable {
    /// The dense training.
    case train
    /// Training with removals in its course.
    case trainAndPrune
    /// So many removals before the first training.
    case pruneAtStart(Int)
    /// Training of scores, with removals at every step.
    case trainScores
    /// Removal k of n.
    case prune(Int, of: Int)
    /// Training after removal k of n.
    case recover(Int, of: Int)
  }

  var phases: [Phase] {
    var phases: [Phase] = []
    guard let pruning else { return training == nil ? [] : [.train] }
    switch pruning.timing {
    case .during: phases.append(.trainAndPrune)
    case .everyStep: phases.append(.trainScores)
    case .atStart(let count):
      phases.append(.pruneAtStart(max(count, 1)))
      if training != nil { phases.append(.train) }
    case .rounds(let count, let recovery):
      if training != nil { phases.append(.train) }
      for k in 1...max(count, 1) {
        phases.append(.prune(k, of: count))
        if recovery.iterations(perEpoch: 1) > 0 { phases.append(.recover(k, of: count)) }
      }
    }
    return phases
  }
}

/// What a run reports while it goes on.
public struct RunProgress: Sendable {
  /// E.g. `training`, `round 2/5`.
  public var phase: String
  /// The trainer's.
  public var training: TrainingProgress
}
