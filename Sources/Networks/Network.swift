/// A neural network as a value: operations in topological order, no weights.
///
/// Weights live beside it under ``ParameterName``s; surgery is a pure function from network to network.
///
/// ```swift
/// let network = try Architecture.parse("lenet-300-100")
/// print(try network.cost().parameters)  // 266610
/// ```
public struct Network: Hashable, Sendable {
  /// What the network calls itself, e.g. `vgg16-cifar`.
  public var name: String
  /// Every node's inputs stand before it.
  public var nodes: [Node]
  /// Names of the nodes whose values are the network's outputs; the first one is the classifier.
  public var outputs: [String]
  /// Where it came from; nil where nothing was removed from it.
  public internal(set) var lineage: Lineage?

  /// One operation, its operands and its parameters' prefix.
  public struct Node: Hashable, Sendable {
    /// Unique in the network.
    public var name: String
    /// What is computed.
    public var operation: Operation
    /// Names of earlier nodes.
    public var inputs: [String]
    /// The prefix of the parameters' names (`features.0` in `features.0.weight`); nodes with one module share its weights.
    public var module: String
    /// A node; its module is its name unless given.
    public init(name: String, operation: Operation, inputs: [String], module: String? = nil) {
      self.name = name
      self.operation = operation
      self.inputs = inputs
      self.module = module ?? name
    }
  }

  /// A network as given; ``validate()`` says whether it is one.
  public init(name: String, nodes: [Node], outputs: [String]) {
    self.name = name
    self.nodes = nodes
    self.outputs = outputs
  }

  /// The node of that name, if there is one.
  public func node(named name: String) -> Node? { nodes.first { $0.name == name } }

  /// The nodes that read that node's value, in order.
  public func consumers(of name: String) -> [Node] { nodes.filter { $0.inputs.contains(name) } }

  /// Output channels of all convolutions together, each module once (4,224 in VGG-16).
  public var filters: Int {
    var seen: Set<String> = []
    return nodes.reduce(0) { count, node in
      guard case .convolution(let layer) = node.operation, seen.insert(node.module).inserted else { return count }
      return Int.sum([count, layer.outputs]) ?? .max
    }
  }
}
