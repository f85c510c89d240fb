internal import Foundation
public import Pruning
public import Training

/// One run as a value: where the model comes from, on which data, and what is done with it, stage by stage. Model files keep it as their
/// recipe.
public struct Experiment: Sendable {
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
  /// Which images; nil where nothing is trained or looked at, and the network takes its native input.
  public var data: DataPlan?
  /// How many classes a named network tells apart, which gives it a fresh last layer where its weights are of others; nil for the data's.
  public var classes: Int?
  /// How fresh weights are drawn.
  public var initialization: Initialization
  /// What is done, in order.
  public var stages: [any Stage]

  /// A run of these stages.
  public init(
    start: Start, data: DataPlan?, classes: Int? = nil, initialization: Initialization = .kaimingUniform, stages: [any Stage]
  ) {
    self.start = start
    self.data = data
    self.classes = classes
    self.initialization = initialization
    self.stages = stages
  }

  /// A run of the stages that the pruning plan's method makes of these plans; a mere training where nothing is pruned.
  ///
  /// - Parameters:
  ///   - training: before any pruning, or in whose course it happens; nil where a given model is pruned as it is.
  ///   - slimming: λ of network slimming's penalty in all trainings; nil for none.
  ///   - l1: λ of the L1 penalty on weights in all trainings; nil for none.
  ///   - recovery: after each round; its length is the one in the pruning plan's timing.
  public init(
    start: Start, data: DataPlan?, classes: Int? = nil, initialization: Initialization = .kaimingUniform, training: TrainingPlan?,
    slimming: Double? = nil, l1: Double? = nil, pruning: PruningPlan? = nil, recovery: TrainingPlan? = nil
  ) {
    let options = MethodOptions(
      training: training.map { RegularizedTraining($0, slimming: slimming, l1: l1) },
      recovery: recovery.map { RegularizedTraining($0, slimming: slimming, l1: l1) }, pruning: pruning)
    self.init(start: start, data: data, classes: classes, initialization: initialization, stages: options.stages)
  }

  /// The plan of the removals; nil where nothing is pruned.
  public var pruning: PruningPlan? { stages.lazy.compactMap(\.prunes).first }

  /// The training before any pruning, or in whose course it happens.
  public var training: RegularizedTraining? { stages.lazy.filter { !($0 is Recover) }.compactMap(\.trains).first }

  /// The training after each removal between trainings.
  public var recovery: RegularizedTraining? { stages.lazy.compactMap { $0 as? Recover }.first?.training }

  /// Index after the last stage whose work a checkpoint keeps.
  var end: Int { (stages.lastIndex { $0.isKept } ?? -1) + 1 }

  /// The recipe's text: the same experiment, the same bytes.
  public var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}

/// What a run reports while it goes on.
public struct RunProgress: Sendable {
  /// E.g. `training`, `round 2/5`.
  public var phase: String
  /// The trainer's.
  public var training: TrainingProgress
}
