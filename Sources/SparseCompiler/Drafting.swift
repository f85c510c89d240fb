internal import Networks
internal import SparseRuntime

/// Turns a network's nodes into draft steps, fusing on the way what can be part of the step before.
struct Drafting {
  let network: Network
  private let shapes: [String: FeatureShape]
  let index: NetworkIndex
  private let parameters: (ParameterName) throws -> [Float]?
  private(set) var values: [DraftValue] = []
  var steps: [DraftStep] = []
  private(set) var outputs: [Int] = []
  var operands: [String: DraftOperand] = [:]
  /// The step that computes each value; nil for the input.
  private var producers: [Int?] = []

  init(_ network: Network, parameters: @escaping (ParameterName) throws -> [Float]?) throws {
    (self.network, self.parameters) = (network, parameters)
    shapes = try network.shapes()
    index = NetworkIndex(network)
    let inputs = network.inputShapes.count
    guard inputs == 1 else { throw CompilationError.inputs(network: network.name, count: inputs) }
    let unsupported = network.nodes.filter { !Self.supports($0.operation) }
    guard unsupported.isEmpty else {
      throw CompilationError.unsupported(network: network.name, nodes: unsupported.map { "\($0.operation.kind) (\($0.name))" })
    }
    for node in network.nodes {
      guard let count = shapes[node.name]?.elements, count > Plan.mostPositions else { continue }
      throw CompilationError.tooLarge(
        network: network.name, what: "\(node.name) has \(count) values; possible are \(Plan.mostPositions) at most")
    }
    for node in network.nodes { try draft(node) }
    for name in network.outputs { outputs.append(try materialized(operand(name), for: name)) }
  }

  private static func supports(_ operation: Operation) -> Bool {
    if case .opaque = operation { false } else { true }
  }

  // MARK: Values

  private func operand(_ name: String) throws -> DraftOperand {
    guard let operand = operands[name] else { throw CompilationError.unsupported(network: network.name, nodes: [name]) }
    return operand
  }

  private func isFusable(_ node: Network.Node) -> Bool {
    index.consumers(of: node.name).reduce(0) { $0 + $1.inputs.count { $0 == node.name } } == 1 && !index.isOutput(node.name)
  }

  mutating func value(channels: Int, height: Int, width: Int, computedByNext: Bool = true) -> Int {
    values.append(DraftValue(channels: channels, height: height, width: width))
    producers.append(computedByNext ? steps.count : nil)
    return values.count - 1
  }

  mutating func value(like shape: FeatureShape) -> Int {
    switch shape {
    case .vector(let count): value(channels: count, height: 1, width: 1)
    case .image(let channels, let height, let width): value(channels: channels, height: height, width: width)
    }
  }

  mutating func finish(_ node: Network.Node, _ value: Int, isFlattened: Bool = false) {
    operands[node.name] = DraftOperand(value: value, isFlattened: isFlattened, isFusable: isFusable(node))
  }

  /// Lets a node stand for its operand's value.
  private mutating func pass(_ node: Network.Node, _ operand: DraftOperand, isFlattened: Bool? = nil) {
    operands[node.name] = DraftOperand(
      value: operand.value, isFlattened: isFlattened ?? operand.isFlattened, isFusable: operand.isFusable && isFusable(node))
  }

  /// Returns a value that has the operand's features as channels, which takes a copy where flattening has to move pixels.
  mutating func materialized(_ operand: DraftOperand, for name: String) -> Int {
    let source = values[operand.value]
    guard operand.isFlattened, source.isImage else { return operand.value }
    var sources: [PlanCopy.Source] = []
    for channel in 0..<source.channels {
      for down in 0..<source.height {
        for right in 0..<source.width { sources.append(.init(map: operand.value, channel: channel, down: down, right: right)) }
      }
    }
    let y = value(channels: sources.count, height: 1, width: 1)
    steps.append(.copy(PlanCopy(name: name, y: y, sources: sources)))
    return y
  }

  func numbers(_ node: Network.Node, _ role: ParameterName.Role, _ count: Int) throws -> [Float] {
    let name = ParameterName(node.module, role)
    let numbers = try parameters(name)
    guard let numbers, numbers.count == count else { throw CompilationError.parameter(name, expected: count, given: numbers?.count) }
    return numbers
  }

  // MARK: Nodes

  private mutating func draft(_ node: Network.Node) throws {
    func shape() throws -> FeatureShape {
      guard let shape = shapes[node.name] else { throw CompilationError.unsupported(network: network.name, nodes: [node.name]) }
      return shape
    }
    let given = try node.inputs.map(operand)
    func first() throws -> DraftOperand {
      guard let first = given.first else { throw CompilationError.unsupported(network: network.name, nodes: [node.name]) }
      return first
    }
    switch node.operation {
    case .input(let shape):
      let y = value(like: shape)
      producers[y] = nil
      finish(node, y)
    case .linear(let layer): try draft(layer, node, first())
    case .convolution(let layer) where layer.isTransposed: try draftTransposed(layer, node, first(), shape())
    case .convolution(let layer): try draft(layer, node, first(), shape())
    case .batchNorm(let norm):
      let (mean, variance) = (try numbers(node, .runningMean, norm.features), try numbers(node, .runningVariance, norm.features))
      let one = Array(repeating: Float(1), count: norm.features)
      let weight = norm.affine ? try numbers(node, .weight, norm.features) : one
      let bias = norm.affine ? try numbers(node, .bias, norm.features) : Array(repeating: 0, count: norm.features)
      // In double precision, as the difference of two large numbers would otherwise be a rough one.
      let scale = zip(weight, variance).map { Double($0) / (Double($1) + norm.epsilon).squareRoot() }
      let shift = scale.indices.map { Float(Double(bias[$0]) - Double(mean[$0]) * scale[$0]) }
      try scaled(node, first(), by: scale.map(Float.init), shift: shift)
    case .channelAffine(let layer):
      let shift = layer.bias ? try numbers(node, .bias, layer.features) : Array(repeating: Float(0), count: layer.features)
      try scaled(node, first(), by: numbers(node, .weight, layer.features), shift: shift)
    case .activation(let function): try draft(function, node, first())
    case .prelu(let layer):
      let slopes = try numbers(node, .weight, layer.features)
      let x = materialized(try first(), for: node.name)
      let channels = values[x].channels
      let slope = slopes.count == channels ? slopes : Array(repeating: slopes.first ?? 0, count: channels)
      append(DraftFunction(name: node.name, x: x, y: 0, kind: .slope, slope: slope), node)
    case .maxPool(let pool): try draft(pool, isMean: false, node, first(), shape())
    case .averagePool(let pool): try draft(pool, isMean: true, node, first(), shape())
    case .adaptiveAveragePool: try draftAdaptive(isMean: true, node, first(), shape())
    case .adaptiveMaxPool: try draftAdaptive(isMean: false, node, first(), shape())
    case .dropout: pass(node, try first())
    case .flatten: pass(node, try first(), isFlattened: true)
    case .add: try drafted(sum: given, node)
    case .subtract: try pair(.subtract, given, node)
    case .multiply: try pair(.multiply, given, node)
    case .narrow(let start, _) where isReadByAttentionAlone(node): try narrow(node, first(), from: start)
    case .pad, .concat, .narrow, .indexSelect, .subsamplePad: try draftCopy(node, given, shape())
    case .groupNorm, .channelNorm, .localResponseNorm, .softmax: try draftNorm(node, first())
    case .classToken, .resize, .arrange, .roll: try draftResample(node, first(), shape())
    case .positionEmbedding:
      let x = materialized(try first(), for: node.name)
      let source = values[x]
      let numbers = try numbers(node, .weight, source.channels * source.height * source.width)
      let y = value(channels: source.channels, height: source.height, width: source.width)
      steps.append(.offset(name: node.name, x: x, y: y, numbers: numbers))
      finish(node, y)
    case .attention(let layer): try draft(layer, node, given, shape())
    case .opaque:
      throw CompilationError.unsupported(network: network.name, nodes: [node.name])
    }
  }

  private mutating func draft(_ layer: Linear, _ node: Network.Node, _ operand: DraftOperand) throws {
    let source = values[operand.value]
    var taps: [DraftTap] = []
    for down in 0..<source.height { for right in 0..<source.width { taps.append(DraftTap(down: down, right: right)) } }
    let bias = layer.bias ? try numbers(node, .bias, layer.outputs) : Array(repeating: Float(0), count: layer.outputs)
    let weights = try numbers(node, .weight, layer.outputs * layer.inputs)
    let y = value(channels: layer.outputs, height: 1, width: 1)
    steps.append(
      .layer(
        DraftLayer(
          name: node.name, x: operand.value, y: y, groups: 1, inputs: source.channels, outputs: layer.outputs, taps: taps, weights: weights,
          bias: bias)))
    finish(node, y)
  }

  private mutating func draft(_ layer: Convolution, _ node: Network.Node, _ operand: DraftOperand, _ shape: FeatureShape) throws {
    var x = materialized(operand, for: node.name)
    let inputs = layer.inputs / layer.groups
    let bias = layer.bias ? try numbers(node, .bias, layer.outputs) : Array(repeating: Float(0), count: layer.outputs)
    let weights = try numbers(node, .weight, layer.outputs * inputs * layer.kernel.height * layer.kernel.width)
    var taps: [DraftTap] = []
    for row in 0..<layer.kernel.height {
      for column in 0..<layer.kernel.width {
        taps.append(
          DraftTap(down: row * layer.dilation.height - layer.padding.height, right: column * layer.dilation.width - layer.padding.width))
      }
    }
    if layer.stride != Extent(1) { x = split(x, layer.stride, &taps, for: node.name) }
    let y = value(like: shape)
    steps.append(
      .layer(
        DraftLayer(
          name: node.name, x: x, y: y, groups: layer.groups, inputs: inputs, outputs: layer.outputs, taps: taps, weights: weights,
          bias: bias)))
    finish(node, y)
  }

  /// Returns the phases of a value, of which a convolution of this stride reads neighbouring pixels, and moves its taps there.
  ///
  /// Phase (i, j) of stride s has the pixels (s·k + i, s·l + j); only phases that a tap reads are made, each with all channels.
  private mutating func split(_ x: Int, _ stride: Extent, _ taps: inout [DraftTap], for name: String) -> Int {
    func divided(_ place: Int, _ stride: Int) -> (quotient: Int, phase: Int) {
      let phase = ((place % stride) + stride) % stride
      return ((place - phase) / stride, phase)
    }
    let source = values[x]
    var phases: [Extent] = []
    for i in taps.indices {
      let (down, right) = (divided(taps[i].down, stride.height), divided(taps[i].right, stride.width))
      let phase = Extent(down.phase, right.phase)
      if !phases.contains(phase) { phases.append(phase) }
      taps[i] = DraftTap(shift: (phases.firstIndex(of: phase) ?? 0) * source.channels, down: down.quotient, right: right.quotient)
    }
    let y = value(
      channels: phases.count * source.channels, height: (source.height + stride.height - 1) / stride.height,
      width: (source.width + stride.width - 1) / stride.width)
    let sources = phases.flatMap { phase in
      (0..<source.channels).map {
        PlanCopy.Source(map: x, channel: $0, down: phase.height, right: phase.width, downStep: stride.height, rightStep: stride.width)
      }
    }
    steps.append(.copy(PlanCopy(name: name, y: y, sources: sources)))
    return y
  }

  /// The step that a value can be changed in: the one that computes it, or its phases.
  private func host(of value: Int) -> Int? {
    guard let producer = producers[value], case .interleave(let step) = steps[producer] else { return producers[value] }
    return producers[step.x]
  }

  /// Multiplies each channel by a number and adds another, within the layer before if that is possible.
  private mutating func scaled(_ node: Network.Node, _ operand: DraftOperand, by scale: [Float], shift: [Float]) throws {
    if operand.isFusable, values[operand.value].channels == scale.count, let producer = host(of: operand.value),
      case .layer(var layer) = steps[producer], layer.z == nil, !layer.isBounded
    {
      layer.scale(by: layer.spread(scale), shift: layer.spread(shift))
      steps[producer] = .layer(layer)
      return pass(node, operand)
    }
    append(DraftFunction(name: node.name, x: materialized(operand, for: node.name), y: 0, scale: scale, shift: shift), node)
  }

  private mutating func append(_ function: DraftFunction, _ node: Network.Node, isFlattened: Bool = false) {
    var function = function
    let source = values[function.x]
    function.y = value(channels: source.channels, height: source.height, width: source.width)
    steps.append(.function(function))
    finish(node, function.y, isFlattened: isFlattened)
  }

  private mutating func draft(_ function: Activation, _ node: Network.Node, _ operand: DraftOperand) throws {
    var step = DraftFunction(name: node.name, x: operand.value, y: 0)
    switch function {
    case .relu: step.low = 0
    case .relu6: (step.low, step.high) = (0, 6)
    case .tanh: step.kind = .tanh
    case .gelu: step.kind = .gelu
    case .tanhGELU: step.kind = .tanhGELU
    case .silu: step.kind = .silu
    case .sigmoid: step.kind = .sigmoid
    case .hardSigmoid(let slope): (step.kind, step.alpha) = (.hardSigmoid, Float(slope))
    case .hardSwish: step.kind = .hardSwish
    case .leakyReLU(let slope): (step.kind, step.alpha) = (.slope, Float(slope))
    case .elu(let alpha): (step.kind, step.alpha) = (.elu, Float(alpha))
    case .softplus: step.kind = .softplus
    case .mish: step.kind = .mish
    case .affine(let scale, let shift):
      let channels = values[operand.value].channels
      step.scale = Array(repeating: Float(scale), count: channels)
      step.shift = Array(repeating: Float(shift), count: channels)
    }
    if step.low == 0, operand.isFusable, bound(operand.value, step.low, step.high) { return pass(node, operand) }
    append(step, node, isFlattened: operand.isFlattened)
  }

  /// Holds a value between two numbers within the step that computes it; false if that already has bounds, or is not there.
  private mutating func bound(_ value: Int, _ low: Float, _ high: Float) -> Bool {
    guard let producer = host(of: value) else { return false }
    switch steps[producer] {
    case .layer(var layer) where !layer.isBounded:
      (layer.low, layer.high) = (low, high)
      steps[producer] = .layer(layer)
    case .pair(var pair) where pair.low == -.infinity && pair.high == .infinity:
      (pair.low, pair.high) = (low, high)
      steps[producer] = .pair(pair)
    case .pool(var pool) where pool.low == -.infinity && pool.high == .infinity:
      (pool.low, pool.high) = (low, high)
      steps[producer] = .pool(pool)
    case .function(var function) where function.low == -.infinity && function.high == .infinity:
      (function.low, function.high) = (low, high)
      steps[producer] = .function(function)
    default: return false
    }
    return true
  }

  // MARK: Sums, products and copies

  private mutating func drafted(sum operands: [DraftOperand], _ node: Network.Node) throws {
    let isFlattened = operands.allSatisfy(\.isFlattened)
    let terms = isFlattened ? operands.map(\.value) : operands.map { materialized($0, for: node.name) }
    guard operands.count == 2 else {
      var sum = terms[0]
      for term in terms.dropFirst() {
        let source = values[sum]
        let y = value(channels: source.channels, height: source.height, width: source.width)
        steps.append(.pair(PlanPair(name: node.name, a: sum, b: term, y: y, kind: .add)))
        sum = y
      }
      return operands.count == 1 ? pass(node, operands[0]) : finish(node, sum, isFlattened: isFlattened)
    }
    // The later of the two is the last thing that the sum waits for; a layer adds the other as it stores its own.
    let later = (producers[terms[0]] ?? -1) > (producers[terms[1]] ?? -1) ? 0 : 1
    let (host, other) = (terms[later], terms[1 - later])
    if host != other, operands[later].isFusable, host == operands[later].value, let producer = producers[host],
      case .layer(var layer) = steps[producer], layer.z == nil, !layer.isBounded
    {
      layer.z = other
      steps[producer] = .layer(layer)
      return finish(node, host, isFlattened: isFlattened)
    }
    try pair(.add, operands, node)
  }

  private mutating func pair(_ kind: PlanPair.Kind, _ operands: [DraftOperand], _ node: Network.Node) throws {
    guard operands.count == 2 else { throw CompilationError.unsupported(network: network.name, nodes: [node.name]) }
    let isFlattened = operands.allSatisfy(\.isFlattened)
    let terms = isFlattened ? operands.map(\.value) : operands.map { materialized($0, for: node.name) }
    let source = values[terms[0]]
    let y = value(channels: source.channels, height: source.height, width: source.width)
    steps.append(.pair(PlanPair(name: node.name, a: terms[0], b: terms[1], y: y, kind: kind)))
    finish(node, y, isFlattened: isFlattened)
  }

  private mutating func draftCopy(_ node: Network.Node, _ operands: [DraftOperand], _ shape: FeatureShape) throws {
    let given = operands.map { materialized($0, for: node.name) }
    func all(_ map: Int) -> [PlanCopy.Source] { (0..<values[map].channels).map { PlanCopy.Source(map: map, channel: $0) } }
    var sources = given.flatMap(all)
    switch node.operation {
    case .narrow(let start, let count): sources = Array(sources[start..<start + count])
    case .indexSelect(let chosen): sources = chosen.map { sources[$0] }
    case .pad(let top, _, let left, _):
      for i in sources.indices { (sources[i].down, sources[i].right) = (-top, -left) }
    case .subsamplePad(let stride, let before, let after):
      for i in sources.indices { (sources[i].downStep, sources[i].rightStep) = (stride, stride) }
      let zero = PlanCopy.Source(map: nil, channel: 0)
      sources = Array(repeating: zero, count: before) + sources + Array(repeating: zero, count: after)
    default: break
    }
    let y = value(like: shape)
    steps.append(.copy(PlanCopy(name: node.name, y: y, sources: sources)))
    finish(node, y)
  }

  // MARK: Pooling

  private mutating func draft(
    _ pool: Pooling, isMean: Bool, _ node: Network.Node, _ operand: DraftOperand, _ shape: FeatureShape
  ) throws {
    let x = materialized(operand, for: node.name)
    let y = value(like: shape)
    func windows(_ size: Int, _ count: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> [PlanPool.Window] {
      (0..<count).map { i in
        let start = i * stride - padding
        // With padding counted, a window ends where the padding does.
        let end = min(start + kernel, size + padding)
        let (from, to) = (max(start, 0), max(min(start + kernel, size), max(start, 0)))
        return .init(
          from: min(from, size), to: max(to, min(from, size)), share: 1 / Float(max(pool.countsPadding ? end - start : to - from, 1)))
      }
    }
    let (source, target) = (values[x], values[y])
    let rows = windows(source.height, target.height, pool.kernel.height, pool.stride.height, pool.padding.height)
    let columns = windows(source.width, target.width, pool.kernel.width, pool.stride.width, pool.padding.width)
    steps.append(.pool(PlanPool(name: node.name, x: x, y: y, isMean: isMean, rows: rows, columns: columns)))
    finish(node, y)
  }

  private mutating func draftAdaptive(isMean: Bool, _ node: Network.Node, _ operand: DraftOperand, _ shape: FeatureShape) throws {
    let x = materialized(operand, for: node.name)
    let y = value(like: shape)
    func windows(_ size: Int, _ count: Int) -> [PlanPool.Window] {
      (0..<count).map { i in
        let (from, to) = (i * size / count, ((i + 1) * size + count - 1) / count)
        return .init(from: from, to: to, share: 1 / Float(max(to - from, 1)))
      }
    }
    let (source, target) = (values[x], values[y])
    steps.append(
      .pool(
        PlanPool(
          name: node.name, x: x, y: y, isMean: isMean, rows: windows(source.height, target.height),
          columns: windows(source.width, target.width))))
    finish(node, y)
  }
}
