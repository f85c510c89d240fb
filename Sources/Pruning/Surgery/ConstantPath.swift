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
    guard let producer = group.producers.first else { return }
    let bias = try model.tensors[ParameterName(producer.module, .bias)]?.detached().cast(to: .float64)
    // [units, features per unit]
    var values = [producer.node: try (bias ?? Tensor.zeros([group.width], type: .float64)).reshaped([group.width, 1])]
    let shapes = try model.network.shapes()
    for node in model.network.nodes {
      guard let source = node.inputs.first, let value = values[source] else { continue }
      switch node.operation {
      case .batchNorm(let norm): values[node.name] = try normalized(value, node, norm)
      case .activation(let kind): values[node.name] = try activated(value, kind)
      case .averagePool(let pool):
        if pool.padding != Extent(0) { try obstruct(value, because: "\(node.name) averages in padding") }
        values[node.name] = value
      case .maxPool, .adaptiveAveragePool, .dropout: values[node.name] = value
      case .flatten:
        let positions = shapes[source]?.positions ?? 1
        values[node.name] = try value.expanded([group.width, value.shape[1] * positions])
      case .convolution(let layer):
        if layer.padding != Extent(0) { try obstruct(value, because: "\(node.name) pads its input") }
        try consume(value, node, bias: layer.bias)
      case .linear(let layer): try consume(value, node, bias: layer.bias)
      case .input, .add, .concat, .subsamplePad: try obstruct(value, because: "it reaches \(node.name)")
      }
    }
  }

  private func normalized(_ value: Tensor, _ node: Network.Node, _ norm: BatchNorm) throws -> Tensor {
    func part(_ role: ParameterName.Role) throws -> Tensor? {
      try model.tensors[ParameterName(node.module, role)]?.detached().cast(to: .float64).reshaped([group.width, -1])
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

  /// Units that say anything but 0 here cannot be silenced.
  private mutating func obstruct(_ value: Tensor, because reason: String) throws {
    let loud = try value.absolute().sum(1).array(Double.self)
    for (unit, sum) in loud.enumerated() where sum != 0 && obstacles[unit] == nil { obstacles[unit] = reason }
  }

  private mutating func consume(_ value: Tensor, _ node: Network.Node, bias: Bool) throws {
    guard let member = group.consumers.first(where: { $0.node == node.name }) else { return }
    let weight = try model.tensor(ParameterName(node.module, .weight)).detached()
      .narrowed(1, from: member.offset, length: group.width * member.spread).cast(to: .float64)
    // [outputs, units, features per unit]
    let perFeature = try (weight.rank == 4 ? weight.sum(2, 3) : weight).reshaped([weight.shape[0], group.width, -1])
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
