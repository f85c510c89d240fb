internal import Networks

extension Lowering {
  /// Sums, and the ends of formulas that take several nodes: biases, SiLU, GELU.
  static let arithmetic = [
    Rule("Add") { lowering, node in
      for (index, other) in [(0, 1), (1, 0)] {
        guard case .constant(let constant)? = lowering.value(node, other) else { continue }
        if case .partial(let partial)? = lowering.value(node, index), partial.form == .erf, try constant.numbers() == [1] {
          return [.partial(Partial(form: .erfPlusOne(1), source: partial.source))]
        }
        try lowering.settle(node.inputs[index])
        let source = try lowering.feature(node, index)
        if lowering.absorbBias(constant, into: source, input: index, of: node) { return [.feature(source)] }
        if constant.count == 1, try constant.numbers() == [3] { return [.partial(Partial(form: .raised, source: source))] }
        guard lowering.isPerChannel(constant, of: source) else {
          throw Refusal("it adds a constant of shape \(constant.dimensions), and one number for each channel is possible")
        }
        let channels = lowering.shape(of: source).channels
        let ones = ONNXTensor("one", dimensions: [channels], numbers: Array(repeating: 1, count: channels), isInteger: false)
        let parameters = [(ParameterName.Role.weight, Weight(tensor: ones)), (.bias, Weight(tensor: constant))]
        return [try lowering.layer(.channelAffine(ChannelAffine(channels)), from: source, as: node, parameters)]
      }
      for input in node.inputs { try lowering.settle(input) }
      return [try lowering.sum(node)]
    },
    Rule("Sum") { lowering, node in [node.inputs.count == 1 ? .feature(try lowering.feature(node)) : try lowering.sum(node)] },
    Rule("Mul") { lowering, node in
      for (index, other) in [(0, 1), (1, 0)] {
        guard case .constant(let constant)? = lowering.value(node, other) else { continue }
        if constant.count == 1, let factor = try constant.numbers()?.first { return [try lowering.multiple(node, index, factor)] }
        try lowering.settle(node.inputs[index])
        let source = try lowering.feature(node, index)
        guard lowering.isPerChannel(constant, of: source) else {
          throw Refusal("it multiplies by a constant of shape \(constant.dimensions), and one number for each channel is possible")
        }
        let scale = Operation.channelAffine(ChannelAffine(constant.count, bias: false))
        return [try lowering.layer(scale, from: source, as: node, [(.weight, Weight(tensor: constant))])]
      }
      return [try lowering.product(node)]
    },
    Rule("Sub") { lowering, node in
      let sources = try [lowering.feature(node, 0), lowering.feature(node, 1)]
      return [try lowering.emit(.subtract, from: sources, as: node, isModule: false)]
    },
    Rule("Div") { lowering, node in
      guard let constant = try lowering.constant(node, 1), constant.count == 1, let divisor = try constant.numbers()?.first, divisor != 0
      else {
        throw Refusal("it divides by other than a number")
      }
      return [try lowering.multiple(node, 0, 1 / divisor)]
    },
  ]

  private mutating func sum(_ node: ONNXGraph.Node) throws -> Value {
    let sources = try node.inputs.indices.map { try feature(node, $0) }
    guard Set(sources.map { shape(of: $0) }).count == 1 else {
      throw Refusal("it adds values of shapes \(sources.map { shape(of: $0).description }.joined(separator: " and "))")
    }
    return try emit(.add, from: sources, as: node, isModule: false)
  }

  /// A value times a number: the first or the last step of GELU.
  private mutating func multiple(_ node: ONNXGraph.Node, _ index: Int, _ factor: Double) throws -> Value {
    guard case .partial(let partial)? = value(node, index) else {
      let source = try feature(node, index)
      return factor == 1 ? .feature(source) : .partial(Partial(form: .scaled(factor), source: source))
    }
    switch partial.form {
    case .scaled(let before): return .partial(Partial(form: .scaled(before * factor), source: partial.source))
    case .erfPlusOne(let before): return .partial(Partial(form: .erfPlusOne(before * factor), source: partial.source))
    case .gated(let before): return try gelu(before * factor, partial.source, node)
    case .ramp(let before): return .partial(Partial(form: .ramp(before * factor), source: partial.source))
    case .ramped(let before): return try hardSwish(before * factor, partial.source, node)
    default: throw Refusal("it multiplies \(partial.words)")
    }
  }

  /// The product of two values, of which one is a function of the other.
  private mutating func product(_ node: ONNXGraph.Node) throws -> Value {
    for (index, other) in [(0, 1), (1, 0)] {
      guard case .partial(let gate)? = value(node, other) else { continue }
      var (factor, source) = (1.0, String?.none)
      switch value(node, index) {
      case .feature(let name)?: source = name
      case .partial(let partial)?: if case .scaled(let number) = partial.form { (factor, source) = (number, partial.source) }
      case .constant?, .unknown?, nil: break
      }
      guard source == gate.source else { continue }
      switch gate.form {
      case .sigmoid where factor == 1: return try emit(.activation(.silu), from: [gate.source], as: node, isModule: false)
      case .erfPlusOne(let number): return try gelu(number * factor, gate.source, node)
      case .ramp(let number): return try hardSwish(number * factor, gate.source, node)
      default: continue
      }
    }
    for input in node.inputs { try settle(input) }
    let sources = try [feature(node, 0), feature(node, 1)]
    let shapes = sources.map { shape(of: $0) }
    if shapes[0] == shapes[1] { return try emit(.multiply, from: sources, as: node, isModule: false) }
    for (index, other) in [(0, 1), (1, 0)] where shapes[other] == .image(channels: shapes[index].channels, height: 1, width: 1) {
      // The gate of a squeeze-and-excitation block.
      return try emit(.multiply, from: [sources[index], sources[other]], as: node, isModule: false)
    }
    throw Refusal("it multiplies values of shapes \(shapes[0]) and \(shapes[1])")
  }

  /// c·x·min(max(x + 3, 0), 6): a hard swish, or what becomes it when it is divided by 6.
  private mutating func hardSwish(_ factor: Double, _ source: String, _ node: ONNXGraph.Node) throws -> Value {
    guard abs(factor - 1 / 6) < 1e-4 else { return .partial(Partial(form: .ramped(factor), source: source)) }
    return try emit(.activation(.hardSwish), from: [source], as: node, isModule: false)
  }

  /// c·x·(1 + erf(x/√2)): GELU, or what becomes it when it is halved.
  private mutating func gelu(_ factor: Double, _ source: String, _ node: ONNXGraph.Node) throws -> Value {
    guard abs(factor - 0.5) < 1e-4 else { return .partial(Partial(form: .gated(factor), source: source)) }
    return try emit(.activation(.gelu), from: [source], as: node, isModule: false)
  }
}
