internal import Words

/// The cost of one node for one example.
public struct LayerCost: Codable, Hashable, Sendable {
  /// Name of the node.
  public var node: String
  /// The operation's ``Operation/kind``, e.g. `convolution`.
  public var kind: String
  /// Shape of the node's value.
  public var output: FeatureShape
  /// Learned numbers; 0 where an earlier node shares the module.
  public var parameters: Int
  /// Running statistics (numbers that are kept but not learned); 0 where an earlier node shares the module.
  public var buffers: Int
  /// Multiply–accumulate operations for one example; only convolutions, linear layers and attention count, without biases.
  public var macs: Int
}

/// The cost of a network for one example: MACs, parameters and activation memory.
public struct Cost: Codable, Hashable, Sendable {
  /// The cost of each node, in the network's order.
  public var layers: [LayerCost]
  /// Learned numbers: weights, biases, norm scales and shifts.
  public var parameters: Int
  /// Numbers that are kept but not learned: running means and variances.
  public var buffers: Int
  /// Multiply–accumulate operations of convolutions (padding included), linear layers and attention, without biases.
  public var macs: Int
  /// Bytes of all node values together in float32: roughly what training keeps for the backward pass. Flattened values share storage with
  /// their inputs and do not count.
  public var totalActivationBytes: Int
  /// Peak bytes of node values in float32 when each value is freed after its last reader.
  public var peakActivationBytes: Int
  /// Floating-point operations, 2·MACs: a multiplication and an addition each. (Li et al. call MACs "FLOPs".)
  public var flops: Int { 2 * macs }
  /// Bytes of parameters and buffers in float32.
  public var bytes: Int { 4 * (parameters + buffers) }
}

extension Network {
  /// Counts parameters, multiply–accumulates and activation memory, per node and in total.
  ///
  /// MACs of a convolution: outputs·(inputs/groups)·kernel height·kernel width·output height·output width; of a linear layer:
  /// inputs·outputs; of a transposed convolution the same over its input's height and width; of attention: queries·keys·heads·(width of keys + width of values).
  /// - Throws: what ``shapes()`` throws, and ``NetworkError/tooLarge(_:)`` where a total exceeds 64 bits.
  public func cost() throws -> Cost {
    let shapes = try shapes()
    var seen: Set<String> = []
    let layers = try nodes.map { node in
      guard let shape = shapes[node.name] else { throw NetworkError.invalid("\(node.name): has no shape") }
      let isFirst = seen.insert(node.module).inserted
      let tensors = node.operation.parameters
      func count(_ isTrained: Bool) throws -> Int {
        guard isFirst else { return 0 }
        return try within(Int.sum(tensors.filter { $0.role.isTrained == isTrained }.map { Int.product($0.dimensions) ?? .max }))
      }
      return LayerCost(
        node: node.name, kind: node.operation.kind, output: shape, parameters: try count(true), buffers: try count(false),
        macs: try within(node.operation.macs(of: node.inputs.compactMap { shapes[$0] }, output: shape)))
    }
    let memory = try activationBytes(shapes)
    return Cost(
      layers: layers, parameters: try within(Int.sum(layers.map(\.parameters))), buffers: try within(Int.sum(layers.map(\.buffers))),
      macs: try within(Int.sum(layers.map(\.macs))), totalActivationBytes: memory.total, peakActivationBytes: memory.peak)
  }

  /// Returns the count if it leaves room for the factors 2 and 4 of ``Cost/flops`` and ``Cost/bytes``; throws otherwise.
  private func within(_ count: Int?) throws -> Int {
    guard let count, count <= Int.max / 16 else {
      throw NetworkError.tooLarge("network \(name.quoted) costs more than can be counted in 64 bits")
    }
    return count
  }

  private func activationBytes(_ shapes: [String: FeatureShape]) throws -> (total: Int, peak: Int) {
    // Flattening only views its input differently, so both share one storage.
    var storage: [String: String] = [:]
    var lastUse: [String: Int] = [:]
    for (index, node) in nodes.enumerated() {
      if case .flatten = node.operation, let input = node.inputs.first { storage[node.name] = storage[input] ?? input }
      for name in node.inputs + [node.name] { lastUse[storage[name] ?? name] = index }
    }
    for output in outputs { lastUse[storage[output] ?? output] = nodes.count }
    var freedAfter = [[Int]](repeating: [], count: nodes.count + 1)
    var (total, alive, peak) = (0, 0, 0)
    for (index, node) in nodes.enumerated() {
      if storage[node.name] == nil, let bytes = Int.product([4, shapes[node.name]?.elements ?? 0]) {
        total = try within(Int.sum([total, bytes]))
        alive += bytes
        freedAfter[lastUse[node.name] ?? index].append(bytes)
      }
      peak = max(peak, alive)
      for bytes in freedAfter[index] { alive -= bytes }
    }
    return (total, peak)
  }
}

extension Operation {
  /// Multiply–accumulates for one example; nil where they exceed 64 bits.
  func macs(of operands: [FeatureShape], output: FeatureShape) -> Int? {
    switch self {
    case .linear(let layer): Int.product([layer.inputs, layer.outputs])
    case .convolution(let layer) where layer.isTransposed:
      Int.product([
        operands.first?.positions ?? 0, layer.outputs, layer.inputs / max(layer.groups, 1), layer.kernel.height, layer.kernel.width,
      ])
    case .convolution(let layer):
      Int.product([output.elements, layer.inputs / max(layer.groups, 1), layer.kernel.height, layer.kernel.width])
    case .attention(let layer):
      Int.product([
        output.positions, layer.window.map { $0.size.height * $0.size.width } ?? operands.dropFirst().first?.positions ?? 0, layer.heads,
        layer.keyWidth + layer.valueWidth,
      ])
    case .classToken, .positionEmbedding, .arrange, .roll, .input, .batchNorm, .groupNorm, .channelNorm, .channelAffine, .localResponseNorm,
      .activation, .prelu, .softmax, .maxPool,
      .averagePool, .adaptiveAveragePool, .adaptiveMaxPool, .pad, .resize, .dropout, .flatten, .add, .subtract, .multiply, .concat, .narrow,
      .indexSelect, .subsamplePad, .opaque:
      0
    }
  }
}
