/// Where a network's nodes stand and who reads them, found in one pass, for whoever asks of many nodes.
///
/// ``Network/node(named:)`` and ``Network/consumers(of:)`` look through all nodes each time: asked of every node they take time with
/// the square of the network's length.
public struct NetworkIndex: Sendable {
  /// The network it is about.
  public let network: Network
  private let places: [String: Int]
  private let reading: [[Int]]
  private let users: [String: [Int]]
  private let outputs: Set<String>
  private let original: [String: Operation]

  /// The index of a network.
  public init(_ network: Network) {
    self.network = network
    places = Dictionary(network.nodes.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    var reading = [[Int]](repeating: [], count: network.nodes.count)
    var users: [String: [Int]] = [:]
    for (index, node) in network.nodes.enumerated() {
      users[node.module, default: []].append(index)
      // Who reads a value twice is one reader.
      for input in node.inputs { if let place = places[input], reading[place].last != index { reading[place].append(index) } }
    }
    self.reading = reading
    self.users = users
    outputs = Set(network.outputs)
    original = Dictionary(
      (network.lineage?.nodes ?? network.nodes).map { ($0.name, $0.operation) }, uniquingKeysWith: { first, _ in first })
  }

  /// Where that node stands among the network's, if there is one.
  public func place(of name: String) -> Int? { places[name] }

  /// The node of that name, if there is one.
  public func node(named name: String) -> Network.Node? { places[name].map { network.nodes[$0] } }

  /// The places of the nodes that read the value of the node at this one, ascending.
  public func readers(of place: Int) -> [Int] { reading[place] }

  /// The nodes that read that node's value, in order.
  public func consumers(of name: String) -> [Network.Node] { places[name].map { reading[$0].map { network.nodes[$0] } } ?? [] }

  /// The nodes that use that module's weights, in order.
  public func nodes(of module: String) -> [Network.Node] { users[module, default: []].map { network.nodes[$0] } }

  /// Whether several nodes use that module's weights.
  public func isShared(_ module: String) -> Bool { users[module, default: []].count > 1 }

  /// Whether a node filters each of its channels by itself, in the network that units are counted from.
  public func isDepthwise(_ name: String) -> Bool { if case .convolution(let layer) = original[name] { layer.isDepthwise } else { false } }

  /// Whether a node is a norm of several channels together, in the network that units are counted from.
  public func normalisesTogether(_ name: String) -> Bool {
    if case .groupNorm(let norm) = original[name] { norm.groups < norm.features } else { false }
  }

  /// Whether that node's value is one of the network's outputs.
  public func isOutput(_ name: String) -> Bool { outputs.contains(name) }
}
