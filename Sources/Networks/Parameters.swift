extension Network {
  /// Returns the names and dimensions of all tensors of a model of this network, in the order of its nodes and within a module in the
  /// order weight, bias, running mean, running variance; a module that several nodes share appears once.
  ///
  /// Linear weights are [outputs, inputs], convolution weights [outputs, inputs/groups, kernel height, kernel width], all others
  /// [channels], and those of attention [heads, …].
  /// - Throws: what ``validate()`` throws.
  public func parameterShapes() throws -> [(name: ParameterName, dimensions: [Int])] {
    try validate()
    var seen: Set<String> = []
    return nodes.flatMap { node -> [(name: ParameterName, dimensions: [Int])] in
      guard seen.insert(node.module).inserted else { return [] }
      return node.operation.parameters.map { (ParameterName(node.module, $0.role), $0.dimensions) }
    }
  }

  /// The weights of linear layers and convolutions, in the order of their nodes; sparsity is a fraction of these.
  public var prunableWeights: [ParameterName] {
    var seen: Set<String> = []
    return nodes.compactMap { node in
      switch node.operation {
      case .linear, .convolution: seen.insert(node.module).inserted ? ParameterName(node.module, .weight) : nil
      default: nil
      }
    }
  }
}

extension Operation {
  /// Returns the rows, along dimension 0, that the operation's tensors lose with some of its features: these, and in attention whose features
  /// are those of queries, keys and values, the heads that leave with them.
  public func rows(losing features: Set<Int>) -> Set<Int> {
    if case .attention(let layer) = self { layer.heads(losing: features) } else { features }
  }

  /// Roles and dimensions of the operation's tensors, in PyTorch's order.
  var parameters: [(role: ParameterName.Role, dimensions: [Int])] {
    switch self {
    case .linear(let layer):
      [(.weight, [layer.outputs, layer.inputs])] + (layer.bias ? [(.bias, [layer.outputs])] : [])
    case .convolution(let layer):
      // A hostile file may say 0 groups; `problem` reports it, a division would trap first.
      [(.weight, [layer.outputs, layer.inputs / max(layer.groups, 1), layer.kernel.height, layer.kernel.width])]
        + (layer.bias ? [(.bias, [layer.outputs])] : [])
    case .batchNorm(let norm):
      (norm.affine ? [(.weight, [norm.features]), (.bias, [norm.features])] : [])
        + [(.runningMean, [norm.features]), (.runningVariance, [norm.features])]
    case .groupNorm(let norm): norm.affine ? [(.weight, [norm.features]), (.bias, [norm.features])] : []
    case .channelNorm(let norm): norm.affine ? [(.weight, [norm.features]), (.bias, [norm.features])] : []
    case .channelAffine(let layer): [(.weight, [layer.features])] + (layer.bias ? [(.bias, [layer.features])] : [])
    case .prelu(let layer): [(.weight, [layer.features])]
    case .classToken(let features): [(.weight, [features])]
    case .positionEmbedding(let layer): [(.weight, [layer.features, layer.height, layer.width])]
    case .attention(let layer):
      (layer.isCosine ? [(.weight, [layer.heads])] : []) + (layer.bias.map { [(.bias, [layer.heads, $0.height, $0.width])] } ?? [])
    case .arrange, .roll, .input, .localResponseNorm, .activation, .softmax, .maxPool, .averagePool, .adaptiveAveragePool,
      .adaptiveMaxPool, .pad, .resize,
      .dropout, .flatten, .add, .subtract, .multiply, .concat, .narrow, .indexSelect, .subsamplePad, .opaque:
      []
    }
  }
}
