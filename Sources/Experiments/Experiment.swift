internal import Foundation
public import Pruning
public import Training

/// One run as a value: the initial model, the data, and the stages of work, in order. Model files keep it as their recipe.
public struct Experiment: Sendable {
  /// The origin of a run's initial model.
  public enum Start: Codable, Hashable, Sendable {
    /// A network of the catalogue by name, freshly initialised, or with the weights of a file.
    case network(String, weights: GivenWeights?)
    /// The model in a model file, by its path.
    case file(String)
    /// The network and the weights in an ONNX model, by its path.
    case imported(String)

    /// Path of the file that the weights are read from; nil for freshly initialised weights.
    var path: String? {
      switch self {
      case .file(let path), .imported(let path): path
      case .network(_, let weights): weights?.path
      }
    }

    /// Whether the network is one of the catalogue, as opposed to one that a file describes.
    var isNamed: Bool { if case .network = self { true } else { false } }

    /// Whether the number of classes can be given, because no run here has fixed it.
    var takesClasses: Bool { if case .file = self { false } else { true } }

    /// Whether the weights are freshly initialised.
    var isFresh: Bool { if case .network(_, weights: nil) = self { true } else { false } }
  }
  /// The origin of the initial model.
  public var start: Start
  /// The images; nil if none are needed, in which case the network has its native input shape.
  public var data: DataPlan?
  /// Number of classes of a named network; if its weights were trained for another number, the last layer is initialised afresh. nil for
  /// the number of classes in the data.
  public var classes: ClassCount?
  /// Distribution of freshly initialised weights.
  public var initialization: Initialization
  /// The parts of the run, in order.
  public var stages: [any Stage]

  /// Creates a run of the given stages; every parameter sets the property of the same name.
  public init(
    start: Start, data: DataPlan?, classes: ClassCount? = nil, initialization: Initialization = .kaimingUniform, stages: [any Stage]
  ) {
    self.start = start
    self.data = data
    self.classes = classes
    self.initialization = initialization
    self.stages = stages
  }

  /// Creates a run of the stages that the pruning plan's method makes of the plans; without a pruning plan, of a training alone.
  ///
  /// - Parameters:
  ///   - training: the training before or during pruning; nil to prune a given model as it is.
  ///   - slimming: λ of the network-slimming penalty in all trainings; nil for none.
  ///   - l1: λ of the L1 penalty on weights in all trainings; nil for none.
  ///   - recovery: the training after each round; the pruning plan's timing gives its length.
  ///   - meta: the tasks of a meta-pruning.
  ///   - sequence: the data sets of a run on several, of which `data` names the last.
  ///   - flatness: the measurement at the end.
  public init(
    start: Start, data: DataPlan?, classes: ClassCount? = nil, initialization: Initialization = .kaimingUniform, training: TrainingPlan?,
    slimming: Double? = nil, l1: Double? = nil, pruning: PruningPlan? = nil, recovery: TrainingPlan? = nil,
    meta: MetaPruningPlan? = nil, sequence: DataSequence? = nil, flatness: MeasureFlatness? = nil
  ) {
    let options = MethodOptions(
      training: training.map { RegularizedTraining($0, slimming: slimming, l1: l1) },
      recovery: recovery.map { RegularizedTraining($0, slimming: slimming, l1: l1) }, pruning: pruning, meta: meta,
      sequence: sequence, flatness: flatness)
    self.init(start: start, data: data, classes: classes, initialization: initialization, stages: options.stages)
  }

  /// The plan of the removals; nil if nothing is pruned.
  public var pruning: PruningPlan? { stages.lazy.compactMap(\.prunes).first }

  /// The training before or during pruning; nil if there is none.
  public var training: RegularizedTraining? { stages.lazy.filter { !($0 is Recover) }.compactMap(\.trains).first }

  /// The training after each removal; nil if there is none.
  public var recovery: RegularizedTraining? { stages.lazy.compactMap { $0 as? Recover }.first?.training }

  /// The tasks of a meta-pruning; nil if there is none.
  public var meta: MetaPruningPlan? { stages.lazy.compactMap { $0 as? MetaPrune }.first?.meta }

  /// The data sets of a run on several; nil for a run on one.
  public var sequence: DataSequence? { stages.lazy.compactMap { $0 as? TrainOnDataset }.first?.sequence }

  /// The measurement at the end; nil if there is none.
  public var flatness: MeasureFlatness? { stages.lazy.compactMap { $0 as? MeasureFlatness }.first }

  /// Number of the network's outputs, if it is not that of the data's classes.
  var outputs: Int? { stages.lazy.compactMap(\.outputs).first }

  /// Index after the last stage that is followed by a checkpoint.
  var end: Int { (stages.lastIndex { $0.isKept } ?? -1) + 1 }

  /// The recipe as JSON; equal experiments give equal bytes.
  public var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}

/// Progress of a run, reported while it trains.
public struct RunProgress: Sendable {
  /// Name of the training, e.g. `training` or `round 2/5`.
  public var phase: String
  /// Progress of the trainer within it.
  public var training: TrainingProgress
}
