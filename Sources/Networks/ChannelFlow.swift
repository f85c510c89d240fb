internal import Words

/// Which channels of a network's values can only leave together: a union-find over single channels.
///
/// Every channel that comes into being (a layer's unit, an input's plane, the zeros of a padded shortcut) is a *source*. A node's value
/// is a list of sources, one per feature. Operations rearrange these lists and unite sources that can only leave together: the i-th
/// channels of a sum's or product's operands, the j-th channels of all groups of a grouped convolution or norm (which stay equally large), and the
/// channels that nodes with shared weights read and produce at the same place.
struct ChannelFlow {
  typealias Source = Int32

  /// A node whose size depends on channels that it produces, scales or reads.
  struct Touch {
    enum Role { case producer, dependent, consumer }
    let node: Int
    let role: Role
    let sources: [Source]
    /// The node's feature at which each source lies.
    let features: FeatureRuns
  }

  /// Consecutive features, with one gap at most, or any that are listed.
  struct FeatureRuns {
    var first = 0
    var beforeGap = Int.max
    var gap = 0
    var listed: [Int]?
    subscript(index: Int) -> Int { listed?[index] ?? first + index + (index < beforeGap ? 0 : gap) }
  }

  /// The most features that all nodes may produce together, and half of the most that they may produce and read: a file that claims more
  /// would fill the memory.
  private static let featureLimit = 1 << 26

  /// Approximate bytes of list per feature that a node produces, and per feature that it reads.
  static let bytesPerFeature = (made: 44.0, read: 24.0)

  private(set) var touches: [Touch] = []
  /// In the order in which they were found; a channel is refused for its first reason.
  private(set) var refusals: [(sources: [Source], reason: String, opaque: Int?)] = []
  private var parents: [Source] = []
  private var values: [String: [Source]] = [:]

  /// Follows the channels through a network whose shapes are known.
  ///
  /// - Throws: ``NetworkError/tooLarge(_:)`` for more channels than can be followed.
  init(_ network: Network, shapes: [String: FeatureShape]) throws {
    // A split or a head produces few of the many channels that it reads.
    var (made, followed) = (0, 0)
    for node in network.nodes {
      let own = shapes[node.name]?.channels ?? 0
      made = min(made + own, Self.featureLimit + 1)
      let read = node.inputs.reduce(0) { $0 + (shapes[$1]?.channels ?? 0) }
      followed = min(followed + own + read, 2 * Self.featureLimit + 1)
    }
    guard made <= Self.featureLimit, followed <= 2 * Self.featureLimit else {
      throw NetworkError.tooLarge(
        "network \(network.name.quoted) has more than \(Self.featureLimit) channels: their coupling is not followed")
    }
    for (index, node) in network.nodes.enumerated() { follow(node, at: index, shapes) }
    uniteSharedModules(network)
    for output in network.outputs { refuse(values[output] ?? [], because: "they are the network's output \(output)") }
  }

  /// The number of sources.
  var count: Int { parents.count }

  /// Returns an earlier source that leaves together with this one, or the source itself if it is the earliest.
  func parent(_ source: Source) -> Source { parents[Int(source)] }

  private mutating func follow(_ node: Network.Node, at index: Int, _ shapes: [String: FeatureShape]) {
    let operands = node.inputs.map { values[$0] ?? [] }
    let first = operands.first ?? []
    let width = shapes[node.name]?.channels ?? 0
    func touch(_ role: Touch.Role, _ sources: [Source], _ features: FeatureRuns = FeatureRuns()) -> Touch {
      Touch(node: index, role: role, sources: sources, features: features)
    }
    switch node.operation {
    case .input:
      // Input channels can never leave, nor anything united with one of them, so one source stands for all.
      let source = made(1)
      refuse(source, because: "they are the network's input")
      values[node.name] = Array(repeating: source[0], count: width)
    case .convolution(let layer) where layer.isDepthwise:
      // Channel c produces channels c·m ..< (c+1)·m, so these are one.
      let multiplier = layer.outputs / layer.inputs
      let sources = multiplier == 1 ? first : first.flatMap { Array(repeating: $0, count: multiplier) }
      touches.append(touch(.producer, sources))
      values[node.name] = sources
    case .linear, .convolution:
      let sources = made(width)
      touches.append(touch(.consumer, first))
      touches.append(touch(.producer, sources))
      if case .convolution(let layer) = node.operation, layer.groups > 1 {
        uniteAcross(layer.groups, first)
        uniteAcross(layer.groups, sources)
      }
      values[node.name] = sources
    case .batchNorm, .groupNorm:
      touches.append(touch(.dependent, first))
      if case .groupNorm(let norm) = node.operation, norm.groups < norm.features { uniteAcross(norm.groups, first) }
      values[node.name] = first
    case .channelNorm, .channelAffine, .classToken, .positionEmbedding:
      touches.append(touch(.dependent, first))
      values[node.name] = first
    case .prelu(let layer):
      // A slope that all channels share stays.
      if layer.features == first.count { touches.append(touch(.dependent, first)) }
      values[node.name] = first
    case .activation(let function):
      // What makes another number of 0 must be told which channels are silent.
      if function.valueAtZero != 0 { touches.append(touch(.dependent, first)) }
      values[node.name] = first
    case .localResponseNorm:
      refuse(first, because: "the local response norm \(node.name) mixes neighbouring channels")
      values[node.name] = first
    case .softmax:
      refuse(first, because: "the softmax \(node.name) weighs all channels together")
      values[node.name] = first
    case .dropout, .maxPool, .averagePool, .adaptiveAveragePool, .adaptiveMaxPool, .pad, .resize, .arrange, .roll: values[node.name] = first
    case .attention(let layer):
      guard operands.count == 3 else { return }
      let (queries, keys, all) = (operands[0], operands[1], operands[2])
      unite(queries, keys)
      switch layer.unit {
      case .head:
        for (sources, width) in [(queries, layer.keyWidth), (all, layer.valueWidth)] where width > 0 {
          for index in sources.indices { unite(queries[index / width * layer.keyWidth], sources[index]) }
        }
      case .width:
        uniteAcross(layer.heads, queries)
        uniteAcross(layer.heads, all)
      }
      touches.append(touch(.dependent, queries))
      touches.append(touch(.dependent, keys, FeatureRuns(first: queries.count)))
      touches.append(touch(.dependent, all, FeatureRuns(first: queries.count + keys.count)))
      values[node.name] = all
    case .flatten:
      let positions = node.inputs.first.flatMap { shapes[$0]?.positions } ?? 1
      values[node.name] = positions == 1 ? first : first.flatMap { Array(repeating: $0, count: positions) }
    case .add, .subtract, .multiply:
      for operand in operands.dropFirst() { unite(first, operand) }
      values[node.name] = first
    case .concat: values[node.name] = operands.flatMap(\.self)
    case .narrow(let start, let count):
      // Channels inside and outside the part are not interchangeable: at least one inside must stay.
      let inside = Array(first[start..<start + count])
      let outside = Array(first[..<start] + first[(start + count)...])
      touches.append(touch(.dependent, inside, FeatureRuns(first: start)))
      if !outside.isEmpty { touches.append(touch(.dependent, outside, FeatureRuns(beforeGap: start, gap: count))) }
      values[node.name] = inside
    case .indexSelect(let indices):
      // As for a part of a split; here the others may lie anywhere.
      let chosen = Set(indices)
      let others = first.indices.filter { !chosen.contains($0) }
      let ascending = indices.sorted()
      touches.append(touch(.dependent, ascending.map { first[$0] }, FeatureRuns(listed: ascending)))
      if !others.isEmpty { touches.append(touch(.dependent, others.map { first[$0] }, FeatureRuns(listed: others))) }
      values[node.name] = indices.map { first[$0] }
    case .subsamplePad(_, let before, let after):
      let (front, back) = (made(before), made(after))
      if before + after > 0 { touches.append(touch(.dependent, front + back, FeatureRuns(beforeGap: before, gap: first.count))) }
      values[node.name] = front + first + back
    case .opaque(let function):
      // As at the network's input, one source stands for all that it makes.
      let source = made(1)
      refuse(operands.joined() + source, because: "the opaque \(function.name.rawValue) \(node.name) keeps them", opaque: index)
      values[node.name] = Array(repeating: source[0], count: width)
    }
  }

  private mutating func made(_ count: Int) -> [Source] {
    let start = Source(parents.count)
    let sources = Array(start..<start + Source(count))
    parents += sources
    return sources
  }

  /// - Parameter opaque: index of the opaque node that is the reason.
  private mutating func refuse(_ sources: [Source], because reason: String, opaque: Int? = nil) {
    refusals.append((sources, reason, opaque))
  }

  /// The earlier source stays the root, so that groups keep the order of the nodes.
  private mutating func unite(_ one: Source, _ other: Source) {
    let (a, b) = (compressedRoot(one), compressedRoot(other))
    if a != b { parents[Int(max(a, b))] = min(a, b) }
  }

  private mutating func compressedRoot(_ source: Source) -> Source {
    var root = source
    while parents[Int(root)] != root { root = parents[Int(root)] }
    var source = source
    while parents[Int(source)] != root { (source, parents[Int(source)]) = (parents[Int(source)], root) }
    return root
  }

  private mutating func unite(_ first: [Source], _ second: [Source]) { for (a, b) in zip(first, second) { unite(a, b) } }

  private mutating func uniteAcross(_ groups: Int, _ sources: [Source]) {
    let size = sources.count / max(groups, 1)
    guard groups > 1, size > 0 else { return }
    for index in size..<sources.count { unite(sources[index % size], sources[index]) }
  }

  private mutating func uniteSharedModules(_ network: Network) {
    var firsts: [String: Network.Node] = [:]
    for node in network.nodes where !node.operation.parameters.isEmpty {
      guard let first = firsts[node.module] else {
        firsts[node.module] = node
        continue
      }
      if let one = first.inputs.first, let other = node.inputs.first { unite(values[one] ?? [], values[other] ?? []) }
      unite(values[first.name] ?? [], values[node.name] ?? [])
    }
  }
}

extension Convolution {
  /// Whether each input channel is filtered on its own: there are as many groups as inputs, and more than one.
  ///
  /// A convolution that reads a single channel is not depthwise: all its filters read that channel, and can leave one by one.
  public var isDepthwise: Bool { groups > 1 && groups == inputs }
}
