import Networks

/// Any operations in any order on the images of digits: valid networks, also such as nobody would build. Norms and pools stand straight on the
/// input, groups have one channel, sums and joins take one value twice, values are read by many or by nobody, weights are shared.
struct WildGraph {
  private var random: Seeded
  private var nodes = [Network.Node(name: "input", operation: .input(.image(channels: 1, height: 8, width: 8)), inputs: [])]
  private var shapes: [String: FeatureShape] = ["input": .image(channels: 1, height: 8, width: 8)]
  private static let largestValue = 1500

  static func network(seed: UInt64) throws -> Network {
    var graph = WildGraph(random: Seeded(seed))
    return try graph.network("wild\(seed)")
  }

  private init(random: Seeded) { self.random = random }

  private mutating func network(_ name: String) throws -> Network {
    for _ in 0..<(3 + random.below(11)) { grow() }
    var last = nodes[nodes.count - 1].name
    if random.chance(0.3), case .image = shape(last) {
      last = append(.adaptiveAveragePool(height: 1, width: 1 + random.below(2)), [last]) ?? last
    }
    if case .image = shape(last) { last = append(.flatten, [last]) ?? last }
    if random.chance(0.4) {
      last = append(.linear(Linear(shape(last).channels, 2 + random.below(6), bias: random.chance(0.7))), [last]) ?? last
      last = append(.activation(.relu), [last]) ?? last
    }
    last = append(.linear(Linear(shape(last).channels, 10, bias: random.chance(0.8))), [last]) ?? last
    let also = random.chance(0.1) ? [nodes[random.below(nodes.count)].name].filter { $0 != last } : []
    return Network(name: name, nodes: nodes, outputs: [last] + also)
  }

  private func shape(_ name: String) -> FeatureShape { shapes[name] ?? .vector(1) }

  private mutating func grow() {
    let entry = random.chance(0.7) ? nodes[nodes.count - 1].name : nodes[random.below(nodes.count)].name
    let shape = shape(entry)
    switch random.below(15) {
    case 14:
      let pairs: [OpaqueFunction.Name] = [.add, .subtract, .multiply, .maximum, .minimum]
      let like = nodes.map(\.name).filter { self.shape($0) == shape || self.shape($0) == shape.withOneChannel }
      append(.opaque(OpaqueFunction(pairs[random.below(pairs.count)])), [entry, like[random.below(like.count)]])
    case 12:
      let like = nodes.map(\.name).filter { self.shape($0) == shape }
      append(.subtract, [entry, like[random.below(like.count)]])
    case 13:
      // The first may be its own gate.
      let like = nodes.map(\.name).filter { self.shape($0) == shape || self.shape($0).channels == shape.channels }
      append(.multiply, [entry, like[random.below(like.count)]])
    case 0, 1:
      let like = nodes.map(\.name).filter { self.shape($0) == shape }
      append(.add, [entry] + (0...random.below(2)).map { _ in like[random.below(like.count)] })
    case 2, 3:
      let like = nodes.map(\.name).filter { self.shape($0).size == shape.size }
      append(.concat, [entry] + (0...random.below(2)).map { _ in like[random.below(like.count)] })
    case 4:
      // The same weights once more.
      let layers = nodes.filter { !["input", "add", "subtract", "multiply", "concat", "opaque"].contains($0.operation.kind) }
      if !layers.isEmpty { let layer = layers[random.below(layers.count)]; append(layer.operation, [entry], module: layer.module) }
    default: if let operation = operation(on: shape) { append(operation, [entry]) }
    }
  }

  /// Appends the node if it makes a sound network, and no large one.
  @discardableResult
  private mutating func append(_ operation: Operation, _ inputs: [String], module: String? = nil) -> String? {
    let node = Network.Node(name: "n\(nodes.count)", operation: operation, inputs: inputs, module: module)
    guard let found = try? Network(name: "", nodes: nodes + [node], outputs: [node.name]).shapes()[node.name],
      found.elements <= Self.largestValue
    else { return nil }
    nodes.append(node)
    shapes[node.name] = found
    return node.name
  }

  private mutating func operation(on shape: FeatureShape) -> Operation? {
    let channels = shape.channels
    let isImage = if case .image = shape { true } else { false }
    if random.chance(0.2) { return newer(channels, isImage) }
    if random.chance(0.08) {
      let functions: [OpaqueFunction] = [
        OpaqueFunction(.abs), OpaqueFunction(.cos), OpaqueFunction(.atan), OpaqueFunction(.softsign), OpaqueFunction(.clip, -1, 2),
        OpaqueFunction(.logSoftmax), OpaqueFunction(.cumulativeSum, 1, 0), OpaqueFunction(.channelMean), OpaqueFunction(.channelMin),
        OpaqueFunction(.channelLogSumExp),
      ]
      return .opaque(functions[random.below(functions.count)])
    }
    switch random.below(isImage ? 14 : 8) {
    case 0: return .batchNorm(BatchNorm(channels, affine: random.chance(0.8)))
    case 1: return .groupNorm(GroupNorm(groups: divisor(of: channels), channels, affine: random.chance(0.7)))
    case 2, 3: return .activation(Activation.allCases[random.below(Activation.allCases.count)])
    case 4 where random.chance(0.4):
      let chosen = (0..<channels).filter { _ in random.chance(0.6) }
      return .indexSelect(chosen.isEmpty ? [channels - 1] : chosen)
    case 4:
      let count = 1 + random.below(channels)
      return .narrow(start: random.below(channels - count + 1), count: count)
    case 5: return .dropout(0.25)
    case 6...7 where !isImage: return .linear(Linear(channels, 1 + random.below(9), bias: random.chance(0.7)))
    case 6: return .maxPool(pooling())
    case 7: return .averagePool(pooling())
    case 8: return random.chance(0.5) ? .adaptiveAveragePool(height: 1 + random.below(3), width: 1 + random.below(3)) : .flatten
    case 9: return .subsamplePad(stride: 1 + random.below(2), before: random.below(3), after: random.below(3))
    default:
      let groups = random.chance(0.5) ? 1 : divisor(of: channels)
      return .convolution(
        Convolution(
          channels, groups * (1 + random.below(groups > 3 ? 2 : 4)), kernel: extent(3), stride: random.chance(0.8) ? Extent(1) : extent(2),
          padding: Extent(random.below(3), random.below(3)), dilation: random.chance(0.8) ? Extent(1) : extent(2), groups: groups,
          bias: random.chance(0.6)))
    }
  }

  private mutating func newer(_ channels: Int, _ isImage: Bool) -> Operation? {
    switch random.below(isImage ? 12 : 5) {
    case 0: return .channelNorm(ChannelNorm(channels, affine: random.chance(0.7)))
    case 1: return .channelAffine(ChannelAffine(channels, bias: random.chance(0.5)))
    case 2: return .prelu(PReLU(random.chance(0.6) ? channels : 1))
    case 3: return random.chance(0.3) ? .softmax : .indexSelect((0..<channels).reversed())
    case 4:
      // Some, or all, in any order.
      var left = Array(0..<channels)
      return .indexSelect((0...random.below(channels)).map { _ in left.remove(at: random.below(left.count)) })
    case 9: return .pad(top: random.below(3) - 1, bottom: random.below(2), left: -random.below(2), right: random.below(2) - 1)
    case 10: return random.chance(0.5) ? .arrange(height: 1, width: 64) : .arrange(height: 4, width: 16)
    case 11:
      let groups = random.chance(0.5) ? 1 : divisor(of: channels)
      return .convolution(
        Convolution(
          channels, groups * (1 + random.below(2)), kernel: extent(3), stride: extent(2), padding: Extent(random.below(2)), groups: groups,
          outputPadding: Extent(0)))
    case 5: return .pad(top: random.below(3), bottom: random.below(2), left: random.below(2), right: random.below(3))
    case 6:
      return .resize(height: 1 + random.below(6), width: 1 + random.below(6), Interpolation.allCases[random.below(3)])
    case 7: return .adaptiveMaxPool(height: 1 + random.below(3), width: 1 + random.below(3))
    default:
      return random.chance(0.3)
        ? .localResponseNorm(LocalResponseNorm(1 + random.below(4), alpha: 1))
        : .averagePool(
          Pooling(kernel: Extent(3), stride: Extent(2), padding: Extent(1), countsPadding: false))
    }
  }

  private mutating func extent(_ most: Int) -> Extent { Extent(1 + random.below(most), 1 + random.below(most)) }

  private mutating func pooling() -> Pooling {
    let kernel = extent(3)
    return Pooling(
      kernel: kernel, stride: extent(3), padding: Extent(random.below(kernel.height / 2 + 1), random.below(kernel.width / 2 + 1)),
      ceilMode: random.chance(0.3))
  }

  private mutating func divisor(of number: Int) -> Int {
    let divisors = (1...number).filter { number.isMultiple(of: $0) }
    return divisors[random.below(divisors.count)]
  }
}

extension FeatureShape {
  fileprivate var withOneChannel: FeatureShape {
    if case .image(_, let height, let width) = self { .image(channels: 1, height: height, width: width) } else { .vector(1) }
  }

  /// Rows and columns; nil for a vector.
  fileprivate var size: [Int]? { if case .image(_, let height, let width) = self { [height, width] } else { nil } }
}
