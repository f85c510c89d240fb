import Networks

/// Random graphs with everything that couples channels: sums (also of padded shortcuts), differences, products and gates, concatenations
/// within each other, splits, shuffles, depthwise and grouped convolutions, norms of all kinds, learned scales and slopes, activations that
/// make something of 0, shared weights, several inputs and outputs.
struct RandomGraph {
  private var random: Seeded
  private var builder: NetworkBuilder
  private var number = 0
  private var outputs: [String] = []

  static func network(seed: UInt64) throws -> Network {
    var graph = RandomGraph(seed: seed)
    return try graph.network()
  }

  private init(seed: UInt64) {
    random = Seeded(seed)
    builder = NetworkBuilder("random\(seed)", input: .image(channels: 1 + random.below(3), height: 6, width: 5))
  }

  private mutating func network() throws -> Network {
    if random.chance(0.2) {
      let one = convolution(from: "input")
      let second = builder.input("second", .image(channels: 2, height: 6, width: 5))
      let other = convolution(width(of: one), from: second)
      if random.chance(0.5) { builder.add([one, other]) } else { builder.concat([one, other]) }
    } else {
      convolution(from: "input")
    }
    for _ in 0..<(1 + random.below(4)) { block() }
    if random.chance(0.2) { outputs.append(builder.convolution(name("side"), 2, kernel: 1)) }
    head()
    return try builder.network(outputs: outputs)
  }

  private mutating func name(_ stem: String) -> String {
    number += 1
    return "\(stem)\(number)"
  }

  private func width(of node: String) -> Int { widths[node] ?? 1 }
  private var widths: [String: Int] = [:]
  private var width: Int { builder.shape.channels }

  private mutating func noted(_ node: String) -> String {
    widths[node] = builder.shape.channels
    return node
  }

  /// A convolution that keeps the image's size, perhaps with norm and activation.
  @discardableResult
  private mutating func convolution(_ width: Int? = nil, from input: String? = nil) -> String {
    let kernel = random.chance(0.5) ? 1 : 3
    builder.convolution(
      name("conv"), width ?? 2 + random.below(5), kernel: kernel, padding: kernel / 2, bias: random.chance(0.6), from: input)
    normAndActivation()
    return noted(builder.last)
  }

  private mutating func normAndActivation() {
    switch random.below(9) {
    case 0, 1: builder.batchNorm(name("bn"))
    case 2: groupNorm()
    case 3: builder.append(name("cn"), .channelNorm(ChannelNorm(width, affine: random.chance(0.7))), from: [builder.last])
    case 4: builder.append(name("scale"), .channelAffine(ChannelAffine(width, bias: random.chance(0.5))), from: [builder.last])
    default: break
    }
    if random.chance(0.1) {
      builder.append(name("prelu"), .prelu(PReLU(random.chance(0.7) ? width : 1)), from: [builder.last])
    } else if random.chance(0.7) {
      builder.activation(Activation.allCases[random.below(Activation.allCases.count)], name("act"))
    }
  }

  private mutating func groupNorm() {
    let divisors = (1...width).filter { width.isMultiple(of: $0) }
    let norm = GroupNorm(groups: divisors[random.below(divisors.count)], width, affine: random.chance(0.7))
    builder.append(name("gn"), .groupNorm(norm), from: [builder.last])
  }

  private mutating func block() {
    let entry = builder.last
    switch random.below(16) {
    case 15: opaque()
    case 12, 13: attention()
    case 14:
      // Twice the size, and back.
      convolution(4)
      let groups = [1, 2, 4][random.below(3)]
      let layer = Convolution(4, 4, kernel: Extent(3), stride: Extent(2), padding: Extent(1), groups: groups, outputPadding: Extent(1))
      builder.append(name("transposed"), .convolution(layer), from: [builder.last])
      normAndActivation()
      builder.convolution(name("conv"), 4, kernel: 2, stride: 2)
    case 9: squeezeAndExcitation()
    case 10:
      // A product or a difference of two layers.
      let one = convolution()
      let other = convolution(width, from: entry)
      builder.append(name("both"), random.chance(0.5) ? .multiply : .subtract, from: [one, other])
    case 11:
      // A shuffle, a border that is cut off again, another size and back.
      convolution(4 + 2 * random.below(2))
      if random.chance(0.5) { builder.convolution(name("grouped"), width, kernel: 1, groups: 2) }
      builder.channelShuffle(groups: 2, name("shuffle"))
      if random.chance(0.5) {
        builder.append(name("border"), .pad(top: 2, bottom: 0, left: 1, right: 1), from: [builder.last])
        builder.convolution(name("conv"), width, kernel: 3)
      } else {
        builder.append(name("resize"), .resize(height: 3, width: 7, random.chance(0.5) ? .nearest : .bilinear), from: [builder.last])
        builder.append(name("resize"), .resize(height: 6, width: 5, .bilinearAligned), from: [builder.last])
      }
      convolution()
    case 0:
      // Identity shortcut.
      let width = width
      convolution()
      builder.add([convolution(width), entry], name("sum"))
    case 1:
      // Projected shortcut.
      let main = convolution()
      let width = width
      builder.add([main, convolution(width, from: entry)], name("sum"))
    case 2:
      // Padded shortcut.
      let (before, after) = (random.below(3), random.below(3))
      let main = convolution(width + before + after)
      builder.add([builder.subsamplePad(stride: 1, before: before, after: after, name("pad"), from: entry), main], name("sum"))
    case 3:
      // Dense connections, one within the other.
      let first = builder.concat([entry, convolution()], name("cat"))
      let grown = convolution(from: first)
      builder.concat(random.chance(0.5) ? [first, grown] : [grown, entry, grown], name("cat"))
    case 4 where width > 1: splitBlock(entry)
    case 5: depthwise()
    case 6: grouped()
    case 7: shared(entry)
    default:
      convolution()
      if random.chance(0.3) { builder.maxPool(3, stride: 1, padding: 1, name("pool")) }
      if random.chance(0.2) { builder.dropout(0.3, name("drop")) }
    }
    if random.chance(0.4) { normAndActivation() }
  }

  private mutating func splitBlock(_ entry: String) {
    let first = 1 + random.below(width - 1)
    let parts = builder.split([first, width - first], from: entry)
    let main = convolution(random.chance(0.5) ? first : nil, from: parts[0])
    if width(of: main) == first, random.chance(0.5) { builder.add([main, parts[0]], name("sum")) }
    // Sometimes the second part is heard by nobody.
    if random.chance(0.8) { builder.concat([builder.last, parts[1]], name("cat")) }
  }

  private mutating func depthwise() {
    let inputs = width
    let multiplier = 1 + random.below(2)
    builder.append(
      name("dw"),
      .convolution(
        Convolution(
          inputs, inputs * multiplier, kernel: Extent(3), padding: Extent(1), groups: inputs, bias: random.chance(0.5))),
      from: [builder.last])
    normAndActivation()
    convolution()
  }

  /// Gates of one pixel, or a vector of them, that multiply what they are computed from.
  private mutating func squeezeAndExcitation() {
    let features = convolution()
    let width = width
    builder.append(
      name("peak"), random.chance(0.5) ? .adaptiveMaxPool(height: 1, width: 1) : .adaptiveAveragePool(height: 1, width: 1), from: [features]
    )
    let isVector = random.chance(0.5)
    if isVector { builder.flatten(name("vector")) }
    for outputs in [1 + random.below(3), width] {
      if isVector { builder.linear(name("squeeze"), outputs) } else { builder.convolution(name("squeeze"), outputs, kernel: 1) }
      builder.activation(random.chance(0.5) ? .sigmoid : .hardSigmoid(slope: 0.2), name("gate"))
    }
    builder.multiply(features, by: builder.last, name("gated"))
    convolution()
  }

  /// Attention over the positions, of queries, keys and values that one layer or three compute, perhaps with a class token and shortcuts.
  private mutating func attention() {
    let (height, width) = (builder.shape.dimensions[1], builder.shape.dimensions[2])
    let isSequence = random.chance(0.6)
    convolution(4)
    if isSequence {
      builder.append(name("tokens"), .arrange(height: 1, width: height * width), from: [builder.last])
      if random.chance(0.6) { builder.append(name("class"), .classToken(features: 4), from: [builder.last]) }
      let positions = builder.shape.dimensions
      builder.append(
        name("positions"), .positionEmbedding(PositionEmbedding(4, height: positions[1], width: positions[2])), from: [builder.last])
    }
    let entry = builder.last
    builder.append(name("norm"), .channelNorm(ChannelNorm(4)), from: [entry])
    let normal = builder.last
    var layer = Attention(
      heads: 2 + random.below(2), width: 1 + random.below(3), valueWidth: 1 + random.below(3), unit: random.chance(0.5) ? .head : .width)
    let (scores, values) = (layer.heads * layer.keyWidth, layer.heads * layer.valueWidth)
    var parts: [String]
    if random.chance(0.5) {
      builder.convolution(name("packed"), 2 * scores + values, kernel: 1, bias: random.chance(0.7))
      parts = builder.split([scores, scores, values], from: builder.last)
    } else {
      parts = [scores, scores, values].map { builder.convolution(name("projection"), $0, kernel: 1, from: normal) }
    }
    // Within windows, with numbers for pairs of positions, by cosines.
    let positions = Extent(builder.shape.dimensions[1], builder.shape.dimensions[2])
    let sizes = [1, 2, 3].filter { positions.height.isMultiple(of: $0) }.flatMap { rows in
      [2, 3].filter { positions.width.isMultiple(of: $0) }.map { Extent(rows, $0) }
    }
    if random.chance(0.4), !sizes.isEmpty {
      let isGrid = random.chance(0.4)
      let size = sizes[random.below(sizes.count)]
      layer.window = .init(
        size, isGrid: isGrid, shift: isGrid ? Extent(0) : Extent(random.below(size.height), random.below(size.width)))
    }
    if random.chance(0.4) { layer.bias = Extent(layer.window.map { $0.size.height * $0.size.width } ?? positions.height * positions.width) }
    layer.isCosine = random.chance(0.3)
    if random.chance(0.2) { parts[1] = builder.append(name("act"), .activation(.tanh), from: [parts[1]]) }
    builder.append(name("attention"), .attention(layer), from: parts)
    if random.chance(0.3) { builder.append(name("roll"), .roll(down: random.below(3) - 1, right: 1), from: [builder.last]) }
    builder.convolution(name("out"), 4, kernel: 1)
    builder.add([builder.last, entry], name("sum"))
    guard isSequence else { return }
    // Without the class token the positions are an image again.
    let excess = builder.shape.dimensions[2] - height * width
    if excess > 0 { builder.append(name("cut"), .pad(top: 0, bottom: 0, left: -excess, right: 0), from: [builder.last]) }
    builder.append(name("image"), .arrange(height: height, width: width), from: [builder.last])
  }

  /// What keeps its channels: a function of one value, or of the value and the mean of its channels.
  private mutating func opaque() {
    let value = convolution()
    let functions: [OpaqueFunction] = [
      OpaqueFunction(.sin), OpaqueFunction(.cos), OpaqueFunction(.erf), OpaqueFunction(.clip, -0.5, 0.25), OpaqueFunction(.logSoftmax),
      OpaqueFunction(.cumulativeSum, 0, 1), OpaqueFunction(.channelMax), OpaqueFunction(.maximum), OpaqueFunction(.subtract),
    ]
    let function = functions[random.below(functions.count)]
    var operands = [value]
    if function.name.form == .pair { operands.append(builder.append(name("mean"), .opaque(OpaqueFunction(.channelMean)), from: [value])) }
    builder.append(name("opaque"), .opaque(function), from: operands)
    convolution()
  }

  private mutating func grouped() {
    convolution(4 + 2 * random.below(2))
    builder.convolution(name("grouped"), 4, kernel: 3, padding: 1, groups: 2)
    normAndActivation()
    convolution()
  }

  /// One set of weights at two nodes, one behind the other or side by side.
  private mutating func shared(_ entry: String) {
    let width = width
    let module = name("shared")
    let layer = Operation.convolution(Convolution(width, width, kernel: Extent(1), bias: random.chance(0.5)))
    if random.chance(0.5) {
      builder.append("\(module)a", layer, from: [entry], module: module)
      builder.activation(.tanh, name("act"))
      builder.append("\(module)b", layer, from: [builder.last], module: module)
    } else {
      let one = convolution(width, from: entry)
      let other = convolution(width, from: entry)
      let first = builder.append("\(module)a", layer, from: [one], module: module)
      let second = builder.append("\(module)b", layer, from: [other], module: module)
      builder.concat([first, second], name("cat"))
    }
    convolution()
  }

  private mutating func head() {
    if random.chance(0.5) { builder.adaptiveAveragePool(1 + random.below(2)) }
    builder.flatten("flat")
    if random.chance(0.3) { builder.batchNorm("flatnorm") }
    builder.linear("fc", 2 + random.below(5))
    if random.chance(0.3) { groupNorm() }
    builder.activation(.relu, "fcact")
    let hidden = builder.last
    outputs.insert(builder.linear("out", 3), at: 0)
    if random.chance(0.2) { outputs.append(builder.linear("also", 2, from: hidden)) }
  }
}
