/// Where channels of a network are born, and which nodes see the same ones: a union-find over sets of channels.
///
/// Every producer's output opens a space. A node's value is laid out as ``ChannelSegment``s, runs of channels of some
/// space; operations rearrange segments, and where two spaces must lose the same channels together (a sum) they unite.
struct ChannelSpaces {
  /// A set of channels that can only leave together, index by index.
  struct Space {
    /// Channels.
    var width: Int
    var producers: [ChannelGroup.Member] = []
    var dependents: [ChannelGroup.Member] = []
    var consumers: [ChannelGroup.Member] = []
    /// Why no channel of it may be removed; the first reason found.
    var refusal: String?
  }

  /// Runs in one value beyond which its channels, refused by then, are no longer followed.
  private static let segmentLimit = 4096

  private var parents: [Int] = []
  private var spaces: [Space] = []

  subscript(index: Int) -> Space { spaces[root(index)] }

  mutating func open(width: Int) -> Int {
    parents.append(spaces.count)
    spaces.append(Space(width: width))
    return spaces.count - 1
  }

  /// The space that stands for all that were united with this one.
  func root(_ index: Int) -> Int {
    var index = index
    while parents[index] != index { index = parents[index] }
    return index
  }

  /// Makes one space of two of equal width. The earlier one stays, so that members keep the order of the nodes.
  mutating func unite(_ first: Int, _ second: Int) {
    let (kept, merged) = (min(root(first), root(second)), max(root(first), root(second)))
    guard kept != merged else { return }
    parents[merged] = kept
    spaces[kept].producers += spaces[merged].producers
    spaces[kept].dependents += spaces[merged].dependents
    spaces[kept].consumers += spaces[merged].consumers
    spaces[kept].refusal = spaces[kept].refusal ?? spaces[merged].refusal
  }

  mutating func refuse(_ layout: [ChannelSegment], because reason: String) {
    for case .channels(let space, _, _) in layout where spaces[root(space)].refusal == nil { spaces[root(space)].refusal = reason }
  }

  mutating func addProducer(_ node: Network.Node, to space: Int) {
    spaces[root(space)].producers.append(.init(node: node.name, module: node.module))
  }

  mutating func addDependent(_ node: Network.Node, of layout: [ChannelSegment]) {
    for (space, member) in members(node, layout) { spaces[space].dependents.append(member) }
  }

  mutating func addConsumer(_ node: Network.Node, of layout: [ChannelSegment]) {
    for (space, member) in members(node, layout) { spaces[space].consumers.append(member) }
  }

  private func members(_ node: Network.Node, _ layout: [ChannelSegment]) -> [(space: Int, member: ChannelGroup.Member)] {
    var offset = 0
    return layout.compactMap { segment in
      defer { offset += segment.features }
      guard case .channels(let space, _, let spread) = segment else { return nil }
      return (root(space), .init(node: node.name, module: node.module, offset: offset, spread: spread))
    }
  }
}

/// A run of features in a node's value.
enum ChannelSegment: Equatable {
  /// All channels of a space, each `spread` features wide (1 in an image, height·width after flattening).
  case channels(space: Int, width: Int, spread: Int)
  /// Features that belong to no layer, such as the zero channels of a padded shortcut.
  case constant(Int)

  /// Features of the run; the layout's sum is a shape that was inferred, hence within bounds.
  var features: Int {
    switch self {
    case .channels(_, let width, let spread): width * spread
    case .constant(let count): count
    }
  }

  func flattened(positions: Int) -> Self {
    switch self {
    case .channels(let space, let width, let spread): .channels(space: space, width: width, spread: spread * positions)
    case .constant(let count): .constant(count * positions)
    }
  }
}

extension ChannelSpaces {
  /// Follows the channels through a network whose shapes are known.
  ///
  /// The cases that only refuse (sum, concatenation, padded shortcut, grouped convolution) already lay out what comes
  /// of them, so that lifting a refusal is all that later support needs.
  init(_ network: Network, shapes: [String: FeatureShape], spaceOf: inout [String: Int]) {
    var layouts: [String: [ChannelSegment]] = [:]
    for node in network.nodes {
      let operands = node.inputs.map { layouts[$0] ?? [] }
      let first = operands.first ?? []
      let width = shapes[node.name]?.channels ?? 0
      switch node.operation {
      case .input:
        layouts[node.name] = [.channels(space: open(width: width), width: width, spread: 1)]
        refuse(layouts[node.name] ?? [], because: "they are the network's input")
      case .linear, .convolution:
        addConsumer(node, of: first)
        let space = open(width: width)
        addProducer(node, to: space)
        spaceOf[node.name] = space
        layouts[node.name] = [.channels(space: space, width: width, spread: 1)]
        if case .convolution(let layer) = node.operation, layer.groups > 1 {
          refuse(first, because: "they feed the grouped convolution \(node.name)")
          refuse(layouts[node.name] ?? [], because: "it is a grouped convolution")
        }
      case .batchNorm:
        addDependent(node, of: first)
        layouts[node.name] = first
      case .activation, .dropout, .maxPool, .averagePool, .adaptiveAveragePool:
        layouts[node.name] = first
      case .flatten:
        let positions = node.inputs.first.flatMap { shapes[$0]?.positions } ?? 1
        layouts[node.name] = first.map { $0.flattened(positions: positions) }
      case .add:
        for operand in operands { refuse(operand, because: "they reach the sum \(node.name)") }
        for operand in operands.dropFirst() { unite(first, operand) }
        layouts[node.name] = first
      case .concat:
        for operand in operands { refuse(operand, because: "they reach the concatenation \(node.name)") }
        // Concatenating a value with itself again and again doubles its runs each time: a file could fill the memory.
        let segments = operands.lazy.map(\.count).reduce(0, +)
        layouts[node.name] = segments <= Self.segmentLimit ? operands.flatMap { $0 } : [.constant(width)]
      case .subsamplePad(_, let before, let after):
        refuse(first, because: "they reach the padded shortcut \(node.name)")
        layouts[node.name] = (before > 0 ? [.constant(before)] : []) + first + (after > 0 ? [.constant(after)] : [])
      }
    }
    for output in network.outputs { refuse(layouts[output] ?? [], because: "they are the network's output \(output)") }
    refuseSharedModules(network, layouts)
  }

  /// Unites run by run where both values are laid out alike; otherwise they stay apart, and refused.
  private mutating func unite(_ first: [ChannelSegment], _ second: [ChannelSegment]) {
    guard first.count == second.count else { return }
    for case (.channels(let one, let width, let spread), .channels(let other, let otherWidth, let otherSpread)) in zip(first, second)
    where width == otherWidth && spread == otherSpread { unite(one, other) }
  }

  private mutating func refuseSharedModules(_ network: Network, _ layouts: [String: [ChannelSegment]]) {
    let users = Dictionary(grouping: network.nodes.filter { !$0.operation.parameters.isEmpty }, by: \.module).filter { $0.value.count > 1 }
    for node in network.nodes {
      guard let twin = users[node.module]?.first(where: { $0.name != node.name }) else { continue }
      let reason = "\(node.name) shares its weights with \(twin.name)"
      for input in node.inputs { refuse(layouts[input] ?? [], because: reason) }
      refuse(layouts[node.name] ?? [], because: reason)
    }
  }
}
