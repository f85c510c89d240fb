extension Network {
  /// Infers the shape of every node's value, keyed by node name.
  ///
  /// - Throws: what ``validate()`` throws, and ``NetworkError/shape(node:problem:)`` naming the first node that cannot take its inputs:
  ///   `conv3: expects 64 channels, gets 50 from pool1 (50×8×8)`.
  public func shapes() throws -> [String: FeatureShape] {
    try validate()
    var shapes: [String: FeatureShape] = [:]
    shapes.reserveCapacity(nodes.count)
    for node in nodes {
      let operands = node.inputs.compactMap { name in shapes[name].map { (name: name, shape: $0) } }
      shapes[node.name] = try node.outputShape(of: operands)
    }
    return shapes
  }

  /// Shape of one example; of the first input if the network has several.
  public var inputShape: FeatureShape {
    get throws {
      guard let first = inputShapes.first else { throw NetworkError.invalid("a network needs at least one input node") }
      return first
    }
  }

  /// Shapes of one example's parts: one for each input node, in order.
  public var inputShapes: [FeatureShape] {
    nodes.compactMap { if case .input(let shape) = $0.operation { shape } else { nil } }
  }

  /// Shape of the first output, the classifier's.
  public var outputShape: FeatureShape {
    get throws {
      let shapes = try shapes()
      guard let output = outputs.first, let shape = shapes[output] else {
        throw NetworkError.invalid("a network needs at least one output")
      }
      return shape
    }
  }

  /// Number of classes of the classifier: the elements of the first output.
  public var classes: Int { get throws { try outputShape.elements } }
}

extension Network.Node {
  /// Returns the shape of the node's value, for building a network node by node.
  ///
  /// - Parameter operands: names and shapes of its inputs' values, in order.
  /// - Throws: ``NetworkError`` for sizes that no layer can have, and for operands that it cannot take.
  public func shape(of operands: [(name: String, shape: FeatureShape)]) throws -> FeatureShape {
    if let problem = operation.problem { throw NetworkError.invalid("\(name): \(problem)") }
    guard operation.arity.contains(operands.count) else {
      throw NetworkError.invalid("\(name): \(operation.kind) takes \(operation.arityInWords), gets \(operands.count)")
    }
    return try outputShape(of: operands)
  }

  typealias Operand = (name: String, shape: FeatureShape)

  /// Returns the shape of the node's value for the given operands.
  func outputShape(of operands: [Operand]) throws -> FeatureShape {
    if case .input(let shape) = operation { return shape }
    guard let first = operands.first else { throw NetworkError.shape(node: name, problem: "has no input") }
    let shape: FeatureShape
    switch operation {
    case .input(let given): shape = given
    case .linear(let layer): shape = try linear(layer, first)
    case .convolution(let layer): shape = try convolved(layer, first)
    case .batchNorm(let norm): shape = try normalized(norm.features, first)
    case .groupNorm(let norm): shape = try normalized(norm.features, first)
    case .channelNorm(let norm): shape = try normalized(norm.features, first)
    case .channelAffine(let layer): shape = try normalized(layer.features, first)
    case .prelu(let layer): shape = layer.features == 1 ? first.shape : try normalized(layer.features, first)
    case .localResponseNorm(let norm):
      _ = try image(first)
      // Such a norm lays out all neighbours of a channel, however many of them are there.
      guard norm.size <= 2 * first.shape.channels else {
        throw NetworkError.shape(
          node: name, problem: "takes \(norm.size) neighbouring channels, gets \(first.shape.channels) from \(first.name) (\(first.shape))")
      }
      shape = first.shape
    case .activation, .softmax, .dropout: shape = first.shape
    case .maxPool(let pooling), .averagePool(let pooling): shape = try pooled(pooling, first)
    case .adaptiveAveragePool(let height, let width), .adaptiveMaxPool(let height, let width), .resize(let height, let width, _):
      _ = try image(first)
      shape = .image(channels: first.shape.channels, height: height, width: width)
    case .pad(let top, let bottom, let left, let right):
      let image = try image(first)
      shape = .image(channels: first.shape.channels, height: image.height + top + bottom, width: image.width + left + right)
      guard image.height + top + bottom > 0, image.width + left + right > 0 else {
        throw NetworkError.shape(node: name, problem: "cuts off all of \(first.name) (\(first.shape))")
      }
    case .attention(let layer): shape = try attended(layer, operands, first)
    case .classToken(let features):
      let image = try image(first)
      try expect(features, "channels", first)
      guard image.height == 1 else {
        throw NetworkError.shape(
          node: name, problem: "expects a sequence (channels×1×length), gets \(first.shape) from \(first.name); arrange it")
      }
      shape = .image(channels: features, height: 1, width: image.width + 1)
    case .positionEmbedding(let layer):
      let image = try image(first)
      try expect(layer.features, "channels", first)
      guard image == (layer.height, layer.width) else {
        throw NetworkError.shape(
          node: name,
          problem: "has numbers for \(Extent(layer.height, layer.width)) positions, gets \(first.shape) from \(first.name)")
      }
      shape = first.shape
    case .arrange(let height, let width):
      let image = try image(first)
      // Sizes are within 31 bits.
      guard image.height * image.width == height * width else {
        throw NetworkError.shape(
          node: name, problem: "arranges positions as \(Extent(height, width)), gets \(first.shape) from \(first.name)")
      }
      shape = .image(channels: first.shape.channels, height: height, width: width)
    case .roll:
      _ = try image(first)
      shape = first.shape
    case .flatten: shape = .vector(first.shape.elements)
    case .add, .subtract: shape = try sum(operands, first)
    case .multiply: shape = try product(operands, first)
    case .concat: shape = try concatenation(operands, first)
    case .narrow(let start, let count):
      // Both are within 31 bits.
      guard start + count <= first.shape.channels else {
        throw NetworkError.shape(
          node: name,
          problem: "takes channels \(start) to \(start + count - 1), gets \(first.shape.channels) from \(first.name) (\(first.shape))")
      }
      shape = first.shape.with(channels: count)
    case .indexSelect(let indices):
      guard let last = indices.max(), last < first.shape.channels else {
        throw NetworkError.shape(
          node: name,
          problem: "takes channel \(indices.max() ?? 0), gets \(first.shape.channels) from \(first.name) (\(first.shape))")
      }
      shape = first.shape.with(channels: indices.count)
    case .subsamplePad(1, let before, let after) where first.shape.dimensions.count == 1:
      shape = .vector(first.shape.channels + before + after)
    case .subsamplePad(let stride, let before, let after):
      let image = try image(first)
      shape = .image(
        channels: first.shape.channels + before + after, height: (image.height - 1) / stride + 1, width: (image.width - 1) / stride + 1)
    case .opaque(let function):
      guard let found = function.shape(of: operands.map(\.shape)) else {
        let words = operands.map { "\($0.shape) from \($0.name)" }.joined(separator: " and ")
        throw NetworkError.shape(node: name, problem: "expects inputs whose sizes are equal or 1, gets \(words)")
      }
      shape = found
    }
    guard shape.isReasonable else { throw NetworkError.tooLarge("\(name): its value \(shape) is larger than any machine can hold") }
    return shape
  }

  private func expect(_ count: Int, _ what: String, _ operand: Operand) throws {
    guard operand.shape.channels == count else {
      throw NetworkError.shape(
        node: name, problem: "expects \(count) \(what), gets \(operand.shape.channels) from \(operand.name) (\(operand.shape))")
    }
  }

  private func normalized(_ features: Int, _ operand: Operand) throws -> FeatureShape {
    try expect(features, operand.shape.dimensions.count == 1 ? "features" : "channels", operand)
    return operand.shape
  }

  private func image(_ operand: Operand) throws -> (height: Int, width: Int) {
    guard case .image(_, let height, let width) = operand.shape else {
      throw NetworkError.shape(
        node: name, problem: "expects an image (channels×height×width), gets a vector from \(operand.name) (\(operand.shape))")
    }
    return (height, width)
  }

  private func linear(_ layer: Linear, _ operand: Operand) throws -> FeatureShape {
    guard case .vector = operand.shape else {
      throw NetworkError.shape(
        node: name,
        problem: "expects a vector of \(layer.inputs) features, gets an image from \(operand.name) (\(operand.shape)); flatten it")
    }
    try expect(layer.inputs, "features", operand)
    return .vector(layer.outputs)
  }

  /// The image that windows over the operand make, by the same rule along its height and along its width.
  private func windowed(
    _ channels: Int, _ operand: Operand, _ along: (_ size: Int, _ axis: KeyPath<Extent, Int>) throws -> Int
  ) throws -> FeatureShape {
    let image = try image(operand)
    return .image(channels: channels, height: try along(image.height, \.height), width: try along(image.width, \.width))
  }

  private func convolved(_ layer: Convolution, _ operand: Operand) throws -> FeatureShape {
    _ = try image(operand)
    try expect(layer.inputs, "channels", operand)
    return try windowed(layer.outputs, operand) { size, axis in
      let (stride, padding) = (layer.stride[keyPath: axis], layer.padding[keyPath: axis])
      let reach = layer.dilation[keyPath: axis] * (layer.kernel[keyPath: axis] - 1)
      guard let more = layer.outputPadding?[keyPath: axis] else {
        // Number of windows: ⌊(size + 2·padding − dilation·(kernel − 1) − 1)/stride⌋ + 1.
        let room = size + 2 * padding - reach - 1
        guard room >= 0 else { throw misfit(layer.kernel, operand) }
        return room / stride + 1
      }
      // Transposed: (size − 1)·stride − 2·padding + dilation·(kernel − 1) + more + 1.
      let spread = (size - 1) * stride - 2 * padding + reach + more + 1
      guard spread > 0 else {
        throw NetworkError.shape(node: name, problem: "cuts off all that it makes of \(operand.name) (\(operand.shape))")
      }
      return spread
    }
  }

  private func misfit(_ window: Extent, _ operand: Operand) -> NetworkError {
    .shape(node: name, problem: "its \(window) window does not fit into \(operand.name) (\(operand.shape))")
  }

  private func pooled(_ pooling: Pooling, _ operand: Operand) throws -> FeatureShape {
    try windowed(operand.shape.channels, operand) { size, axis in
      let (stride, padding) = (pooling.stride[keyPath: axis], pooling.padding[keyPath: axis])
      let room = size + 2 * padding - pooling.kernel[keyPath: axis]
      guard room >= 0 else { throw misfit(pooling.kernel, operand) }
      guard pooling.ceilMode else { return room / stride + 1 }
      let count = (room + stride - 1) / stride + 1
      // PyTorch drops a last window that would begin in the padding behind the image.
      return (count - 1) * stride >= size + padding ? count - 1 : count
    }
  }

  private func sum(_ operands: [Operand], _ first: Operand) throws -> FeatureShape {
    for operand in operands where operand.shape != first.shape {
      throw NetworkError.shape(
        node: name,
        problem: "expects inputs of one shape, gets \(first.shape) from \(first.name) and \(operand.shape) from \(operand.name)")
    }
    return first.shape
  }

  private func product(_ operands: [Operand], _ first: Operand) throws -> FeatureShape {
    for factor in operands where factor.shape != first.shape {
      guard case .image(let channels, _, _) = first.shape, factor.shape.channels == channels, factor.shape.positions == 1 else {
        throw NetworkError.shape(
          node: name,
          problem: "expects a second factor of the first's shape or with one number for each of its channels, gets \(first.shape) from "
            + "\(first.name) and \(factor.shape) from \(factor.name)")
      }
    }
    return first.shape
  }

  private func attended(_ layer: Attention, _ operands: [Operand], _ first: Operand) throws -> FeatureShape {
    guard operands.count == 3 else { throw NetworkError.shape(node: name, problem: "expects queries, keys and values") }
    for (operand, width) in zip(operands, [layer.keyWidth, layer.keyWidth, layer.valueWidth]) {
      try expect(Int.product([layer.heads, width]) ?? .max, "channels", operand)
      _ = try image(operand)
    }
    guard operands[1].shape.positions == operands[2].shape.positions else {
      throw NetworkError.shape(
        node: name,
        problem: "expects a value for each key, gets \(operands[1].shape) from \(operands[1].name) and \(operands[2].shape) from "
          + operands[2].name)
    }
    var pairs = Extent(first.shape.positions, operands[1].shape.positions)
    if let window = layer.window {
      for operand in operands {
        let image = try image(operand)
        guard image == (try self.image(first)), image.height.isMultiple(of: window.size.height),
          image.width.isMultiple(of: window.size.width)
        else {
          throw NetworkError.shape(
            node: name, problem: "divides an image into windows of \(window.size), gets \(operand.shape) from \(operand.name)")
        }
      }
      pairs = Extent(window.size.height * window.size.width)
    }
    if let bias = layer.bias, bias != pairs {
      throw NetworkError.shape(node: name, problem: "has a bias for \(bias) queries and keys, and gets \(pairs)")
    }
    return first.shape.with(channels: layer.values)
  }

  private func concatenation(_ operands: [Operand], _ first: Operand) throws -> FeatureShape {
    for operand in operands where operand.shape.dimensions.dropFirst() != first.shape.dimensions.dropFirst() {
      throw NetworkError.shape(
        node: name,
        problem: "expects inputs of one height and width, gets \(first.shape) from \(first.name) and \(operand.shape) from \(operand.name)")
    }
    let channels = Int.sum(operands.map(\.shape.channels)) ?? .max
    return first.shape.with(channels: channels)
  }
}
