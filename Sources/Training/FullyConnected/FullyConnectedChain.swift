internal import CSparse
internal import Networks

/// A chain input → flatten? → (linear → ReLU)* → linear, the networks that kernels of our own can train.
struct FullyConnectedChain {
  /// The layers in order, each with the module of its parameters and its sizes.
  let layers: [(module: String, linear: Linear)]

  /// Recognises a chain; nil for any other network, and for layers beyond the reach of 16-bit indices.
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

  /// Numbers of features, from the input's to the output's.
  var widths: [Int] { layers.prefix(1).map(\.linear.inputs) + layers.map(\.linear.outputs) }
}
