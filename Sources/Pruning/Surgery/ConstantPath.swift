internal import Networks
internal import Torch
internal import Training

/// The constant that an input-less unit contributes to its consumers, and whether it can move into their biases.
///
/// Such a unit emits one number c everywhere: its bias, after the norms and activations on the way. A consumer sums c·W over its taps,
/// which is the same at every position unless padding cuts taps off.
struct ConstantPath {
  /// For each unit the reason why its constant cannot be moved; nil if it can.
  private(set) var obstacles: [String?]
  /// Changes of the consumers' biases, or of the running means of the norms after them.
  private(set) var changes: [(parameter: ParameterName, sign: Double, weight: Tensor, constants: Tensor)] = []

  /// The units of the group that are followed.
  private let units: [Int]
  private let model: Model
  private let index: NetworkIndex
  private let producers: [String: ChannelGroup.Member]
  private let dependents: [String: [ChannelGroup.Member]]
  private let consumers: [String: ChannelGroup.Member]

  /// Follows the constants of some of a group's units to its consumers.
  ///
  /// - Parameters:
  ///   - index: index of the model's network.
  ///   - shapes: shapes of the model's network.
  init(
    _ group: ChannelGroup, units: [Int], in model: Model, _ index: NetworkIndex, _ shapes: [String: FeatureShape]
  ) throws {
    self.units = units
    self.model = model
    self.index = index
    producers = Dictionary(group.producers.map { ($0.node, $0) }, uniquingKeysWith: { first, _ in first })
    dependents = Dictionary(grouping: group.dependents, by: \.node)
    consumers = Dictionary(group.consumers.map { ($0.node, $0) }, uniquingKeysWith: { first, _ in first })
    obstacles = Array(repeating: nil, count: units.count)
    // [units, features per unit] by node; values that do not come from the group are missing.
    var values: [String: Tensor] = [:]
    for place in reached(from: group) {
      let node = index.network.nodes[place]
      let operands = node.inputs.map { values[$0] }
      if let producer = producers[node.name] {
        if case .convolution(let layer) = node.operation, index.isDepthwise(node.name) {
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
      case .add, .subtract, .multiply:
        let known = operands.compactMap(\.self)
        if known.count < operands.count {
          let result = node.operation == .add ? "sum" : node.operation == .subtract ? "difference" : "product"
          for value in known { try obstruct(value, because: "it reaches the \(result) \(node.name)") }
        }
        values[node.name] = try known.dropFirst().reduce(known[0]) {
          switch node.operation {
          case .subtract: try $0 - $1
          case .multiply: try $0 * $1
          default: try $0 + $1
          }
        }
      case .attention:
        // What is the same everywhere passes through values, whatever their weights; scores are no sum that a bias could take.
        for (place, value) in operands.enumerated() where place < 2 {
          if let value { try obstruct(value, because: "the attention \(node.name) compares it") }
        }
        values[node.name] = operands.last ?? nil
      case .concat: values[node.name] = try Tensor.concatenated(operands.compactMap(\.self), 1)
      case .subsamplePad: values[node.name] = try value ?? Tensor.zeros([units.count, 1], type: .float64)
      case .linear, .convolution: try consumeIfRead(value, node)
      case .opaque:
        // What it reads never leaves, and no group ends here.
        for value in operands.compactMap(\.self) { try obstruct(value, because: "the opaque \(node.name) reads it") }
      default:
        guard let value else { continue }
        values[node.name] = try passed(value, node, shapes)
      }
    }
  }

  /// Returns the places, ascending, of the nodes that the group's constants may reach: from its producers to the next layers.
  private func reached(from group: ChannelGroup) -> [Int] {
    let nodes = index.network.nodes
    var open = (group.producers + group.dependents).compactMap { index.place(of: $0.node) }
      .filter { producers[nodes[$0].name] != nil || isPadded(nodes[$0]) }
    var reached = Set(open)
    while let place = open.popLast() {
      let node = nodes[place]
      switch node.operation {
      case .linear, .convolution: if producers[node.name] == nil { continue }
      default: break
      }
      for reader in index.readers(of: place) where reached.insert(reader).inserted { open.append(reader) }
    }
    return reached.sorted()
  }

  /// Returns the features of a member that belong to the units, unit by unit.
  private func features(of member: ChannelGroup.Member) -> [Int] { units.flatMap { member.features(ofChannel: $0) } }

  /// Returns the constants after an operation with one operand; nil if it drops them.
  private mutating func passed(_ value: Tensor, _ node: Network.Node, _ shapes: [String: FeatureShape]) throws -> Tensor? {
    switch node.operation {
    case .batchNorm(let norm): return try normalized(value, node, norm)
    case .groupNorm, .channelNorm, .localResponseNorm, .softmax:
      // Removing these units would change not only their own outputs but also those of the others.
      obstruct(because: "\(node.name) normalises it with other units")
      return value
    case .channelAffine:
      let (scale, shift) = (try part(.weight, of: node), try part(.bias, of: node))
      let scaled = try scale.map { try value * $0 } ?? value
      return try shift.map { try scaled + $0 } ?? scaled
    case .activation(let function): return try value.activated(by: function)
    case .prelu(let layer):
      let slopes = try layer.features == 1 ? tensor(.weight, of: node) : part(.weight, of: node)
      return try slopes.map { try value.clamped(0, .infinity) + value.clamped(-.infinity, 0) * $0 } ?? value
    case .pad:
      try obstruct(value, because: "\(node.name) pads it")
      return value
    case .classToken, .positionEmbedding:
      obstruct(because: "\(node.name) makes it differ between positions")
      return value
    case .averagePool(let pool):
      if pool.countsPadding, pool.padding != Extent(0) { try obstruct(value, because: "\(node.name) averages in padding") }
      return value
    case .flatten:
      let positions = node.inputs.first.flatMap { shapes[$0]?.positions } ?? 1
      return try repeated(value, positions)
    case .narrow(let start, let count): return try taken(value, node) { (start..<start + count).contains($0) }
    case .indexSelect(let indices):
      let chosen = Set(indices)
      return try taken(value, node) { chosen.contains($0) }.map { try ordered($0, node, indices) }
    case .input, .linear, .convolution, .maxPool, .adaptiveAveragePool, .adaptiveMaxPool, .resize, .arrange, .roll, .dropout, .add,
      .subtract,
      .multiply, .attention, .concat, .subsamplePad, .opaque:
      return value
    }
  }

  /// Returns the constants after an operation that takes a part of its operand's features; nil if it takes none of them.
  private mutating func taken(_ value: Tensor, _ node: Network.Node, takes: (Int) -> Bool) throws -> Tensor? {
    let inside = (dependents[node.name] ?? []).filter { takes($0.features[0]) }
    let features = inside.reduce(0) { $0 + $1.spread }
    guard features != 0, features != value.shape[1] else { return features == 0 ? nil : value }
    try obstruct(value, because: "\(node.name) takes a part of it")
    // The constants left to move are 0, whichever part is taken.
    return try value.narrowed(1, from: 0, length: features)
  }

  /// Returns the constants of each unit in the order in which a selection passes its features on.
  private func ordered(_ value: Tensor, _ node: Network.Node, _ indices: [Int]) throws -> Tensor {
    let chosen = Set(indices)
    guard value.shape[1] > 1, let member = dependents[node.name]?.first(where: { chosen.contains($0.features[0]) }),
      member.spread == value.shape[1]
    else { return value }
    let places = Dictionary(zip(indices, indices.indices), uniquingKeysWith: { first, _ in first })
    let order = units.flatMap { unit -> [Int64] in
      let heard = member.features(ofChannel: unit).map { places[$0] ?? 0 }
      return heard.indices.sorted { heard[$0] < heard[$1] }.map(Int64.init)
    }
    return try value.gathered(1, Tensor(order, shape: value.shape))
  }

  /// Returns the biases of a producer's units, [units, features per unit].
  private func bias(of producer: ChannelGroup.Member) throws -> Tensor {
    guard let bias = try model.tensors[ParameterName(producer.module, .bias)]?.detached().cast(to: .float64) else {
      return try Tensor.zeros([units.count, producer.spread], type: .float64)
    }
    return try bias.indexed(0, features(of: producer)).reshaped([units.count, producer.spread])
  }

  /// Returns the constants after a depthwise convolution: the sum of its taps times the constant, plus its bias.
  private mutating func filtered(
    _ value: Tensor?, _ producer: ChannelGroup.Member, _ node: Network.Node, _ layer: Convolution
  ) throws -> Tensor {
    let bias = try bias(of: producer)
    guard let value else { return bias }
    if layer.padding != Extent(0) { try obstruct(value, because: "\(node.name) pads its input") }
    if layer.isTransposed { try obstruct(value, because: "\(node.name) is a transposed convolution") }
    let taps = try model.tensor(ParameterName(node.module, .weight)).detached().cast(to: .float64).sum(1, 2, 3)
    let heard = try repeated(value, layer.outputs / layer.inputs)
    // A part of a unit's inputs may be padding, and a part of its outputs may have no consumer: then only a unit that emits 0 can be
    // followed.
    guard heard.shape[1] == producer.spread else {
      try obstruct(value, because: "\(node.name) does not hear its features one by one")
      return bias
    }
    return try taps.indexed(0, features(of: producer)).reshaped([units.count, producer.spread]) * heard + bias
  }

  /// Returns each feature repeated `times` times, one after another.
  private func repeated(_ value: Tensor, _ times: Int) throws -> Tensor {
    let (units, features) = (units.count, value.shape[1])
    return try value.reshaped([units, features, 1]).expanded([units, features, times]).reshaped([units, features * times])
  }

  private func isPadded(_ node: Network.Node) -> Bool {
    guard case .subsamplePad = node.operation else { return false }
    return dependents[node.name] != nil
  }

  private mutating func consumeIfRead(_ value: Tensor?, _ node: Network.Node) throws {
    guard let value, consumers[node.name] != nil else { return }
    var hasBias = false
    switch node.operation {
    case .linear(let layer): hasBias = layer.bias
    case .convolution(let layer):
      if layer.padding != Extent(0) { try obstruct(value, because: "\(node.name) pads its input") }
      if layer.isTransposed {
        // What it makes of a constant differs from pixel to pixel.
        try obstruct(value, because: "\(node.name) is a transposed convolution")
        return
      }
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
    guard let mean = try part(.runningMean, of: node), let variance = try part(.runningVariance, of: node) else { return value }
    var result = try (value - mean) / (variance + norm.epsilon).squareRoot()
    if let scale = try part(.weight, of: node) { result = try result * scale }
    if let shift = try part(.bias, of: node) { result = try result + shift }
    return result
  }

  private func tensor(_ role: ParameterName.Role, of node: Network.Node) throws -> Tensor? {
    try model.tensors[ParameterName(node.module, role)]?.detached().cast(to: .float64)
  }

  /// Returns the numbers that a node has for the units, [units, features per unit]; nil if it has none.
  private func part(_ role: ParameterName.Role, of node: Network.Node) throws -> Tensor? {
    guard let member = dependents[node.name]?.first else { return nil }
    return try tensor(role, of: node)?.indexed(0, features(of: member)).reshaped([units.count, member.spread])
  }

  private mutating func obstruct(because reason: String) {
    for place in obstacles.indices { obstacles[place] = obstacles[place] ?? reason }
  }

  /// Records an obstacle for all units whose constant is not 0 here.
  private mutating func obstruct(_ value: Tensor, because reason: String) throws {
    let loud = try value.absolute().sum(1).array(Double.self)
    for (place, sum) in loud.enumerated() where sum != 0 && obstacles[place] == nil { obstacles[place] = reason }
  }

  private mutating func consume(_ value: Tensor, _ node: Network.Node, bias: Bool) throws {
    guard let member = consumers[node.name] else { return }
    if index.isShared(node.module) {
      try obstruct(value, because: "\(node.name) shares its weights")
      return
    }
    let weight = try model.tensor(ParameterName(node.module, .weight)).detached().indexed(1, features(of: member)).cast(to: .float64)
    // [outputs, units, features per unit]
    let perFeature = try (weight.rank == 4 ? weight.sum(2, 3) : weight).reshaped([weight.shape[0], units.count, member.spread])
    if bias {
      guard model.masks[ParameterName(node.module, .bias)] == nil else {
        try obstruct(value, because: "biases of \(node.name) are pruned")
        return
      }
      changes.append((ParameterName(node.module, .bias), 1, perFeature, value))
      return
    }
    let readers = index.consumers(of: node.name)
    if readers.count == 1, let norm = readers.first, case .batchNorm = norm.operation, !index.isOutput(node.name),
      model.masks[ParameterName(norm.module, .runningMean)] == nil
    {
      changes.append((ParameterName(norm.module, .runningMean), -1, perFeature, value))
    } else {
      try obstruct(value, because: "\(node.name) has no bias")
    }
  }

  /// Returns the changed tensors: with the constants of some of the units moved to their consumers.
  func folded(_ leaving: [Int]) throws -> [ParameterName: Tensor] {
    var result: [ParameterName: Tensor] = [:]
    let leavers = Set(leaving)
    let leaving = try Tensor(units.indices.filter { leavers.contains(units[$0]) }.map(Int64.init))
    for change in changes {
      let said = try (change.weight.indexed(1, leaving) * change.constants.indexed(0, leaving)).sum(1, 2)
      let old = try (result[change.parameter] ?? model.tensor(change.parameter)).detached()
      result[change.parameter] = try (old.cast(to: .float64) + said * change.sign).cast(to: old.elementType ?? .float32)
    }
    return result
  }
}
