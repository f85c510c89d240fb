internal import Networks

extension Lowering {
  /// Sums and products, and the ends of formulas that take several nodes: biases, SiLU, GELU.
  static let arithmetic = [
    Rule("Add") { lowering, node in
      for (index, other) in [(0, 1), (1, 0)] {
        guard case .constant(let constant)? = lowering.value(node, other) else { continue }
        if case .partial(let partial)? = lowering.value(node, index), case .scores(let scores) = partial.form {
          return [try lowering.biased(scores, of: partial.view, by: constant)]
        }
        if case .partial(let partial)? = lowering.value(node, index), case .curve(let curve) = partial.form, try constant.numbers() == [1] {
          return [.partial(Partial(form: .curvePlusOne(curve, 1), view: partial.view))]
        }
        if case .partial(let partial)? = lowering.value(node, index), partial.form == .variance(epsilon: nil), constant.count == 1,
          let epsilon = try constant.numbers()?.first
        {
          return [.partial(Partial(form: .variance(epsilon: epsilon), view: partial.view))]
        }
        if let sum = try lowering.affine(node, index, plus: other) { return [sum] }
        try lowering.settle(node.inputs[index])
        let view = try lowering.view(node, index)
        if lowering.absorbBias(constant, into: view, input: index, of: node) { return [.feature(view)] }
        if constant.count == 1, try constant.numbers() == [3] { return [.partial(Partial(form: .raised, view: view))] }
        return [try lowering.shifted(view, by: Weight(tensor: constant), node)]
      }
      for input in node.inputs { try lowering.settle(input) }
      return [try lowering.sum(.add, node)]
    },
    Rule("Sum") { lowering, node in [node.inputs.count == 1 ? .feature(try lowering.view(node)) : try lowering.sum(.add, node)] },
    Rule("Mul") { lowering, node in
      for (index, other) in [(0, 1), (1, 0)] {
        guard case .constant(let constant)? = lowering.value(node, other) else { continue }
        if case .partial(let partial)? = lowering.value(node, index), case .scores(let scores) = partial.form,
          constant.count > 1 || scores.isCosine && !constant.dimensions.isEmpty
        {
          return [try lowering.weighted(scores, of: partial.view, by: constant)]
        }
        if constant.count == 1, let factor = try constant.numbers()?.first { return [try lowering.multiple(node, index, factor)] }
        try lowering.settle(node.inputs[index])
        let view = try lowering.view(node, index)
        guard lowering.network.isPerChannel(constant, of: view) else {
          throw Refusal("it multiplies by a constant of shape \(constant.dimensions), and one number for each channel is possible")
        }
        let scale = Operation.channelAffine(ChannelAffine(constant.count, bias: false))
        return [.feature(try lowering.layer(scale, over: view, as: node, [(.weight, Weight(tensor: constant))]))]
      }
      return [try lowering.product(node)]
    },
    Rule("Sub") { lowering, node in
      if case .partial(let partial)? = lowering.value(node, 1), partial.form == .mean,
        case .feature(partial.view)? = lowering.value(node, 0)
      {
        return [.partial(Partial(form: .centred, view: partial.view))]
      }
      if let difference = try lowering.affine(node, 0, plus: 1, -1) ?? lowering.affine(node, 1, -1, plus: 0) { return [difference] }
      for input in node.inputs { try lowering.settle(input) }
      if case .constant(let constant)? = lowering.value(node, 0), let view = try? lowering.view(node, 1) {
        return [try lowering.subtracted(view, from: constant, node)]
      }
      guard let constant = try? lowering.constant(node, 1) else { return [try lowering.sum(.subtract, node)] }
      return [try lowering.shifted(lowering.view(node), by: Weight(tensor: constant, factor: -1), node)]
    },
    Rule("Neg") { lowering, node in [try lowering.multiple(node, 0, -1)] },
    Rule("Div") { lowering, node in
      if case .partial(let partial)? = lowering.value(node, 1), case .length(let least) = partial.form,
        case .feature(partial.view)? = lowering.value(node, 0)
      {
        return [.partial(Partial(form: .unit(least: least), view: partial.view))]
      }
      if case .partial(let partial)? = lowering.value(node, 1), case .deviation(let epsilon) = partial.form,
        case .partial(let centred)? = lowering.value(node, 0), centred.form == .centred, centred.view == partial.view
      {
        let norm = ChannelNorm(lowering.network.shape(of: partial.view.source).channels, epsilon: epsilon, affine: false)
        return [.feature(try lowering.emit(.channelNorm(norm), over: partial.view, as: node))]
      }
      if case .constant(let constant)? = lowering.value(node, 0) {
        // c/x.
        guard constant.count == 1, let factor = try constant.numbers()?.first else {
          throw Refusal("it divides a constant of shape \(constant.dimensions), and one number is possible")
        }
        if node.inputs.count > 1 { try lowering.settle(node.inputs[1]) }
        let view = try lowering.view(node, 1)
        let inverse = try lowering.emit(.opaque(OpaqueFunction(.reciprocal)), over: view, as: node)
        return [factor == 1 ? .feature(inverse) : .partial(Partial(form: .scaled(factor), view: inverse))]
      }
      guard case .constant? = lowering.value(node, 1) else { return [try lowering.paired(OpaqueFunction(.divide), node)] }
      guard let constant = try lowering.constant(node, 1), let divisors = try constant.numbers(), divisors.allSatisfy({ $0 != 0 }) else {
        throw Refusal("it divides by 0, or by a large constant")
      }
      if let divisor = divisors.first, divisors.count == 1 { return [try lowering.multiple(node, 0, 1 / divisor)] }
      if let input = node.inputs.first { try lowering.settle(input) }
      let view = try lowering.view(node)
      guard lowering.network.isPerChannel(constant, of: view) else {
        throw Refusal("it divides by a constant of shape \(constant.dimensions), and one number for each channel is possible")
      }
      let scale = ONNXTensor(constant.name, dimensions: constant.dimensions, numbers: divisors.map { 1 / $0 }, isInteger: false)
      let layer = Operation.channelAffine(ChannelAffine(constant.count, bias: false))
      return [.feature(try lowering.layer(layer, over: view, as: node, [(.weight, Weight(tensor: scale))]))]
    },
  ]

  /// A value plus a constant: a number, one for each channel, or one for each channel at each position.
  private mutating func shifted(_ view: View, by shift: Weight, _ node: ONNXGraph.Node) throws -> Value {
    let (constant, shape) = (shift.tensor, network.shape(of: view.source))
    if constant.count == 1, let number = try constant.numbers()?.first { return try affine(view, plus: number * shift.factor, node) }
    guard network.isPerChannel(constant, of: view) else { return try embedded(view, shift, node) }
    let scale = Weight(tensor: ONNXTensor("one", repeating: 1, count: shape.channels))
    return .feature(try layer(.channelAffine(ChannelAffine(shape.channels)), over: view, as: node, [(.weight, scale), (.bias, shift)]))
  }

  /// A constant minus a value: a number, or one for each channel.
  private mutating func subtracted(_ view: View, from constant: ONNXTensor, _ node: ONNXGraph.Node) throws -> Value {
    let channels = network.shape(of: view.source).channels
    let shift = Weight(tensor: constant)
    if constant.count == 1, let number = try constant.numbers()?.first { return try affine(view, -1, plus: number, node) }
    guard network.isPerChannel(constant, of: view) else {
      throw Refusal("it subtracts from a constant of shape \(constant.dimensions), and one number for each channel is possible")
    }
    let scale = Weight(tensor: ONNXTensor("minus", repeating: -1, count: channels))
    return .feature(try layer(.channelAffine(ChannelAffine(channels)), over: view, as: node, [(.weight, scale), (.bias, shift)]))
  }

  /// A value times a number and plus another, which stay what they are.
  private mutating func affine(_ view: View, _ factor: Double = 1, plus shift: Double, _ node: ONNXGraph.Node) throws -> Value {
    if factor == 1, shift == 0 { return .feature(view) }
    return .feature(try emit(.activation(.affine(scale: factor, shift: shift)), over: view, as: node, isModule: false))
  }

  /// A multiple of a value plus or minus a number, or a number minus it; nil if one operand is no multiple, or the other no number.
  private mutating func affine(
    _ node: ONNXGraph.Node, _ index: Int, _ sign: Double = 1, plus other: Int, _ otherSign: Double = 1
  ) throws -> Value? {
    guard case .partial(let partial)? = value(node, index), case .scaled(let factor) = partial.form,
      case .constant(let constant)? = value(node, other), constant.count == 1, let number = try constant.numbers()?.first
    else { return nil }
    return try affine(partial.view, sign * factor, plus: otherSign * number, node)
  }

  /// A value plus a number for each channel at each position.
  private mutating func embedded(_ view: View, _ shift: Weight, _ node: ONNXGraph.Node) throws -> Value {
    let constant = shift.tensor
    let refusal = Refusal(
      "it adds a constant of shape \(constant.dimensions), and one number for each channel, at all positions or at each, is possible")
    let sizes = Array(repeating: 1, count: max(view.axes.count - constant.dimensions.count, 0)) + constant.dimensions
    guard case .image(let channels, let height, let width) = network.shape(of: view.source), view.axes.count > 1,
      sizes.count == view.axes.count,
      view.isWhole(0, .batch, batch), sizes[0] == 1, Array(sizes[1...]) == Array(view.sizes[1...])
    else { throw refusal }
    var shift = shift
    // [channels, positions] in either order.
    let rest = View(view.source, [view.axes[1...].flatMap(\.self)])
    let all = [View.Factor(axis: .channels, size: channels), View.Factor(axis: .positions, size: height * width)].filter { $0.size > 1 }
    if rest.axes[0] == all.reversed() {
      shift.turned = ([height * width, channels], [1, 0])
    } else if rest.axes[0] != all {
      throw refusal
    }
    let embedding = PositionEmbedding(channels, height: height, width: width)
    return .feature(try layer(.positionEmbedding(embedding), over: view, as: node, [(.weight, shift)]))
  }

  private mutating func sum(_ operation: Operation, _ node: ONNXGraph.Node) throws -> Value {
    let views = try node.inputs.indices.map { try view(node, $0) }
    if let first = views.first,
      views.allSatisfy({ $0.axes == first.axes && network.shape(of: $0.source) == network.shape(of: first.source) })
    {
      let value = try emit(operation, from: views.map(\.source), as: node, isModule: false)
      return .feature(first.of(value.source))
    }
    if views.count == 2, let sum = try meeting(OpaqueFunction(operation == .add ? .add : .subtract), views[0], views[1], node) {
      return .feature(sum)
    }
    let sources = try node.inputs.indices.map { try feature(node, $0) }
    guard Set(sources.map { network.shape(of: $0) }).count == 1 else {
      throw Refusal("it adds values of shapes \(sources.map { network.shape(of: $0).description }.joined(separator: " and "))")
    }
    return .feature(try emit(operation, from: sources, as: node, isModule: false))
  }

  /// A value times a number: the first or the last step of GELU, or the scale of attention.
  private mutating func multiple(_ node: ONNXGraph.Node, _ index: Int, _ factor: Double) throws -> Value {
    guard case .partial(let partial)? = value(node, index) else {
      let view = try view(node, index)
      return factor == 1 ? .feature(view) : .partial(Partial(form: .scaled(factor), view: view))
    }
    func part(_ form: Partial.Form, of view: View? = nil) -> Value { .partial(Partial(form: form, view: view ?? partial.view)) }
    switch partial.form {
    case .scaled(let before): return part(.scaled(before * factor))
    case .curvePlusOne(let curve, let before): return part(.curvePlusOne(curve, before * factor))
    case .gated(let curve, let before): return try gelu(curve, before * factor, partial.view, node)
    case .ramp(let before): return part(.ramp(before * factor))
    case .ramped(let before): return try hardSwish(before * factor, partial.view, node)
    case .scores(var scores) where scores.bias == nil && scores.window?.shift ?? Extent(0) == Extent(0):
      scores.factor *= factor
      return part(.scores(scores))
    default:
      // What is an operation by itself has multiples, too.
      try settle(node.inputs[index])
      guard case .feature(let view)? = value(node, index) else { throw Refusal("it multiplies \(partial.words)") }
      return part(.scaled(factor), of: view)
    }
  }

  /// The product of two values, of which one is a function of the other.
  private mutating func product(_ node: ONNXGraph.Node) throws -> Value {
    if case .partial(let one)? = value(node, 0), case .partial(let other)? = value(node, 1), one.form == .centred, other.form == .centred,
      one.view == other.view
    {
      return .partial(Partial(form: .squares, view: one.view))
    }
    for (index, other) in [(0, 1), (1, 0)] {
      guard case .partial(let gate)? = value(node, other) else { continue }
      var (factor, source) = (1.0, View?.none)
      switch value(node, index) {
      case .feature(let view)?: source = view
      case .partial(let partial)?: if case .scaled(let number) = partial.form { (factor, source) = (number, partial.view) }
      case .constant?, .places?, .unknown?, nil: break
      }
      guard source == gate.view else { continue }
      switch gate.form {
      case .sigmoid where factor == 1: return .feature(try emit(.activation(.silu), over: gate.view, as: node, isModule: false))
      case .curvePlusOne(let curve, let number): return try gelu(curve, number * factor, gate.view, node)
      case .ramp(let number): return try hardSwish(number * factor, gate.view, node)
      default: continue
      }
    }
    for input in node.inputs { try settle(input) }
    let views = try [view(node, 0), view(node, 1)]
    if views[0].axes == views[1].axes, network.shape(of: views[0].source) == network.shape(of: views[1].source) {
      let value = try emit(.multiply, from: views.map(\.source), as: node, isModule: false)
      return .feature(views[0].of(value.source))
    }
    for (index, other) in [(0, 1), (1, 0)] {
      // The gate of a squeeze-and-excitation block: one number for each channel.
      let (features, gate) = (views[index], views[other])
      let gated = features.axes.map { axis in axis.filter { $0.axis != .positions } }
      guard case .image(let channels, _, _) = network.shape(of: features.source),
        network.shape(of: gate.source) == .image(channels: channels, height: 1, width: 1)
          || network.shape(of: gate.source) == .vector(channels),
        gate.axes == gated
      else { continue }
      let value = try emit(.multiply, from: [features.source, gate.source], as: node, isModule: false)
      return .feature(features.of(value.source))
    }
    if let product = try meeting(OpaqueFunction(.multiply), views[0], views[1], node) { return .feature(product) }
    throw Refusal("it multiplies values of shapes \(network.shape(of: views[0].source)) and \(network.shape(of: views[1].source))")
  }

  /// c·x·min(max(x + 3, 0), 6): a hard swish, or what becomes it when it is divided by 6.
  private mutating func hardSwish(_ factor: Double, _ view: View, _ node: ONNXGraph.Node) throws -> Value {
    guard abs(factor - 1 / 6) < 1e-4 else { return .partial(Partial(form: .ramped(factor), view: view)) }
    return .feature(try emit(.activation(.hardSwish), over: view, as: node, isModule: false))
  }

  /// c·x·(1 + g(x)): GELU, or what becomes it when it is halved.
  private mutating func gelu(_ curve: GELUCurve, _ factor: Double, _ view: View, _ node: ONNXGraph.Node) throws -> Value {
    guard abs(factor - 0.5) < 1e-4 else { return .partial(Partial(form: .gated(curve, factor), view: view)) }
    return .feature(try emit(.activation(curve == .exact ? .gelu : .tanhGELU), over: view, as: node, isModule: false))
  }

  /// The variable x of a node that computes tanh(√(2/π)·(x + 0.044715·x³)), the curve of an approximated GELU; nil for any other.
  func variableOfGELU(_ node: ONNXGraph.Node) throws -> View? {
    guard let input = node.inputs.first, let sum = try multiplied(input, by: (2 / Double.pi).squareRoot()),
      let addition = graph.writer(of: sum), addition.operation == "Add", addition.inputs.count == 2
    else { return nil }
    for (index, other) in [(0, 1), (1, 0)] {
      guard case .feature(let view)? = value(addition, index), let cube = try multiplied(addition.inputs[other], by: 0.044715),
        try isCube(cube, of: addition.inputs[index])
      else { continue }
      return view
    }
    return nil
  }

  /// The value that a value is a multiple of by a number; nil if it is none.
  private func multiplied(_ name: String, by factor: Double) throws -> String? {
    guard let node = graph.writer(of: name), node.operation == "Mul", node.inputs.count == 2 else { return nil }
    for (index, other) in [(0, 1), (1, 0)] {
      guard case .constant(let constant)? = value(node, other), constant.count == 1, let number = try constant.numbers()?.first else {
        continue
      }
      return abs(number - factor) < 1e-4 ? node.inputs[index] : nil
    }
    return nil
  }

  /// Whether a value is x³ of another.
  private func isCube(_ name: String, of x: String) throws -> Bool {
    guard let node = graph.writer(of: name), node.inputs.count == 2 else { return false }
    switch node.operation {
    case "Pow":
      guard node.inputs[0] == x, case .constant(let exponent)? = value(node, 1), exponent.count == 1 else { return false }
      return try exponent.numbers() == [3]
    case "Mul":
      guard node.inputs.contains(x), let square = node.inputs.first(where: { $0 != x }), let product = graph.writer(of: square) else {
        return false
      }
      return product.operation == "Mul" && product.inputs == [x, x]
    default: return false
    }
  }
}
