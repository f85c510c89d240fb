public import Networks

/// A network that cannot be compiled.
public enum CompilationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nodes with operations that the sparse runtime does not have: each node's name and its operation.
  case unsupported(network: String, nodes: [String])
  /// A network with several inputs.
  case inputs(network: String, count: Int)
  /// A parameter that is missing or has another size than the network says.
  case parameter(ParameterName, expected: Int, given: Int?)
  /// A network whose values or weights exceed what a plan can hold.
  case tooLarge(network: String, what: String)

  /// One line for the user.
  public var description: String {
    switch self {
    case .unsupported(let network, let nodes):
      "\(network) cannot be compiled: the sparse runtime has no \(nodes.prefix(4).joined(separator: ", "))"
        + (nodes.count > 4 ? " and \(nodes.count - 4) more" : "")
    case .inputs(let network, let count): "\(network) cannot be compiled: it has \(count) inputs; possible is 1"
    case .parameter(let name, let expected, nil): "\(name) is missing; expected are \(expected) numbers"
    case .parameter(let name, let expected, let given?): "\(name) has \(given) numbers; expected are \(expected)"
    case .tooLarge(let network, let what): "\(network) cannot be compiled: \(what)"
    }
  }
}
