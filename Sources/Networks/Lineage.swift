internal import Words

/// The origin of a smaller network: the network before its first removal, and the channels that have left it since.
///
/// What counts as one unit is fixed by the original: a channel of one of its channel groups, with everything coupled to it. Surgery can
/// change what a layer looks like (a grouped convolution with one channel left in each group looks depthwise, and a group norm like an
/// instance norm), but never what counts as one unit, so that counts keep one denominator however often channels are removed.
public struct Lineage: Hashable, Sendable {
  /// The network before the first removal.
  public var original: Network { Network(name: name, nodes: nodes, outputs: outputs) }
  /// The channels removed from each of the original's channel groups: ascending indices within the group as it was there.
  public private(set) var removed: [String: [Int]]

  private(set) var nodes: [Network.Node]
  private let name: String
  private let outputs: [String]

  /// Creates the lineage of a network from which nothing has been removed yet.
  init(of original: Network) {
    (name, nodes, outputs, removed) = (original.name, original.nodes, original.outputs, [:])
  }

  /// Creates the lineage that leads from an original to a smaller network, as read from a file.
  ///
  /// - Throws: ``NetworkError/malformed(_:)`` if the removals do not lead there: another graph, other widths, channels that do not exist.
  init(original: Network, removed: [String: [Int]], to network: Network) throws {
    // A file may claim no more than a network named on the command line could cost.
    guard (try? original.check([.coupling], within: .standard)) != nil else {
      throw NetworkError.tooLarge("the original of network \(original.name.quoted) has more channels than are followed in a file")
    }
    self.init(of: original)
    self.removed = removed.filter { !$0.value.isEmpty }
    let reached = try original.removing(self.removed).network
    guard reached.nodes.map(\.unadorned) == network.nodes.map(\.unadorned), original.outputs == network.outputs else {
      throw NetworkError.malformed("what was removed from the original network does not lead to \(network.name.quoted)")
    }
  }

  /// Returns the lineage of an original with other nodes, which must have the same channel groups.
  func mappingNodes(_ transform: ([Network.Node]) -> [Network.Node]) -> Lineage {
    var result = self
    result.nodes = transform(nodes)
    return result
  }

  /// Returns the lineage after a further removal; channels are given by their indices among those that are left.
  ///
  /// - Parameter widths: the number of channels of each group in the original.
  func removing(_ removals: [String: [Int]], widths: [String: Int]) -> Lineage {
    var result = self
    for (group, channels) in removals where !channels.isEmpty {
      let left = Self.left(of: widths[group] ?? 0, without: removed[group] ?? [])
      result.removed[group] = ((removed[group] ?? []) + channels.compactMap { left.indices.contains($0) ? left[$0] : nil }).sorted()
    }
    return result
  }

  /// The original's groups restricted to the remaining channels, with the features at which these lie in the smaller network.
  func groups(in network: Network) throws -> (groups: [ChannelGroup], refused: [(producer: String, reason: String)]) {
    let (groups, refused) = try original.channelGroups()
    guard !removed.isEmpty else { return (groups, refused) }
    let leaving = groups.leaving(removed)
    let (lost, unread) = (leaving.lost.mapValues { $0.sorted() }, leaving.unread.mapValues { $0.sorted() })
    let gaps = try network.paddedGaps(since: nodes)
    return (
      groups.map { group in
        let left = Self.left(of: group.width, without: removed[group.name] ?? [])
        func moved(_ member: ChannelGroup.Member, _ gone: [Int]?) -> ChannelGroup.Member {
          let gap = gaps[member.node]
          var member = member
          member.features = left.flatMap { member.features(ofChannel: $0) }.map { feature in
            feature - (gone?.count(below: feature) ?? 0) - (gap.map { feature < $0.start ? 0 : $0.shrunk } ?? 0)
          }
          return member
        }
        var result = group
        result.producers = group.producers.map { moved($0, lost[$0.node]) }
        result.dependents = group.dependents.map { moved($0, lost[$0.node]) }
        result.consumers = group.consumers.map { moved($0, unread[$0.node]) }
        result.width = left.count
        return result
      }, refused
    )
  }

  /// Returns the number of channels that a group of the smaller network had in the original.
  public func originalWidth(of group: ChannelGroup) -> Int { group.width + (removed[group.name]?.count ?? 0) }

  /// Returns the original's channels that a group of the smaller network still has, as ascending indices.
  public func kept(of group: ChannelGroup) -> [Int] {
    Self.left(of: originalWidth(of: group), without: removed[group.name] ?? [])
  }

  /// Returns the channels of `0..<width` that have not been removed.
  private static func left(of width: Int, without removed: [Int]) -> [Int] {
    let gone = Set(removed)
    return (0..<width).filter { !gone.contains($0) }
  }
}

/// The features of a layer that are left: ascending indices among those that the layer had in the original network.
public struct KeptFeatures: Codable, Hashable, Sendable {
  /// Remaining output features: rows of the layer's weight.
  public var outputs: [Int]
  /// Remaining input features: columns of the layer's weight; in a grouped convolution those of all groups, one group after another.
  public var inputs: [Int]

  /// Creates a record of the remaining output and input features.
  public init(outputs: [Int], inputs: [Int]) {
    self.outputs = outputs
    self.inputs = inputs
  }
}

extension Network {
  /// The network before its first known removal; the network itself where nothing was removed.
  public var original: Network { lineage?.original ?? self }

  /// Returns, for every layer with parameters, the features of the original network that are left, keyed by node name; nil where nothing
  /// has been removed or the original is unknown.
  ///
  /// ```swift
  /// try small.keptFeatures()?["conv2"]?.inputs  // [0, 1, 3]: conv1 lost its channel 2
  /// ```
  /// - Throws: what ``channelGroups()`` throws.
  public func keptFeatures() throws -> [String: KeptFeatures]? {
    guard let lineage else { return nil }
    let (lost, unread) = try lineage.original.channelGroups().groups.leaving(lineage.removed)
    func kept(_ width: Int, _ gone: Set<Int>?) -> [Int] { (0..<width).filter { gone?.contains($0) != true } }
    var result: [String: KeptFeatures] = [:]
    for node in lineage.nodes {
      let (own, read) = (lost[node.name], unread[node.name])
      switch node.operation {
      case .linear(let layer): result[node.name] = .init(outputs: kept(layer.outputs, own), inputs: kept(layer.inputs, read))
      case .convolution(let layer) where layer.isDepthwise:
        let outputs = kept(layer.outputs, own)
        let multiplier = layer.outputs / layer.inputs
        result[node.name] = .init(outputs: outputs, inputs: outputs.filter { $0.isMultiple(of: multiplier) }.map { $0 / multiplier })
      case .convolution(let layer): result[node.name] = .init(outputs: kept(layer.outputs, own), inputs: kept(layer.inputs, read))
      case .batchNorm(let norm): result[node.name] = .init(outputs: kept(norm.features, own), inputs: kept(norm.features, own))
      case .groupNorm(let norm): result[node.name] = .init(outputs: kept(norm.features, own), inputs: kept(norm.features, own))
      case .channelNorm(let norm): result[node.name] = .init(outputs: kept(norm.features, own), inputs: kept(norm.features, own))
      case .channelAffine(let layer): result[node.name] = .init(outputs: kept(layer.features, own), inputs: kept(layer.features, own))
      case .classToken(let features): result[node.name] = .init(outputs: kept(features, own), inputs: kept(features, own))
      case .positionEmbedding(let layer): result[node.name] = .init(outputs: kept(layer.features, own), inputs: kept(layer.features, own))
      case .prelu(let layer): result[node.name] = .init(outputs: kept(layer.features, own), inputs: kept(layer.features, own))
      default: break
      }
    }
    return result
  }

  /// Recovers the lineage that files of earlier versions lack: if the catalogue's network of this name, input shape and classes leads to
  /// this network by the given removals, returns it with that lineage, and otherwise unchanged.
  public func tracing(_ removals: [[String: [Int]]]) -> Network {
    guard lineage == nil, removals.contains(where: { !$0.isEmpty }),
      let shape = try? inputShape, let classes = try? classes,
      let original = try? Architecture.parse(name, input: shape, classes: classes),
      original.nodes.map(\.name) == nodes.map(\.name), (try? original.check([.coupling], within: .standard)) != nil,
      let groups = try? original.channelGroups().groups
    else { return self }
    var lineage = Lineage(of: original)
    let widths = Dictionary(uniqueKeysWithValues: groups.map { ($0.name, $0.width) })
    for removal in removals { lineage = lineage.removing(removal, widths: widths) }
    guard let whole = try? Lineage(original: original, removed: lineage.removed, to: self) else { return self }
    var network = self
    network.lineage = whole
    return network
  }
}

extension Network {
  /// The start and the shrinkage of the channels between the zeros of each padded shortcut, which groups do not count there.
  fileprivate func paddedGaps(since original: [Node]) throws -> [String: (start: Int, shrunk: Int)] {
    guard nodes.contains(where: { $0.operation.type == .subsamplePad }) else { return [:] }
    let (before, after) = (try Network(name: name, nodes: original, outputs: outputs).shapes(), try shapes())
    var gaps: [String: (start: Int, shrunk: Int)] = [:]
    for node in original {
      guard case .subsamplePad(_, let front, _) = node.operation, let input = node.inputs.first else { continue }
      gaps[node.name] = (front, (before[input]?.channels ?? 0) - (after[input]?.channels ?? 0))
    }
    return gaps
  }
}

extension [ChannelGroup] {
  /// Number of channels in all groups: each is one unit, however many layers it spans.
  public var units: Int { reduce(0) { $0 + $1.width } }

  /// The features that leave with the given channels, by node: `lost` on a node's own side (outputs, or what it counts), `unread` on its
  /// input side.
  func leaving(_ removals: [String: [Int]]) -> (lost: [String: Set<Int>], unread: [String: Set<Int>]) {
    var lost: [String: Set<Int>] = [:]
    var unread: [String: Set<Int>] = [:]
    for group in self {
      guard let channels = removals[group.name] else { continue }
      for member in group.producers + group.dependents {
        for channel in channels { lost[member.node, default: []].formUnion(member.features(ofChannel: channel)) }
      }
      for member in group.consumers {
        for channel in channels { unread[member.node, default: []].formUnion(member.features(ofChannel: channel)) }
      }
    }
    return (lost, unread)
  }
}

extension [Int] {
  /// Number of elements below `number`; the array must be ascending.
  func count(below number: Int) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = low + (high - low) / 2
      if self[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension Network.Node {
  /// The node without what may change while no channel leaves: biases added by repairs, rescaled dropout.
  fileprivate var unadorned: Self {
    var node = self
    switch operation {
    case .linear(var layer):
      layer.bias = false
      node.operation = .linear(layer)
    case .convolution(var layer):
      layer.bias = false
      node.operation = .convolution(layer)
    case .dropout: node.operation = .dropout(0)
    default: break
    }
    return node
  }
}
