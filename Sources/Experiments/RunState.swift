public import Networks
public import Pruning
internal import Torch
public import Training

/// What a run has recorded so far; kept in its checkpoints.
public struct RunState: Codable, Sendable {
  /// The phase under way, an index of ``Experiment/phases``.
  public var phase = 0
  /// Each finished training, in order.
  public var trainings: [TrainingResult] = []
  /// Each removal, in order.
  public var events: [PruningEvent] = []
  /// The same for the model file.
  public var history: [RemovalEvent] = []
  /// What came back in training; nil where nothing could.
  public var regrowth: RegrowthReport?
  /// Accuracies on the way, just after the last removal: the test set is asked only for what is told.
  public var stages: [Stage] = []
  /// The model before the first removal.
  public var dense: ModelFacts?
  /// Its network.
  public var denseNetwork: Network?
  /// Its evaluation on the test set.
  public var denseTest: Evaluation?
  /// Its evaluation on the validation set.
  public var denseValidation: Evaluation?
  /// Weights that a training of scores left as they were drawn, proved bit for bit; nil where weights were trained.
  public var randomWeights: Int?
  /// Weights of each layer in the file that the run began with, whose place its own may take.
  public var startingWeights: [String: Int] = [:]
  /// Bytes of that file; nil where there was none, and in records of earlier versions.
  public var startingBytes: Int?
  /// Whether units had left that file's network in earlier runs.
  public var startedFromHistory = false
  /// Where the run went on in other surroundings than it had begun in, in words; nil where it never did.
  public var changes: [String]?
  /// Seconds of training in all processes that took part, evaluations included.
  public var seconds = 0.0

  /// The test set's verdict on a model on its way.
  public struct Stage: Codable, Sendable {
    /// The removal.
    public var event: Int
    /// `pruned` or `repaired`.
    public var stage: String
    /// On the test set.
    public var test: Evaluation
  }

  /// One training's outcome.
  public struct TrainingResult: Codable, Sendable {
    /// E.g. `training`, `round 2/5`.
    public var phase: String
    /// Steps.
    public var iterations: Int
    /// The evaluation of lowest validation loss.
    public var best: EvaluationRecord?
    /// The last evaluation.
    public var last: EvaluationRecord?
    /// All evaluations, in order.
    public var evaluations: [EvaluationRecord]
    /// Seconds of each epoch's steps, of those this process did.
    public var epochSeconds: [Double]
  }

  /// Nothing yet.
  public init() {}
}

/// Countable facts about a model.
public struct ModelFacts: Codable, Hashable, Sendable {
  /// Learned numbers.
  public var parameters: Int
  /// Weights of linear and convolution layers.
  public var prunableWeights: Int
  /// Of them, those that are not exactly 0.
  public var nonZeroWeights: Int
  /// Multiplies of one example, dense.
  public var macs: Int
  /// Multiplies of one example by weights that are not 0.
  public var effectiveMACs: Int
  /// Bytes of all tensors in float32.
  public var bytes: Int
  /// Units of each layer that has any: linear outputs and convolution channels.
  public var widths: [Width]
  /// Units that can leave; nil in records of earlier versions, and where they cannot be followed.
  public var units: Int?

  /// A layer and its units.
  public struct Width: Codable, Hashable, Sendable {
    /// The layer's node.
    public var layer: String
    /// Its output channels.
    public var units: Int
  }
}

extension Model {
  /// Counts what there is: one pass over the weights.
  public func facts() throws -> ModelFacts {
    let cost = try network.cost()
    var (prunable, nonZero, effective) = (0, 0, 0)
    for (node, layer) in zip(network.nodes, cost.layers) where node.operation.units != nil {
      let weight = try tensor(.init(node.module, .weight))
      let kept = try weight.detached().nonZeroCount()
      prunable += weight.count
      nonZero += kept
      // Every weight of a layer is used equally often, so the multiplies that matter are in proportion.
      effective += weight.count == 0 ? 0 : layer.macs / weight.count * kept
    }
    return ModelFacts(
      parameters: cost.parameters, prunableWeights: prunable, nonZeroWeights: nonZero, macs: cost.macs, effectiveMACs: effective,
      bytes: cost.bytes, widths: network.widths, units: try? network.channelGroups().groups.units)
  }
}

extension Network {
  /// Units of each layer that has any, in order.
  var widths: [ModelFacts.Width] {
    nodes.compactMap { node in node.operation.units.map { ModelFacts.Width(layer: node.name, units: $0) } }
  }
}

extension Operation {
  /// Outputs of a layer with weights; nil for other operations.
  var units: Int? {
    switch self {
    case .linear(let linear): linear.outputs
    case .convolution(let convolution): convolution.outputs
    default: nil
    }
  }
}
