/// An index of a network's nodes and their readers, built in one pass, for code that asks about many nodes.
///
/// ``Network/node(named:)`` and ``Network/consumers(of:)`` search all nodes on every call: asking about every node that way takes time
/// quadratic in the network's length.
public struct NetworkIndex: Sendable {
  /// The indexed network.
  public let network: Network
  private let places: [String: Int]
  private let reading: [[Int]]
  private let users: [String: [Int]]
  private let outputs: Set<String>
  private let original: [String: Operation]

  /// Indexes a network, in time linear in its nodes and their operands.
  public init(_ network: Network) {
    self.network = network
    places = Dictionary(network.nodes.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    var reading = [[Int]](repeating: [], count: network.nodes.count)
    var users: [String: [Int]] = [:]
    for (index, node) in network.nodes.enumerated() {
      users[node.module, default: []].append(index)
      // A node that reads a value twice is one reader.
      for input in node.inputs { if let place = places[input], reading[place].last != index { reading[place].append(index) } }
    }
    self.reading = reading
    self.users = users
    outputs = Set(network.outputs)
    original = Dictionary(
      (network.lineage?.nodes ?? network.nodes).map { ($0.name, $0.operation) }, uniquingKeysWith: { first, _ in first })
  }

  /// Returns the index of the given node in `network.nodes`, or nil.
  public func place(of name: String) -> Int? { places[name] }

  /// Returns the node with the given name, or nil.
  public func node(named name: String) -> Network.Node? { places[name].map { network.nodes[$0] } }

  /// Returns the indices in `network.nodes` of the nodes that read the value of node `place`, ascending.
  public func readers(of place: Int) -> [Int] { reading[place] }

  /// Returns the nodes that read the given node's value, in order.
  public func consumers(of name: String) -> [Network.Node] { places[name].map { reading[$0].map { network.nodes[$0] } } ?? [] }

  /// Returns the nodes that use the given module's weights, in order.
  public func nodes(of module: String) -> [Network.Node] { users[module, default: []].map { network.nodes[$0] } }

  /// Whether several nodes use the given module's weights.
  public func isShared(_ module: String) -> Bool { users[module, default: []].count > 1 }

  /// Whether the node is a depthwise convolution in the original network, from which units are counted.
  public func isDepthwise(_ name: String) -> Bool { if case .convolution(let layer) = original[name] { layer.isDepthwise } else { false } }

  /// Whether the node is a norm over several channels together in the original network, from which units are counted.
  public func normalisesTogether(_ name: String) -> Bool {
    switch original[name] {
    case .groupNorm(let norm): norm.groups < norm.features
    case .channelNorm(let norm): norm.features > 1
    default: false
    }
  }

  /// Whether the node's value is one of the network's outputs.
  public func isOutput(_ name: String) -> Bool { outputs.contains(name) }
}
