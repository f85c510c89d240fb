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
  /// flattening channel c is the features c·H·W ..< (c+1)·H·W). The slices stand in the order of the nodes; a weight
  /// between two shrinking layers has two, in whichever order they are applied.
  ///
  /// ```swift
  /// let (smaller, slices) = try network.removing(["conv1": [3, 17]])
  /// ```
  /// - Throws: ``NetworkError/removal(layer:problem:)`` for a layer that is no group, indices that are not ascending, out of
  ///   range, or all there are; and what ``shapes()`` throws.
  public func removing(_ removals: [String: [Int]]) throws -> (network: Network, slices: [TensorSlice]) {
    let (groups, refused) = try channelGroups()
    let byName = Dictionary(uniqueKeysWithValues: groups.map { ($0.name, $0) })
    var outputs: [String: Set<Int>] = [:]
    var inputs: [String: Set<Int>] = [:]
    for (name, channels) in removals.sorted(by: { $0.key < $1.key }) {
      guard let group = byName[name] else { throw unremovable(name, refused) }
      try group.check(channels)
      for channel in channels {
        for member in group.producers + group.dependents {
          outputs[member.node, default: []].formUnion(member.features(ofChannel: channel))
        }
        for member in group.consumers { inputs[member.node, default: []].formUnion(member.features(ofChannel: channel)) }
      }
    }
    var network = self
    var slices: [TensorSlice] = []
    for (index, node) in nodes.enumerated() {
      let (lost, unread) = (outputs[node.name] ?? [], inputs[node.name] ?? [])
      guard !lost.isEmpty || !unread.isEmpty else { continue }
      for (role, dimensions) in node.operation.parameters {
        let name = ParameterName(node.module, role)
        if !lost.isEmpty {
          slices.append(TensorSlice(parameter: name, dimension: 0, keep: (0..<dimensions[0]).filter { !lost.contains($0) }))
        }
        if !unread.isEmpty, dimensions.count > 1 {
          slices.append(TensorSlice(parameter: name, dimension: 1, keep: (0..<dimensions[1]).filter { !unread.contains($0) }))
        }
      }
      network.nodes[index].operation = node.operation.narrowed(inputs: unread.count, outputs: lost.count)
    }
    // Cheap, and the proof that coupling and shapes agree.
    _ = try network.shapes()
    return (network, slices)
  }

  private func unremovable(_ name: String, _ refused: [(producer: String, reason: String)]) -> NetworkError {
    if let reason = refused.first(where: { $0.producer == name })?.reason {
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

extension Operation {
  /// The operation with this many fewer inputs and outputs.
  fileprivate func narrowed(inputs: Int, outputs: Int) -> Operation {
    switch self {
    case .linear(var layer):
      layer.inputs -= inputs
      layer.outputs -= outputs
      return .linear(layer)
    case .convolution(var layer):
      layer.inputs -= inputs
      layer.outputs -= outputs
      return .convolution(layer)
    case .batchNorm(var norm):
      norm.features -= outputs
      return .batchNorm(norm)
    case .input, .activation, .maxPool, .averagePool, .adaptiveAveragePool, .dropout, .flatten, .add, .concat, .subsamplePad:
      return self
    }
  }
}
