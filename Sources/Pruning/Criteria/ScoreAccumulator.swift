public import Networks
public import Torch
internal import Training

/// Sums of a criterion's vectors, one per training step and producer of a channel group, until a removal reads and resets them.
///
/// The sums are float64; a step costs one reduction per layer and no transfer to the host. ``state()`` goes into checkpoints.
public final class ScoreAccumulator {
  /// The accumulated criterion.
  public let criterion: Criterion
  private let scoring: any AccumulatedScoring
  private var layers: [Layer] = []
  private var byNode: [String: [Int]] = [:]
  private var sums: [Tensor?] = []

  private struct Layer {
    let name: String
    let weight: ParameterName
    let node: String
    let outputs: Int
  }

  /// Creates an empty accumulator for the channel groups of a network; nil if the criterion does not accumulate over steps.
  ///
  /// - Throws: `NetworkError` from the network's shapes.
  public init?(_ criterion: Criterion, network: Network, granularity: Granularity) throws {
    guard let scoring = criterion.definition.implementation as? any AccumulatedScoring else { return nil }
    self.criterion = criterion
    self.scoring = scoring
    try reset(for: network, granularity: granularity)
  }

  /// Discards all sums and starts again for another network, such as one that has just been cut.
  public func reset(for network: Network, granularity: Granularity) throws {
    let preActivation = criterion.options.contains(.preActivation)
    var seen: Set<String> = []
    let index = NetworkIndex(network)
    let producers = try network.channelGroups().groups.filter { granularity.includes($0, of: index) }.flatMap(\.producers)
    let shapes = Dictionary(try network.parameterShapes().map { ($0.name, $0.dimensions) }, uniquingKeysWith: { first, _ in first })
    // A layer may belong to several groups, each of them part of its outputs.
    layers = producers.filter { seen.insert($0.node).inserted }.map { producer in
      let weight = ParameterName(producer.module, .weight)
      return Layer(
        name: producer.node, weight: weight, node: index.observedNode(of: producer.node, preActivation: preActivation),
        outputs: shapes[weight]?.first ?? 0)
    }
    byNode = scoring.source == .activations ? Dictionary(grouping: layers.indices, by: { layers[$0].node }) : [:]
    reset()
  }

  /// Discards the sums of all steps.
  public func reset() { sums = Array(repeating: nil, count: layers.count) }

  /// Nodes whose values ``add(_:of:)`` needs in every training step; empty for sums over weights.
  public var observedNodes: Set<String> { Set(byNode.keys) }

  /// Adds an observed node's value [batch, channels, …] of one step.
  public func add(_ value: Tensor, of node: String) throws {
    for index in byNode[node] ?? [] { try add(scoring.stepScores(value), at: index) }
  }

  /// Adds the weights of one step; does nothing for sums over activations.
  public func add(weights tensors: [ParameterName: Tensor]) throws {
    guard scoring.source == .weights else { return }
    for (index, layer) in layers.enumerated() {
      guard let weight = tensors[layer.weight] else { throw PruningError.mismatch("\(layer.weight): there is no such tensor") }
      try add(scoring.stepScores(weight.detached()), at: index)
    }
  }

  private func add(_ scores: Tensor, at index: Int) throws {
    try withoutGradients {
      var step = try scores.detached().cast(to: .float64)
      // A step in which all activations are 0 adds zeros, not 0/0.
      if criterion.options.contains(.normalize) { step = try step / step.max().clamped(.leastNormalMagnitude, .infinity) }
      // Sums that a pass between trainings began are on the CPU.
      guard let sum = try sums[index]?.moved(to: step.device) else {
        sums[index] = try step.copied()
        return
      }
      try sum.accumulate(step)
      sums[index] = sum
    }
  }

  /// Returns the sums [outputs] by the producer's node, on the CPU.
  ///
  /// - Throws: ``PruningError/nothingAccumulated(criterion:)`` before the first step.
  public func scores() throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (layer, sum) in zip(layers, sums) {
      guard let sum else { throw PruningError.nothingAccumulated(criterion: criterion.name) }
      result[layer.name] = try sum.moved(to: .cpu)
    }
    return result
  }

  /// Returns the sums by the producer's node, for checkpoints.
  public func state() -> [String: Tensor] {
    var state: [String: Tensor] = [:]
    for (layer, sum) in zip(layers, sums) { state[layer.name] = sum }
    return state
  }

  /// Continues from a state returned by ``state()``.
  ///
  /// - Throws: `RecordError` for sums that do not fit the network's layers.
  public func restore(_ state: [String: Tensor]) throws {
    let unknown = Set(state.keys).subtracting(layers.map(\.name)).sorted()
    guard unknown.isEmpty else {
      throw RecordError("it has scores for \(unknown.joined(separator: ", ")), which the network does not have")
    }
    guard state.isEmpty || state.count == layers.count else { throw RecordError("it lacks the scores of some layers") }
    for layer in layers {
      if let sum = state[layer.name], sum.shape != [layer.outputs] || sum.elementType != .float64 {
        throw RecordError("the scores of \(layer.name) are not one float64 for each of its \(layer.outputs) outputs")
      }
    }
    sums = try layers.map { try state[$0.name]?.copied() }
  }
}

extension NetworkIndex {
  /// Returns the node whose value is a layer's output after its norm and activation, or, with `preActivation`, after its norm only.
  ///
  /// If a value on the way has several readers, or no activation follows, it is the last node up to there.
  func observedNode(of producer: String, preActivation: Bool) -> String {
    var current = producer
    while true {
      let readers = consumers(of: current)
      guard readers.count == 1, let reader = readers.first else { return current }
      switch reader.operation {
      case .batchNorm, .groupNorm, .channelNorm, .channelAffine: current = reader.name
      // Fixed numbers are no activation.
      case .activation(let function) where function.isAffine: current = reader.name
      case .activation, .prelu: return preActivation ? current : reader.name
      default: return current
      }
    }
  }
}
