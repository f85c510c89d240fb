internal import Networks
internal import Words

extension Lowering {
  /// Element-wise functions. Those that exporters write as several nodes begin here and end in `Mul` (``arithmetic``).
  static let activations = [
    plain("Relu", .relu), plain("HardSwish", .hardSwish), plain("Softplus", .softplus), plain("Mish", .mish),
    Rule("LeakyRelu") { lowering, node in
      [.feature(try lowering.emit(.activation(.leakyReLU(slope: node.real("alpha", 0.01))), over: lowering.view(node), as: node))]
    },
    Rule("Elu") { lowering, node in
      [.feature(try lowering.emit(.activation(.elu(alpha: node.real("alpha", 1))), over: lowering.view(node), as: node))]
    },
    Rule("HardSigmoid") { lowering, node in
      let (alpha, beta) = (node.real("alpha", 0.2), node.real("beta", 0.5))
      guard beta == 0.5 else { return [try lowering.opaque(.hardSigmoid, node, alpha, beta)] }
      // Written with six digits or so, PyTorch's slope is the beginning of its hard swish.
      if abs(alpha - 1 / 6) < 1e-4 { return [.partial(Partial(form: .ramp(1 / 6), view: try lowering.view(node)))] }
      return [.feature(try lowering.emit(.activation(.hardSigmoid(slope: alpha)), over: lowering.view(node), as: node))]
    },
    Rule("PRelu") { lowering, node in
      let source = try lowering.view(node)
      guard let slope = try lowering.constant(node, 1) else { throw Refusal("its slope is missing") }
      guard slope.count == 1 || lowering.network.isPerChannel(slope, of: source) else {
        throw Refusal("its slope of shape \(slope.dimensions) is not one for each channel")
      }
      return [.feature(try lowering.layer(.prelu(PReLU(slope.count)), over: source, as: node, [(.weight, Weight(tensor: slope))]))]
    },
    Rule("Gelu") { lowering, node in
      let function: Activation
      switch node.text("approximate", "none") {
      case "none": function = .gelu
      case "tanh": function = .tanhGELU
      case let other: throw Refusal("it approximates by \(other.quoted), and none and tanh are possible")
      }
      return [.feature(try lowering.emit(.activation(function), over: lowering.view(node), as: node))]
    },
    Rule("Tanh") { lowering, node in
      let cubic = try lowering.view(node)
      if let view = try lowering.variableOfGELU(node) { return [.partial(Partial(form: .curve(.tanh(of: cubic)), view: view))] }
      return [.feature(try lowering.emit(.activation(.tanh), over: cubic, as: node))]
    },
    Rule("Clip") { lowering, node in
      let bounds = try ["min", "max"].enumerated().map { index, name in
        try node.attributes[name] != nil ? node.real(name, 0) : lowering.numbers(node, index + 1)?.values.first
      }
      if case .partial(let partial)? = lowering.value(node, 0), partial.form == .raised, bounds == [0, 6] {
        return [.partial(Partial(form: .ramp(1), view: partial.view))]
      }
      // A least length, by which division is safe.
      if case .partial(let partial)? = lowering.value(node, 0), case .length(let least) = partial.form, bounds[0] ?? 0 <= 1e-4,
        bounds[1] == nil
      {
        return [.partial(Partial(form: .length(least: max(least, bounds[0] ?? 0)), view: partial.view))]
      }
      if let input = node.inputs.first { try lowering.settle(input) }
      guard bounds[0] == 0, bounds[1] == 6 || (bounds[1] ?? 3e38) >= 3e38 else {
        let (low, high) = (max(bounds[0] ?? -bound, -bound), min(bounds[1] ?? bound, bound))
        return [try lowering.opaque(.clip, node, low, high)]
      }
      return [.feature(try lowering.emit(.activation(bounds[1] == 6 ? .relu6 : .relu), over: lowering.view(node), as: node))]
    },
    Rule("Sigmoid") { lowering, node in [.partial(Partial(form: .sigmoid, view: try lowering.view(node)))] },
    Rule("Swish") { lowering, node in
      guard node.real("alpha", 1) == 1 else { throw Refusal("its alpha is \(node.real("alpha", 1)), and 1 is possible") }
      return [.feature(try lowering.emit(.activation(.silu), over: lowering.view(node), as: node))]
    },
    Rule("Erf") { lowering, node in
      guard case .partial(let partial)? = lowering.value(node, 0), case .scaled(let factor) = partial.form,
        abs(factor - 0.5.squareRoot()) < 1e-4
      else { return [try lowering.opaque(.erf, node)] }
      return [.partial(Partial(form: .curve(.exact), view: partial.view))]
    },
    // The classifier is what feeds a last softmax; losses and temperatures begin there.
    Rule("Softmax") { lowering, node in
      let isEarly = lowering.graph.opset < 13
      if case .partial(let partial)? = lowering.value(node, 0), case .scores(let scores) = partial.form {
        let last = partial.view.axes.count - 1
        guard [last, -1].contains(node.integer("axis", isEarly ? 1 : -1)) else { throw Refusal("it does not compare keys") }
        return [.partial(Partial(form: .attention(scores), view: partial.view))]
      }
      if let input = node.inputs.first { try lowering.settle(input) }
      let view = try lowering.view(node)
      let rank = view.axes.count
      // Before version 13 everything behind the axis was one.
      guard let axis = node.integer("axis", isEarly ? 1 : -1).axis(of: rank), axis == rank - 1 || !isEarly,
        view.isWhole(axis, .channels, lowering.network.shape(of: view.source).channels)
      else {
        throw Refusal("it is understood over the channels")
      }
      return [.partial(Partial(form: .softmax, view: view))]
    },
  ]

  private static func plain(_ operation: String, _ function: Activation) -> Rule {
    Rule(operation) { lowering, node in [.feature(try lowering.emit(.activation(function), over: lowering.view(node), as: node))] }
  }
}
