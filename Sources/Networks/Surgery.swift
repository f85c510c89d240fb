internal import Words

/// An instruction to cut a tensor: along `dimension`, the indices in `keep` stay, in order.
public struct TensorSlice: Hashable, Sendable, CustomStringConvertible {
  /// The tensor.
  public var parameter: ParameterName
  /// 0 for outputs (and everything with one dimension), 1 for a weight's inputs.
  public var dimension: Int
  /// Ascending indices that stay.
  public var keep: [Int]

  /// Keeps these indices of that dimension.
  public init(parameter: ParameterName, dimension: Int, keep: [Int]) {
    self.parameter = parameter
    self.dimension = dimension
    self.keep = keep
  }

  /// E.g. `conv1.weight, dimension 0: 50 stay`.
  public var description: String { "\(parameter), dimension \(dimension): \(keep.count) stay" }
}

extension Network {
  /// The network without some channels, and how its tensors are to be cut.
  ///
  /// `removals` maps names of ``channelGroups()`` to ascending indices of channels. Producers lose outputs (weight
  /// dimension 0, bias), norms their scales, shifts and running statistics, consumers inputs (weight dimension 1; behind a
  /// flattening channel c is the features c·H·W ..< (c+1)·H·W), depthwise convolutions whole groups, padded shortcuts zeros. The
  /// slices stand in the order of the nodes, once for each module; a weight between two shrinking layers has two, in
  /// whichever order they are applied.
  ///
  /// ```swift
  /// let (smaller, slices) = try network.removing(["conv1": [3, 17]])
  /// ```
  /// - Parameter groups: this network's channel groups, if they are at hand.
  /// - Throws: ``NetworkError/removal(layer:problem:)`` for a layer that is no group, indices that are not ascending, out of
  ///   range, or all there are; and what ``shapes()`` throws.
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
    // Cheap, and the proof that coupling and shapes agree.
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
  /// How the node's tensors are cut.
  fileprivate func slices(losing lost: Set<Int>, unread: Set<Int>) -> [TensorSlice] {
    // What a grouped convolution no longer reads is the same in each of its groups, whose places a weight counts.
    var unread = unread
    if case .convolution(let layer) = operation, layer.groups > 1 {
      let size = layer.inputs / layer.groups
      unread = Set(unread.map { $0 % size })
    }
    return operation.parameters.flatMap { role, dimensions -> [TensorSlice] in
      let name = ParameterName(module, role)
      var slices: [TensorSlice] = []
      if !lost.isEmpty {
        slices.append(TensorSlice(parameter: name, dimension: 0, keep: (0..<dimensions[0]).filter { !lost.contains($0) }))
      }
      if !unread.isEmpty, dimensions.count > 1 {
        slices.append(TensorSlice(parameter: name, dimension: 1, keep: (0..<dimensions[1]).filter { !unread.contains($0) }))
      }
      return slices
    }
  }
}

extension Operation {
  /// The operation without the features it lost, and this many fewer inputs.
  fileprivate func narrowed(losing lost: Set<Int>, unread: Int) -> Operation {
    switch self {
    case .linear(var layer):
      layer.inputs -= unread
      layer.outputs -= lost.count
      return .linear(layer)
    case .convolution(var layer):
      // Only where channels are filtered by themselves all outputs of a group can leave.
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
    case .narrow(let start, let count):
      return .narrow(
        start: start - lost.count { $0 < start }, count: count - lost.count { (start..<start + count).contains($0) })
    case .subsamplePad(let stride, let before, let after):
      let front = lost.count { $0 < before }
      return .subsamplePad(stride: stride, before: before - front, after: after - (lost.count - front))
    case .input, .activation, .maxPool, .averagePool, .adaptiveAveragePool, .dropout, .flatten, .add, .concat: return self
    }
  }
}

extension Network {
  /// The network with a learned constant per unit in a linear layer or convolution that had none; shared modules get it at every node.
  public func addingBias(to module: String) -> Network { addingBias(to: [module]) }

  /// The network with a learned constant per unit in each of these modules; see ``addingBias(to:)-(String)``.
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
  /// Modules of linear layers and convolutions with a learned constant.
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
