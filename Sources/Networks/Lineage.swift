internal import Words

/// Where a smaller network came from: the one before its first removal, and the channels that have left that one since.
///
/// What a unit *is* is fixed by the original: one of its channel groups' channels, with everything that it is coupled to. Surgery
/// can change what a layer looks like (a grouped convolution with one channel left in each group looks depthwise, and a group norm
/// like an instance norm), but never what counts as one thing, so that counts keep one denominator however often is removed.
public struct Lineage: Hashable, Sendable {
  /// The network before the first removal.
  public var original: Network { Network(name: name, nodes: nodes, outputs: outputs) }
  /// What left, by the original's channel group: ascending indices among the channels that the group had there.
  public private(set) var removed: [String: [Int]]

  let nodes: [Network.Node]
  private let name: String
  private let outputs: [String]

  /// The original itself, from which nothing has left yet.
  init(of original: Network) {
    (name, nodes, outputs, removed) = (original.name, original.nodes, original.outputs, [:])
  }

  /// What leads from an original to a smaller network.
  ///
  /// - Throws: ``NetworkError/malformed(_:)`` if it does not: another graph, other widths, channels that are not there.
  init(original: Network, removed: [String: [Int]], to network: Network) throws {
    // What a file claims costs no more than what a network on the command line may.
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

  /// With these channels gone as well, given by their indices among those that are left.
  ///
  /// - Parameter widths: the channels that each group had in the original.
  func removing(_ removals: [String: [Int]], widths: [String: Int]) -> Lineage {
    var result = self
    for (group, channels) in removals where !channels.isEmpty {
      let left = Self.left(of: widths[group] ?? 0, without: removed[group] ?? [])
      result.removed[group] = ((removed[group] ?? []) + channels.compactMap { left.indices.contains($0) ? left[$0] : nil }).sorted()
    }
    return result
  }

  /// The original's groups with the channels that are left, and where these lie in the smaller network.
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

  /// How many channels a group of the smaller network had in the original.
  public func originalWidth(of group: ChannelGroup) -> Int { group.width + (removed[group.name]?.count ?? 0) }

  /// Which of the original's channels a group of the smaller network still has.
  public func kept(of group: ChannelGroup) -> [Int] {
    Self.left(of: originalWidth(of: group), without: removed[group.name] ?? [])
  }

  /// The channels of `width` that have not left.
  private static func left(of width: Int, without removed: [Int]) -> [Int] {
    let gone = Set(removed)
    return (0..<width).filter { !gone.contains($0) }
  }
}

/// Which features of a layer are left: ascending indices among those that the layer had in the original network.
public struct KeptFeatures: Codable, Hashable, Sendable {
  /// Of the layer's output: rows of its weight.
  public var outputs: [Int]
  /// Of what it reads: columns of its weight, all groups' one after another in a grouped convolution.
  public var inputs: [Int]

  /// These features.
  public init(outputs: [Int], inputs: [Int]) {
    self.outputs = outputs
    self.inputs = inputs
  }
}

extension Network {
  /// The network before the first removal that is known; itself where nothing was removed.
  public var original: Network { lineage?.original ?? self }

  /// For every layer with parameters, by its node's name, the features of the original network that are left; nil where nothing has
  /// left, or where it is not known from what.
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
      default: break
      }
    }
    return result
  }

  /// Recovers the lineage that files of earlier versions do not tell: where a network of the catalogue with this name, input and
  /// classes leads to this network by the removals of a history. As it is, where it does not.
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
  /// By how much the channels between the zeros of padded shortcuts, which groups do not count there, have become fewer, and where
  /// they begin.
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
  /// Their channels in all: each is one unit, in however many layers it lies.
  public var units: Int { reduce(0) { $0 + $1.width } }

  /// The features that leave with these channels, by node: of its own side (outputs, or what it counts) and of what it reads.
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
  /// How many of these ascending numbers are below a number.
  fileprivate func count(below number: Int) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = low + (high - low) / 2
      if self[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension Network.Node {
  /// Without what changes while no channel leaves: biases that repairs have made, dropout that was rescaled.
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
