internal import Networks
internal import Torch
internal import Training

/// What an input-less unit says to its consumers, and whether that can be said by their biases instead.
///
/// Such a unit emits one number c everywhere: its bias, after the norms and activations on the way. A consumer sums
/// c·W over its taps, the same at every position unless padding cuts taps off.
struct ConstantPath {
  /// Per unit, why its constant cannot be moved; nil where it can.
  private(set) var obstacles: [String?]
  /// What the consumers' biases (or the running means of the norms behind them) gain.
  private(set) var changes: [(parameter: ParameterName, sign: Double, weight: Tensor, constants: Tensor)] = []

  private let group: ChannelGroup
  private let model: Model

  /// Follows the group's constants, those of all its units, to its consumers.
  init(_ group: ChannelGroup, in model: Model) throws {
    self.group = group
    self.model = model
    obstacles = Array(repeating: nil, count: group.width)
    let shapes = try model.network.shapes()
    // [units, features per unit] by node; what is missing does not come from the group.
    var values: [String: Tensor] = [:]
    for node in model.network.nodes {
      let operands = node.inputs.map { values[$0] }
      if let producer = group.producers.first(where: { $0.node == node.name }) {
        if case .convolution(let layer) = node.operation, model.network.isDepthwise(node.name) {
          values[node.name] = try filtered(operands.first ?? nil, producer, node, layer)
        } else {
          values[node.name] = try bias(of: producer)
          try consumeIfRead(operands.first ?? nil, node)
        }
        continue
      }
      guard operands.contains(where: { $0 != nil }) || isPadded(node) else { continue }
      let value = operands.compactMap(\.self).first
      switch node.operation {
      case .add:
        let known = operands.compactMap(\.self)
        if known.count < operands.count { for value in known { try obstruct(value, because: "it reaches the sum \(node.name)") } }
        values[node.name] = try known.dropFirst().reduce(known[0]) { try $0 + $1 }
      case .concat: values[node.name] = try Tensor.concatenated(operands.compactMap(\.self), 1)
      case .subsamplePad: values[node.name] = try value ?? Tensor.zeros([group.width, 1], type: .float64)
      case .linear, .convolution: try consumeIfRead(value, node)
      default:
        guard let value else { continue }
        values[node.name] = try passed(value, node, shapes)
      }
    }
  }

  /// What an operation with one operand makes of the constants.
  private mutating func passed(_ value: Tensor, _ node: Network.Node, _ shapes: [String: FeatureShape]) throws -> Tensor? {
    switch node.operation {
    case .batchNorm(let norm): return try normalized(value, node, norm)
    case .groupNorm:
      // It would not lose only these units' answers, but move the others'.
      obstruct(because: "\(node.name) normalises it with other units")
      return value
    case .activation(let kind): return try activated(value, kind)
    case .averagePool(let pool):
      if pool.padding != Extent(0) { try obstruct(value, because: "\(node.name) averages in padding") }
      return value
    case .flatten:
      let positions = node.inputs.first.flatMap { shapes[$0]?.positions } ?? 1
      return try repeated(value, positions)
    case .narrow(let start, let count):
      let inside = group.dependents.filter { $0.node == node.name }.filter { (start..<start + count).contains($0.features[0]) }
      let features = inside.reduce(0) { $0 + $1.spread }
      guard features != 0, features != value.shape[1] else { return features == 0 ? nil : value }
      try obstruct(value, because: "\(node.name) takes a part of it")
      // What is left to move is 0, whichever part it is.
      return try value.narrowed(1, from: 0, length: features)
    case .input, .linear, .convolution, .maxPool, .adaptiveAveragePool, .dropout, .add, .concat, .subsamplePad: return value
    }
  }

  /// The biases of a producer's units: [units, features per unit].
  private func bias(of producer: ChannelGroup.Member) throws -> Tensor {
    guard let bias = try model.tensors[ParameterName(producer.module, .bias)]?.detached().cast(to: .float64) else {
      return try Tensor.zeros([group.width, producer.spread], type: .float64)
    }
    return try bias.indexed(0, producer.features).reshaped([group.width, producer.spread])
  }

  /// What a depthwise convolution makes of the constants: its taps' sum times the constant, and its bias.
  private mutating func filtered(
    _ value: Tensor?, _ producer: ChannelGroup.Member, _ node: Network.Node, _ layer: Convolution
  ) throws -> Tensor {
    let bias = try bias(of: producer)
    guard let value else { return bias }
    if layer.padding != Extent(0) { try obstruct(value, because: "\(node.name) pads its input") }
    let taps = try model.tensor(ParameterName(node.module, .weight)).detached().cast(to: .float64).sum(1, 2, 3)
    let heard = try repeated(value, layer.outputs / layer.inputs)
    // Some of what it hears of a unit may be padding, some of what it says no one's: only a unit that says 0 can be followed then.
    guard heard.shape[1] == producer.spread else {
      try obstruct(value, because: "\(node.name) does not hear its features one by one")
      return bias
    }
    return try taps.indexed(0, producer.features).reshaped([group.width, producer.spread]) * heard + bias
  }

  /// Each feature so many times, one after another.
  private func repeated(_ value: Tensor, _ times: Int) throws -> Tensor {
    let (units, features) = (group.width, value.shape[1])
    return try value.reshaped([units, features, 1]).expanded([units, features, times]).reshaped([units, features * times])
  }

  private func isPadded(_ node: Network.Node) -> Bool {
    guard case .subsamplePad = node.operation else { return false }
    return group.dependents.contains { $0.node == node.name }
  }

  private mutating func consumeIfRead(_ value: Tensor?, _ node: Network.Node) throws {
    guard let value, group.consumers.contains(where: { $0.node == node.name }) else { return }
    var hasBias = false
    switch node.operation {
    case .linear(let layer): hasBias = layer.bias
    case .convolution(let layer):
      if layer.padding != Extent(0) { try obstruct(value, because: "\(node.name) pads its input") }
      if layer.groups > 1 {
        try obstruct(value, because: "\(node.name) is a grouped convolution")
        return
      }
      hasBias = layer.bias
    default: return
    }
    try consume(value, node, bias: hasBias)
  }

  private func normalized(_ value: Tensor, _ node: Network.Node, _ norm: BatchNorm) throws -> Tensor {
    guard let member = group.dependents.first(where: { $0.node == node.name }) else { return value }
    func part(_ role: ParameterName.Role) throws -> Tensor? {
      try model.tensors[ParameterName(node.module, role)]?.detached().cast(to: .float64)
        .indexed(0, member.features).reshaped([group.width, member.spread])
    }
    guard let mean = try part(.runningMean), let variance = try part(.runningVariance) else { return value }
    var result = try (value - mean) / (variance + norm.epsilon).squareRoot()
    if let scale = try part(.weight) { result = try result * scale }
    if let shift = try part(.bias) { result = try result + shift }
    return result
  }

  private func activated(_ value: Tensor, _ kind: Activation) throws -> Tensor {
    switch kind {
    case .relu: try value.relu()
    case .relu6: try value.relu6()
    case .tanh: try value.tanh()
    case .gelu: try value.gelu()
    case .silu: try value.silu()
    }
  }

  private mutating func obstruct(because reason: String) { for unit in obstacles.indices { obstacles[unit] = obstacles[unit] ?? reason } }

  /// Units that say anything but 0 here cannot be silenced.
  private mutating func obstruct(_ value: Tensor, because reason: String) throws {
    let loud = try value.absolute().sum(1).array(Double.self)
    for (unit, sum) in loud.enumerated() where sum != 0 && obstacles[unit] == nil { obstacles[unit] = reason }
  }

  private mutating func consume(_ value: Tensor, _ node: Network.Node, bias: Bool) throws {
    guard let member = group.consumers.first(where: { $0.node == node.name }) else { return }
    if model.network.nodes.contains(where: { $0.module == node.module && $0.name != node.name }) {
      try obstruct(value, because: "\(node.name) shares its weights")
      return
    }
    let weight = try model.tensor(ParameterName(node.module, .weight)).detached().indexed(1, member.features).cast(to: .float64)
    // [outputs, units, features per unit]
    let perFeature = try (weight.rank == 4 ? weight.sum(2, 3) : weight).reshaped([weight.shape[0], group.width, member.spread])
    if bias {
      changes.append((ParameterName(node.module, .bias), 1, perFeature, value))
      return
    }
    let readers = model.network.consumers(of: node.name)
    if readers.count == 1, let norm = readers.first, case .batchNorm = norm.operation, !model.network.outputs.contains(node.name) {
      changes.append((ParameterName(norm.module, .runningMean), -1, perFeature, value))
    } else {
      try obstruct(value, because: "\(node.name) has no bias")
    }
  }

  /// The tensors with the constants of these units moved to where they are heard.
  func folded(_ units: [Int]) throws -> [ParameterName: Tensor] {
    var result: [ParameterName: Tensor] = [:]
    let leaving = try Tensor(units.map(Int64.init))
    for change in changes {
      let said = try (change.weight.indexed(1, leaving) * change.constants.indexed(0, leaving)).sum(1, 2)
      let old = try (result[change.parameter] ?? model.tensor(change.parameter)).detached()
      result[change.parameter] = try (old.cast(to: .float64) + said * change.sign).cast(to: old.elementType ?? .float32)
    }
    return result
  }
}
