internal import CSparse
internal import Networks

/// A network that is a chain input → flatten? → (linear → ReLU)* → linear: what the sparse kernels can train.
struct FullyConnectedChain {
  /// The layers in order: name of the parameters' module and sizes.
  let layers: [(module: String, linear: Linear)]

  /// nil for any other network, and for layers that 16-bit indices cannot reach.
  init?(_ network: Network) {
    var layers: [(module: String, linear: Linear)] = []
    var before: Network.Node?
    for node in network.nodes {
      guard node.inputs == (before.map { [$0.name] } ?? []) else { return nil }
      switch (before?.operation, node.operation) {
      case (nil, .input), (.input, .flatten): break
      case (.input, .linear(let linear)), (.flatten, .linear(let linear)), (.activation(.relu), .linear(let linear)):
        guard (1...CS_MAXIMUM_FEATURES).contains(linear.inputs),
          (1...CS_MAXIMUM_FEATURES).contains(linear.outputs),
          linear.inputs.multipliedReportingOverflow(by: linear.outputs).partialValue <= Int(UInt32.max)
        else { return nil }
        layers.append((node.module, linear))
      case (.linear, .activation(.relu)): break
      default: return nil
      }
      before = node
    }
    guard case .linear? = before?.operation, network.outputs == [before?.name], Set(layers.map(\.module)).count == layers.count else {
      return nil
    }
    self.layers = layers
  }

  /// The numbers of features, from the input's to the output's.
  var widths: [Int] { layers.prefix(1).map(\.linear.inputs) + layers.map(\.linear.outputs) }
}
