extension Network {
  /// Returns the network with `factor` times as many channels in every hidden layer; inputs, outputs, kernels and the graph stay the
  /// same.
  ///
  /// Every linear layer and convolution gets `factor` times as many units, except the layers whose units appear in the network's outputs
  /// (with only norms, activations, pooling, sums and the like in between). Whatever reads the additional channels is widened to match:
  /// inputs, norms, depthwise groups, splits, padded shortcuts. Hidden weights grow with factor², so accuracy against width is accuracy
  /// against size.
  /// - Throws: ``NetworkError/invalid(_:)`` for a factor below 1, ``NetworkError/shape(node:problem:)`` where hidden channels meet
  ///   channels of the input (in a sum of both), ``NetworkError/tooLarge(_:)``.
  public func widened(by factor: Int, name: String? = nil) throws -> Network {
    guard factor >= 1 else { throw NetworkError.invalid("a width of \(factor) times \(self.name) is impossible: give at least 1") }
    let shapes = try self.shapes()
    let shown = shownProducers
    // Node by node: the factor by which its channels were multiplied.
    var factors: [String: Int] = [:]
    var nodes = self.nodes
    for (index, node) in nodes.enumerated() {
      let operands = node.inputs.map { factors[$0] ?? 1 }
      let read = operands.first ?? 1
      guard operands.allSatisfy({ $0 == read }) || node.operation == .concat || node.operation.type == .opaque else {
        throw NetworkError.shape(node: node.name, problem: "a wider network cannot add what stays as wide as it is to what does not")
      }
      let own = shown.contains(node.name) ? 1 : factor
      func times(_ count: Int, _ factor: Int) throws -> Int {
        guard let product = Int.product([count, factor]), product <= Limits.size else {
          throw NetworkError.tooLarge("\(node.name): \(factor) times \(count) channels are more than any machine can hold")
        }
        return product
      }
      factors[node.name] = read
      switch node.operation {
      case .input: factors[node.name] = 1
      case .linear(var layer):
        layer.inputs = try times(layer.inputs, read)
        layer.outputs = try times(layer.outputs, own)
        nodes[index].operation = .linear(layer)
        factors[node.name] = own
      case .convolution(var layer):
        // A depthwise convolution has as many groups as channels.
        if layer.groups > 1, layer.groups == layer.inputs { layer.groups = try times(layer.groups, read) }
        layer.inputs = try times(layer.inputs, read)
        layer.outputs = try times(layer.outputs, own)
        nodes[index].operation = .convolution(layer)
        factors[node.name] = own
      case .batchNorm(var norm):
        norm.features = try times(norm.features, read)
        nodes[index].operation = .batchNorm(norm)
      case .groupNorm(var norm):
        norm.features = try times(norm.features, read)
        norm.absent = try times(norm.absent, read)
        nodes[index].operation = .groupNorm(norm)
      case .channelNorm(var layer):
        layer.features = try times(layer.features, read)
        layer.absent = try times(layer.absent, read)
        nodes[index].operation = .channelNorm(layer)
      case .channelAffine(var layer):
        layer.features = try times(layer.features, read)
        nodes[index].operation = .channelAffine(layer)
      case .prelu(var layer):
        // One slope for all channels stays one.
        if layer.features > 1 { layer.features = try times(layer.features, read) }
        nodes[index].operation = .prelu(layer)
      case .attention(var layer):
        // More heads of the same width.
        layer.heads = try times(layer.heads, read)
        nodes[index].operation = .attention(layer)
      case .classToken(let features): nodes[index].operation = .classToken(features: try times(features, read))
      case .positionEmbedding(var layer):
        layer.features = try times(layer.features, read)
        nodes[index].operation = .positionEmbedding(layer)
      case .narrow(let start, let count):
        nodes[index].operation = .narrow(start: try times(start, read), count: try times(count, read))
      case .indexSelect:
        guard read == 1 else {
          throw NetworkError.shape(node: node.name, problem: "which of a wider network's channels to read is not known")
        }
      case .subsamplePad(let stride, let before, let after):
        nodes[index].operation = .subsamplePad(stride: stride, before: try times(before, read), after: try times(after, read))
      case .concat:
        let channels = zip(node.inputs, operands).map { (shapes[$0]?.channels ?? 0) * $1 }
        let (now, was) = (channels.reduce(0, +), shapes[node.name]?.channels ?? 1)
        guard now % max(was, 1) == 0, Set(operands).count == 1 else {
          throw NetworkError.shape(node: node.name, problem: "a wider network cannot join what stays as wide as it is and what does not")
        }
      case .opaque(let function):
        // One channel stays one, also where it meets many.
        let isWide = function.name.form != .reduction
        factors[node.name] = isWide ? zip(node.inputs, operands).map { shapes[$0]?.channels == 1 ? 1 : $1 }.max() ?? 1 : 1
      case .localResponseNorm, .activation, .softmax, .maxPool, .averagePool, .adaptiveAveragePool, .adaptiveMaxPool, .pad, .resize,
        .arrange, .roll, .dropout,
        .flatten, .add, .subtract, .multiply:
        break
      }
    }
    let wider = Network(name: name ?? self.name, nodes: nodes, outputs: outputs)
    try wider.validate()
    _ = try wider.shapes()
    return wider
  }

  /// Layers with weights that reach a network output through no other such layer, and those that share their weights.
  private var shownProducers: Set<String> {
    var shown: Set<String> = []
    var open = Set(outputs)
    for node in nodes.reversed() where open.contains(node.name) {
      switch node.operation {
      case .linear, .convolution: shown.insert(node.name)
      default: open.formUnion(node.inputs)
      }
    }
    let modules = Set(nodes.filter { shown.contains($0.name) }.map(\.module))
    return Set(nodes.filter { modules.contains($0.module) }.map(\.name))
  }
}
