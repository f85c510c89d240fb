public import Networks
public import Torch
public import Training

/// Mean replacement: the mean outputs of removed units are added to the biases of the layers that consumed them.
///
/// The paper (Evci et al., "Mean replacement pruning") replaces a unit by its mean over data, a constant that a bias can absorb. With
/// padding, a constant's effect depends on the position, hence two forms. Cost: one forward pass over the data for the means, which a
/// scoring sweep computes along the way, and one pass of each consumer over a single example.
public struct MeanReplacement: Codable, Hashable, Sendable {
  /// The formula by which a mean becomes a change of bias.
  public enum Form: String, Codable, Hashable, Sendable, CaseIterable {
    /// The mean over output positions of the consumer's response to the mean feature map, with its own stride, padding and groups: leaves
    /// the consumer's mean pre-activation unchanged.
    case exact
    /// The sum over taps, or over the positions of a flattened map, times one number, the map's mean: the paper's form, which ignores
    /// padding.
    case paper
  }

  /// The formula by which a mean becomes a change of bias.
  public var form: Form
  /// The place where a unit's mean is taken; where the values of several layers are added, it is always the consumer's input.
  public var place: MeanPlace

  /// Creates a mean replacement, by default in the exact form with the means of the consumers' inputs.
  public init(form: Form = .exact, place: MeanPlace = .consumer) {
    self.form = form
    self.place = place
  }

  /// Returns the nodes whose mean maps ``applied(to:removing:of:groups:means:)`` needs.
  public func observedNodes(of groups: [ChannelGroup], in network: Network) -> Set<String> {
    var nodes: Set<String> = []
    let index = NetworkIndex(network)
    for group in groups {
      if let output = outputNode(of: group, in: index) {
        nodes.insert(output)
      } else {
        for consumer in group.consumers { nodes.formUnion(index.node(named: consumer.node)?.inputs ?? []) }
      }
    }
    return nodes
  }

  /// Returns the node whose mean stands for a group's units; nil if it is taken at each consumer's input.
  private func outputNode(of group: ChannelGroup, in index: NetworkIndex) -> String? {
    guard place == .output, group.producers.count == 1, let producer = group.producers.first else { return nil }
    return index.observedNode(of: producer.node, preActivation: false)
  }

  /// Returns the compacted model with the means of the removed units added to its biases.
  ///
  /// A consumer with a bias gains Δb there; if it has none and its only reader is a batch norm, that norm's running mean changes by −Δb;
  /// any other consumer gets a bias. Nodes that share their weights share the mean of their Δb.
  /// - Parameters:
  ///   - compacted: the model after the surgery.
  ///   - plan: the units that the surgery removed.
  ///   - original: the model before the surgery.
  ///   - groups: the channel groups of the original's network.
  ///   - means: mean feature maps [channels, height, width] or [features] by node, of the original on data.
  /// - Throws: ``PruningError/mismatch(_:)`` if a mean is missing.
  public func applied(
    to compacted: Model, removing plan: SurgeryPlan, of original: Model, groups: [ChannelGroup], means: [String: Tensor]
  ) throws -> Model {
    try withoutGradients {
      var changes: [String: [Tensor]] = [:]
      let (index, shapes) = (NetworkIndex(original.network), try original.network.shapes())
      let maps = form == .paper ? original.network.maps(shapes) : [:]
      var heard: [String: [(member: ChannelGroup.Member, group: ChannelGroup)]] = [:]
      for group in groups where plan.removals[group.name] != nil {
        for member in group.consumers { heard[member.node, default: []].append((member, group)) }
      }
      for node in original.network.nodes {
        guard let heard = heard[node.name], let input = node.inputs.first, let shape = shapes[input]?.dimensions else { continue }
        guard let mean = try removedMean(of: heard, from: input, shape, plan, index, means, maps) else { continue }
        changes[node.module, default: []].append(try biasChange(of: node, original, mean))
      }
      var result = compacted
      var cuts: [String: [Int]] = [:]
      for group in groups {
        guard let channels = plan.removals[group.name] else { continue }
        for producer in group.producers {
          cuts[producer.module, default: []] += channels.flatMap { producer.features(ofChannel: $0) }
        }
      }
      var biased: Set<String> = []
      for (module, perNode) in changes.sorted(by: { $0.key < $1.key }) {
        let total = try perNode.dropFirst().reduce(perNode[0]) { try $0 + $1 } * (1 / Double(perNode.count))
        let gone = Set(cuts[module] ?? [])
        let change = try total.indexed(0, (0..<total.count).filter { !gone.contains($0) })
        if try result.shiftBias(of: module, by: change, index) { biased.insert(module) }
      }
      result.network = result.network.addingBias(to: biased)
      return result
    }
  }

  /// Returns the mean of the inputs that a node has lost from these groups, in the shape of its whole input and 0 elsewhere; nil if it has
  /// lost none.
  private func removedMean(
    of heard: [(member: ChannelGroup.Member, group: ChannelGroup)], from input: String, _ shape: [Int], _ plan: SurgeryPlan,
    _ index: NetworkIndex, _ means: [String: Tensor], _ maps: [String: [Int]]
  ) throws -> Tensor? {
    let column = [shape[0]] + Array(repeating: 1, count: shape.count - 1)
    var result: Tensor?
    for (member, group) in heard {
      guard let channels = plan.removals[group.name] else { continue }
      var share = [Double](repeating: 0, count: shape[0])
      let mean: Tensor
      if let output = outputNode(of: group, in: index), let producer = group.producers.first {
        // Every feature of a channel has the same constant.
        let constants = try self.mean(of: output, means).flattened(from: 1).mean(1).array(Double.self)
        for channel in channels {
          let constant = constants[producer.features(ofChannel: channel).first ?? 0]
          for feature in member.features(ofChannel: channel) { share[feature] = constant }
        }
        mean = try Tensor.ones(shape, type: .float64)
      } else if form == .paper {
        let constants = try constants(at: input, means, maps[input] ?? [])
        for channel in channels { for feature in member.features(ofChannel: channel) { share[feature] = constants[feature] } }
        mean = try Tensor.ones(shape, type: .float64)
      } else {
        for channel in channels { for feature in member.features(ofChannel: channel) { share[feature] = 1 } }
        mean = try self.mean(of: input, means).reshaped(shape)
      }
      let part = try mean * Tensor(share, shape: column)
      result = try result.map { try $0 + part } ?? part
    }
    return result
  }

  /// Returns each feature's mean over examples and positions, including the positions that a flatten has made features.
  private func constants(at node: String, _ means: [String: Tensor], _ maps: [Int]) throws -> [Double] {
    let perFeature = try mean(of: node, means).flattened(from: 1).mean(1).array(Double.self)
    var (sums, counts): ([Int: Double], [Int: Double]) = ([:], [:])
    for (map, value) in zip(maps, perFeature) {
      sums[map, default: 0] += value
      counts[map, default: 0] += 1
    }
    return maps.map { sums[$0, default: 0] / counts[$0, default: 1] }
  }

  /// Returns a node's mean map as float64, with a dimension of positions.
  private func mean(of node: String, _ means: [String: Tensor]) throws -> Tensor {
    guard let map = means[node] else { throw PruningError.mismatch("mean replacement needs the mean of \(node)") }
    let mean = try map.detached().cast(to: .float64)
    return try mean.rank == 1 ? mean.reshaped([-1, 1]) : mean
  }

  /// Returns Δb [outputs] of a consumer for the mean of its lost inputs.
  private func biasChange(of node: Network.Node, _ original: Model, _ mean: Tensor) throws -> Tensor {
    let weight = try original.tensor(ParameterName(node.module, .weight)).detached().cast(to: .float64)
    switch (node.operation, form) {
    case (.convolution(let layer), .exact):
      let answer = try mean.reshaped([1] + mean.shape).convolution(layer, weight, nil)
      return try answer.flattened(from: 2).mean(2).flattened()
    case (.convolution(let layer), .paper):
      // As a convolution with one tap, so that groups do not need separate code.
      let taps = try weight.sum(2, 3).reshaped([layer.outputs, layer.inputs / layer.groups, 1, 1])
      let constant = try mean.flattened(from: 1).mean(1).reshaped([1, layer.inputs, 1, 1])
      return try constant.convolution(taps, nil, groups: layer.groups).flattened()
    default: return try weight.matmul(mean.reshaped([-1, 1])).flattened()
    }
  }
}

extension Model {
  /// Adds `change` [outputs] to the pre-activations of a module's units; a pruned bias stays 0.
  ///
  /// - Parameter index: index of a network with the same nodes.
  /// - Returns: whether the module has gained a bias that the network does not declare yet.
  fileprivate mutating func shiftBias(of module: String, by change: Tensor, _ index: NetworkIndex) throws -> Bool {
    let bias = ParameterName(module, .bias)
    if let old = tensors[bias] {
      try replaceKept(bias, by: (old.detached().cast(to: .float64) + change).cast(to: old.elementType ?? .float32))
      return false
    }
    let nodes = index.nodes(of: module)
    if nodes.count == 1, let norm = index.soleNorm(behind: nodes[0].name) {
      let name = ParameterName(norm.module, .runningMean)
      let old = try tensor(name).detached()
      try replaceKept(name, by: (old.cast(to: .float64) - change).cast(to: old.elementType ?? .float32))
      return false
    }
    tensors[bias] = try change.cast(to: tensor(ParameterName(module, .weight)).elementType ?? .float32)
    return true
  }
}

extension Network {
  /// Returns, for each feature of every node's value, the number of the map to which it belongs: equal for features that a flatten made of
  /// one map.
  fileprivate func maps(_ shapes: [String: FeatureShape]) -> [String: [Int]] {
    var result: [String: [Int]] = [:]
    for node in nodes {
      let features = shapes[node.name]?.channels ?? 0
      let operands = node.inputs.map { result[$0] ?? [] }
      switch node.operation {
      case .flatten:
        let positions = node.inputs.first.flatMap { shapes[$0]?.positions } ?? 1
        result[node.name] = positions > 1 ? (0..<features).map { $0 / positions } : operands.first ?? []
      case .concat:
        var next = 0
        result[node.name] = operands.flatMap { maps in
          defer { next += (maps.max() ?? -1) + 1 }
          return maps.map { $0 + next }
        }
      case .narrow(let start, let count): result[node.name] = Array((operands.first ?? []).dropFirst(start).prefix(count))
      case .indexSelect(let indices): result[node.name] = indices.map { (operands.first ?? [])[$0] }
      case .batchNorm, .groupNorm, .channelNorm, .channelAffine, .activation, .prelu, .softmax, .dropout, .add, .subtract, .multiply,
        .classToken, .positionEmbedding, .arrange, .roll:
        result[node.name] = operands.first ?? []
      case .input, .linear, .convolution, .attention, .localResponseNorm, .maxPool, .averagePool, .adaptiveAveragePool, .adaptiveMaxPool,
        .pad, .resize,
        .subsamplePad, .opaque:
        result[node.name] = Array(0..<features)
      }
    }
    return result
  }
}

extension NetworkIndex {
  /// Returns the batch norm that is the only reader of a node, if its parameters are not shared.
  fileprivate func soleNorm(behind node: String) -> Network.Node? {
    let readers = consumers(of: node)
    guard readers.count == 1, let norm = readers.first, case .batchNorm = norm.operation, !isOutput(node),
      !isShared(norm.module)
    else { return nil }
    return norm
  }
}
