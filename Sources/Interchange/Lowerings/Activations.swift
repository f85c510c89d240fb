internal import Networks

extension Lowering {
  /// Element-wise functions. Those that exporters write as several nodes begin here and end in `Mul` (``arithmetic``).
  static let activations = [
    plain("Relu", .relu), plain("Tanh", .tanh),
    Rule("Gelu") { lowering, node in
      guard node.text("approximate", "none") == "none" else { throw Refusal("it approximates by tanh") }
      return [try lowering.emit(.activation(.gelu), from: [lowering.feature(node)], as: node)]
    },
    Rule("Clip") { lowering, node in
      let bounds = try ["min", "max"].enumerated().map { index, name in
        try node.attributes[name] != nil ? node.real(name, 0) : lowering.numbers(node, index + 1)?.values.first
      }
      guard bounds[0] == 0, bounds[1] == 6 || (bounds[1] ?? 3e38) >= 3e38 else {
        let words = bounds.map { $0.map { "\($0)" } ?? "nothing" }
        throw Refusal("it clips between \(words[0]) and \(words[1]), and 0 and 6 are possible")
      }
      return [try lowering.emit(.activation(bounds[1] == 6 ? .relu6 : .relu), from: [lowering.feature(node)], as: node)]
    },
    Rule("Sigmoid") { lowering, node in [.partial(Partial(form: .sigmoid, source: try lowering.feature(node)))] },
    Rule("Swish") { lowering, node in
      guard node.real("alpha", 1) == 1 else { throw Refusal("its alpha is \(node.real("alpha", 1)), and 1 is possible") }
      return [try lowering.emit(.activation(.silu), from: [lowering.feature(node)], as: node)]
    },
    Rule("Erf") { lowering, node in
      guard case .partial(let partial)? = lowering.value(node, 0), case .scaled(let factor) = partial.form,
        abs(factor - 0.5.squareRoot()) < 1e-4
      else { throw Refusal("it is understood within GELU, x·(1 + erf(x/√2))/2") }
      return [.partial(Partial(form: .erf, source: partial.source))]
    },
    // The classifier is what feeds a last softmax; losses and temperatures begin there.
    Rule("Softmax") { lowering, node in
      let source = try lowering.feature(node)
      guard case .vector = lowering.shape(of: source), node.integer("axis", 1).axis(of: 2) == 1 else {
        throw Refusal("it is understood over the classes, as the last node")
      }
      return [.partial(Partial(form: .softmax, source: source))]
    },
  ]

  private static func plain(_ operation: String, _ function: Activation) -> Rule {
    Rule(operation) { lowering, node in [try lowering.emit(.activation(function), from: [lowering.feature(node)], as: node)] }
  }
}
