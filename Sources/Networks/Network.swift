/// A neural network as a value: operations in topological order, without weights.
///
/// Weights live beside it under ``ParameterName``s; surgery is a pure function from network to network.
///
/// ```swift
/// let network = try Architecture.parse("lenet-300-100")
/// print(try network.cost().parameters)  // 266610
/// ```
public struct Network: Hashable, Sendable {
  /// The network's own name, e.g. `vgg16-cifar`.
  public var name: String
  /// The operations in topological order: a node's inputs precede it.
  public var nodes: [Node]
  /// Names of the nodes whose values are the network's outputs; the first is the classifier.
  public var outputs: [String]
  /// The original network and the channels removed since; nil where nothing was removed.
  public internal(set) var lineage: Lineage?

  /// One operation, its operands and its parameters' prefix.
  public struct Node: Hashable, Sendable {
    /// Name of the node, unique in the network.
    public var name: String
    /// The operation that computes the node's value.
    public var operation: Operation
    /// Names of the operands, all of them earlier nodes.
    public var inputs: [String]
    /// Prefix of the node's parameter names (`features.0` in `features.0.weight`); nodes of one module share its weights.
    public var module: String
    /// Creates a node; its module is named like the node unless given.
    public init(name: String, operation: Operation, inputs: [String], module: String? = nil) {
      self.name = name
      self.operation = operation
      self.inputs = inputs
      self.module = module ?? name
    }
  }

  /// Creates a network without checking it; ``validate()`` does that.
  public init(name: String, nodes: [Node], outputs: [String]) {
    self.name = name
    self.nodes = nodes
    self.outputs = outputs
  }

  /// Returns the node with the given name, or nil. Linear in the number of nodes; ``NetworkIndex`` answers repeated questions.
  public func node(named name: String) -> Node? { nodes.first { $0.name == name } }

  /// Returns the nodes that read the given node's value, in order. Linear in the number of nodes; see ``NetworkIndex``.
  public func consumers(of name: String) -> [Node] { nodes.filter { $0.inputs.contains(name) } }

  /// Number of output channels of all convolutions, each module counted once (4,224 in VGG-16).
  public var filters: Int {
    var seen: Set<String> = []
    return nodes.reduce(0) { count, node in
      guard case .convolution(let layer) = node.operation, seen.insert(node.module).inserted else { return count }
      return Int.sum([count, layer.outputs]) ?? .max
    }
  }
}
