internal import Words

/// An instruction to cut a tensor: of dimension `dimension`, only the indices in `keep` stay, in order.
public struct TensorSlice: Hashable, Sendable, CustomStringConvertible {
  /// Name of the tensor to cut.
  public var parameter: ParameterName
  /// Dimension to cut: 0 for outputs (and one-dimensional tensors), 1 for the inputs of a weight.
  public var dimension: Int
  /// Indices that stay, ascending.
  public var keep: [Int]

  /// Creates a slice that keeps the given indices of a dimension.
  public init(parameter: ParameterName, dimension: Int, keep: [Int]) {
    self.parameter = parameter
    self.dimension = dimension
    self.keep = keep
  }

  /// A line such as `conv1.weight, dimension 0: 50 stay`.
  public var description: String { "\(parameter), dimension \(dimension): \(keep.count) stay" }
}

extension Network {
  /// Returns the network without the given channels, and the slices that cut a model's tensors to match.
  ///
  /// `removals` maps names of ``channelGroups()`` to ascending channel indices. Producers lose outputs (weight dimension 0, bias), norms
  /// their scales, shifts and running statistics, consumers inputs (weight dimension 1; after flattening, channel c is the features c·H·W
  /// ..< (c+1)·H·W), depthwise convolutions whole groups, padded shortcuts zeros. Slices are in the order of the nodes, once per module;
  /// a weight between two shrinking layers has two, which may be applied in either order.
  ///
  /// ```swift
  /// let (smaller, slices) = try network.removing(["conv1": [3, 17]])
  /// ```
  /// - Parameter groups: this network's channel groups, if already known.
  /// - Throws: ``NetworkError/removal(layer:problem:)`` for a name that is not a group, and for indices that are not ascending, out of
  ///   range, or all that the group has; and what ``shapes()`` throws.
  public func removing(
    _ removals: [String: [Int]], groups: [ChannelGroup]? = nil
  ) throws -> (network: Network, slices: [TensorSlice]) {
    let groups = try groups ?? channelGroups().groups
    let byName = Dictionary(uniqueKeysWithValues: groups.map { ($0.name, $0) })
    for (name, channels) in removals.sorted(by: { $0.key < $1.key }) {
      guard let group = byName[name] else { throw try unremovable(name) }
      try group.check(channels)
    }
    let leaving = groups.leaving(removals)
    var network = self
    var slices: [TensorSlice] = []
    var cut: Set<String> = []
    for (index, node) in nodes.enumerated() {
      let (lost, unread) = (leaving.lost[node.name] ?? [], leaving.unread[node.name] ?? [])
      guard !lost.isEmpty || !unread.isEmpty else { continue }
      if cut.insert(node.module).inserted { slices += node.slices(losing: lost, unread: unread) }
      network.nodes[index].operation = node.operation.narrowed(losing: lost, unread: unread.count)
    }
    if removals.contains(where: { !$0.value.isEmpty }) {
      let widths = byName.mapValues { $0.width + (lineage?.removed[$0.name]?.count ?? 0) }
      network.lineage = (lineage ?? Lineage(of: self)).removing(removals, widths: widths)
    }
    // Cheap, and it proves that coupling and shapes agree.
    _ = try network.shapes()
    return (network, slices)
  }

  private func unremovable(_ name: String) throws -> NetworkError {
    if let reason = try channelGroups().refused.first(where: { $0.producer == name })?.reason {
      return .removal(layer: name, problem: "its channels cannot be removed: \(reason)")
    }
    guard let node = node(named: name) else { return .removal(layer: name.quoted, problem: "there is no such layer") }
    return .removal(layer: name, problem: "has no channels of its own (\(node.operation.kind))")
  }
}

extension ChannelGroup {
  fileprivate func check(_ channels: [Int]) throws {
    for (previous, next) in zip(channels, channels.dropFirst()) where next <= previous {
      throw NetworkError.removal(layer: name, problem: "channels to remove must ascend; \(next) follows \(previous)")
    }
    for channel in [channels.first, channels.last].compactMap({ $0 }) where !(0..<width).contains(channel) {
      throw NetworkError.removal(layer: name, problem: "there is no channel \(channel) among \(width)")
    }
    guard channels.count < width else {
      throw NetworkError.removal(layer: name, problem: "cannot lose all of its \(width) channels; at least one stays")
    }
  }
}

extension Network.Node {
  /// Returns the slices that cut the node's tensors.
  fileprivate func slices(losing lost: Set<Int>, unread: Set<Int>) -> [TensorSlice] {
    // The inputs that a grouped convolution loses are the same in each of its groups, and its weight counts places within a group.
    var unread = unread
    if case .convolution(let layer) = operation, layer.groups > 1 {
      let size = layer.inputs / layer.groups
      unread = Set(unread.map { $0 % size })
    }
    let rows = operation.rows(losing: lost)
    return operation.parameters.flatMap { role, dimensions -> [TensorSlice] in
      let name = ParameterName(module, role)
      var slices: [TensorSlice] = []
      if !rows.isEmpty {
        slices.append(TensorSlice(parameter: name, dimension: 0, keep: (0..<dimensions[0]).filter { !rows.contains($0) }))
      }
      if !unread.isEmpty, dimensions.count > 1 {
        slices.append(TensorSlice(parameter: name, dimension: 1, keep: (0..<dimensions[1]).filter { !unread.contains($0) }))
      }
      return slices
    }
  }
}

extension Operation {
  /// Returns the operation without the features it lost and with `unread` fewer inputs.
  fileprivate func narrowed(losing lost: Set<Int>, unread: Int) -> Operation {
    switch self {
    case .linear(var layer):
      layer.inputs -= unread
      layer.outputs -= lost.count
      return .linear(layer)
    case .convolution(var layer):
      // Only in depthwise convolutions can all outputs of a group leave.
      let size = layer.outputs / layer.groups
      let groups = layer.groups == layer.inputs ? lost.count { $0.isMultiple(of: size) && lost.isSuperset(of: $0..<$0 + size) } : 0
      layer.inputs -= groups
      layer.groups -= groups
      layer.inputs -= unread
      layer.outputs -= lost.count
      return .convolution(layer)
    case .batchNorm(var norm):
      norm.features -= lost.count
      return .batchNorm(norm)
    case .groupNorm(var norm):
      if norm.groups == norm.features {
        norm.groups -= lost.count
      } else {
        norm.absent += lost.count / norm.groups
      }
      norm.features -= lost.count
      return .groupNorm(norm)
    case .channelNorm(var norm):
      norm.absent += lost.count
      norm.features -= lost.count
      return .channelNorm(norm)
    case .channelAffine(var layer):
      layer.features -= lost.count
      return .channelAffine(layer)
    case .prelu(var layer):
      layer.features -= lost.count
      return .prelu(layer)
    case .attention(let layer): return .attention(layer.narrowed(losing: lost))
    case .classToken(let features): return .classToken(features: features - lost.count)
    case .positionEmbedding(var layer):
      layer.features -= lost.count
      return .positionEmbedding(layer)
    case .narrow(let start, let count):
      return .narrow(
        start: start - lost.count { $0 < start }, count: count - lost.count { (start..<start + count).contains($0) })
    case .indexSelect(let indices):
      let gone = lost.sorted()
      return .indexSelect(indices.compactMap { lost.contains($0) ? nil : $0 - gone.count(below: $0) })
    case .subsamplePad(let stride, let before, let after):
      let front = lost.count { $0 < before }
      return .subsamplePad(stride: stride, before: before - front, after: after - (lost.count - front))
    case .input, .localResponseNorm, .activation, .softmax, .maxPool, .averagePool, .adaptiveAveragePool, .adaptiveMaxPool, .pad, .resize,
      .arrange, .roll, .dropout, .flatten, .add, .subtract, .multiply, .concat, .opaque:
      return self
    }
  }
}

extension Network {
  /// Returns the network with a learned bias in a linear layer or convolution that had none; a shared module gets it at every node.
  public func addingBias(to module: String) -> Network { addingBias(to: [module]) }

  /// Returns the network with a learned bias in each of the given modules; see ``addingBias(to:)-(String)``.
  public func addingBias(to modules: Set<String>) -> Network {
    guard !modules.isEmpty else { return self }
    var network = self
    for (index, node) in nodes.enumerated() where modules.contains(node.module) {
      switch node.operation {
      case .linear(var layer):
        layer.bias = true
        network.nodes[index].operation = .linear(layer)
      case .convolution(var layer):
        layer.bias = true
        network.nodes[index].operation = .convolution(layer)
      default: break
      }
    }
    return network
  }
}

extension Network {
  /// Modules of the linear layers and convolutions that have a learned bias.
  public var modulesWithBias: Set<String> {
    Set(
      nodes.compactMap { node in
        switch node.operation {
        case .linear(let layer): layer.bias ? node.module : nil
        case .convolution(let layer): layer.bias ? node.module : nil
        default: nil
        }
      })
  }
}
