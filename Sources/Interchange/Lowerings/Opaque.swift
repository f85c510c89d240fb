internal import Networks

extension Lowering {
  /// ONNX operations of single elements that are opaque here, without numbers.
  static let plainOpaque: [String: OpaqueFunction.Name] = [
    "Abs": .abs, "Reciprocal": .reciprocal, "Exp": .exp, "Log": .log, "Sin": .sin, "Cos": .cos, "Tan": .tan, "Asin": .asin, "Acos": .acos,
    "Atan": .atan, "Sinh": .sinh, "Cosh": .cosh, "Asinh": .asinh, "Acosh": .acosh, "Atanh": .atanh, "Sign": .sign, "Floor": .floor,
    "Ceil": .ceil, "Round": .round, "Softsign": .softsign,
  ]

  /// ONNX operations that make one channel of all.
  static let reductions: [String: OpaqueFunction.Name] = [
    "ReduceSum": .channelSum, "ReduceMin": .channelMin, "ReduceL1": .channelL1, "ReduceL2": .channelL2, "ReduceProd": .channelProduct,
    "ReduceLogSumExp": .channelLogSumExp,
  ]

  /// Functions that run as they are, and keep the channels that they read.
  static let opaque: [Rule] =
    plainOpaque.map { operation, name in
      Rule(operation) { lowering, node in [try lowering.opaque(name, node)] }
    }
    + reductions.map { operation, name in
      Rule(operation) { lowering, node in [try lowering.reduced(node, to: OpaqueFunction(name))] }
    }
    + [
      Rule("Selu") { lowering, node in
        let isEarly = lowering.graph.opset < 6
        let alpha = node.real("alpha", isEarly ? 1.6732 : 1.67326319217681884765625)
        let gamma = node.real("gamma", isEarly ? 1.0507 : 1.05070102214813232421875)
        return [try lowering.opaque(.selu, node, alpha, gamma)]
      },
      Rule("Celu") { lowering, node in
        let alpha = node.real("alpha", 1)
        guard alpha > 0 else { throw Refusal("its alpha is \(alpha), and a positive one is possible") }
        return [try lowering.opaque(.celu, node, alpha)]
      },
      Rule("ThresholdedRelu") { lowering, node in [try lowering.opaque(.thresholdedReLU, node, node.real("alpha", 1))] },
      Rule("Shrink") { lowering, node in [try lowering.opaque(.shrink, node, node.real("lambd", 0.5), node.real("bias", 0))] },
      Rule("LogSoftmax") { lowering, node in
        let view = try lowering.view(node)
        let isEarly = lowering.graph.opset < 13
        // Before version 13 everything behind the axis was one.
        let axis = try lowering.channelAxis(node.integer("axis", isEarly ? 1 : -1), of: view)
        guard axis == view.axes.count - 1 || !isEarly else { throw Refusal("it is understood over the channels alone") }
        return [.feature(try lowering.emit(.opaque(OpaqueFunction(.logSoftmax)), over: view, as: node))]
      },
      Rule("LpNormalization") { lowering, node in
        let view = try lowering.view(node)
        _ = try lowering.channelAxis(node.integer("axis", -1), of: view)
        let order = node.integer("p", 2)
        guard [1, 2].contains(order) else { throw Refusal("its p is \(order), and 1 and 2 are possible") }
        return [.feature(try lowering.emit(.opaque(OpaqueFunction(.lpNormalize, Double(order))), over: view, as: node))]
      },
      Rule("CumSum") { lowering, node in
        let view = try lowering.view(node)
        guard let axis = try lowering.numbers(node, 1)?.values.first, abs(axis) < 8 else { throw Refusal("its axis is missing") }
        _ = try lowering.channelAxis(Int(axis), of: view)
        let flags = ["exclusive", "reverse"].map { node.integer($0, 0) == 0 ? 0.0 : 1 }
        return [.feature(try lowering.emit(.opaque(OpaqueFunction(.cumulativeSum, flags[0], flags[1])), over: view, as: node))]
      },
      // Σx², and ln Σx.
      Rule("ReduceSumSquare") { lowering, node in
        let view = try lowering.view(node)
        let squares = try lowering.emit(.multiply, from: [view.source, view.source], as: node, isModule: false)
        return [try lowering.reduced(view.of(squares.source), to: OpaqueFunction(.channelSum), node)]
      },
      Rule("ReduceLogSum") { lowering, node in
        guard case .feature(let sum) = try lowering.reduced(node, to: OpaqueFunction(.channelSum)) else { throw Unknown() }
        return [.feature(try lowering.emit(.opaque(OpaqueFunction(.log)), over: sum, as: node))]
      },
      Rule("ReduceMax") { lowering, node in
        let axes = node.axes(try lowering.operands(node)) ?? []
        let view = try lowering.view(node)
        if let pooled = try lowering.pooled(view, over: axes, by: .adaptiveMaxPool(height: 1, width: 1), node) { return [pooled] }
        return [try lowering.reduced(view, to: OpaqueFunction(.channelMax), node)]
      },
      extremum("Max", .maximum) { OpaqueFunction(.clip, $0, bound) },
      extremum("Min", .minimum) { OpaqueFunction(.clip, -bound, $0) },
    ]

  /// What ONNX means by no bound: float32's largest number.
  static let bound = Double(Float.greatestFiniteMagnitude)

  /// The largest or smallest of any number of values, and of numbers.
  private static func extremum(
    _ operation: String, _ name: OpaqueFunction.Name, _ bounded: @escaping @Sendable (Double) -> OpaqueFunction
  ) -> Rule {
    Rule(operation) { lowering, node in
      var (views, number) = ([View](), Double?.none)
      for index in node.inputs.indices {
        guard case .constant(let constant)? = lowering.value(node, index) else {
          views.append(try lowering.view(node, index))
          continue
        }
        guard constant.count == 1, let next = try constant.numbers()?.first else {
          throw Refusal("it compares with a constant of shape \(constant.dimensions), and one number is possible")
        }
        number = number.map { name == .maximum ? max($0, next) : min($0, next) } ?? next
      }
      guard var result = views.first else { throw Refusal("it reads no value of a layer") }
      for other in views.dropFirst() { result = try lowering.paired(OpaqueFunction(name), result, other, node) }
      guard let number else { return [.feature(result)] }
      let isReLU = name == .maximum && number == 0
      return [.feature(try lowering.emit(isReLU ? .activation(.relu) : .opaque(bounded(number)), over: result, as: node))]
    }
  }

  /// Appends an opaque function of single elements.
  mutating func opaque(_ name: OpaqueFunction.Name, _ node: ONNXGraph.Node, _ numbers: Double...) throws -> Value {
    if let input = node.inputs.first { try settle(input) }
    return .feature(try emit(.opaque(OpaqueFunction(name, numbers: numbers)), over: view(node), as: node))
  }

  /// The axis that has all channels of a view and nothing else.
  ///
  /// - Throws: ``Refusal`` for another axis.
  func channelAxis(_ index: Int, of view: View) throws -> Int {
    guard let axis = index.axis(of: view.axes.count), view.isWhole(axis, .channels, network.shape(of: view.source).channels) else {
      throw Refusal("it computes along axis \(index) of (\(view.words)), and all channels are possible")
    }
    return axis
  }

  /// Appends a reduction of all channels to one.
  mutating func reduced(_ node: ONNXGraph.Node, to function: OpaqueFunction) throws -> Value {
    try reduced(view(node), to: function, node)
  }

  /// Appends a reduction of all channels of a view to one.
  mutating func reduced(_ view: View, to function: OpaqueFunction, _ node: ONNXGraph.Node) throws -> Value {
    let axes = node.axes(try operands(node)) ?? []
    let gone = Set(axes.compactMap { $0.axis(of: view.axes.count) })
    let factors = gone.flatMap { view.axes[$0] }
    guard !gone.isEmpty, gone.count == axes.count, factors.allSatisfy({ $0.axis == .channels }),
      factors.reduce(1, { $0 * $1.size }) == network.shape(of: view.source).channels
    else {
      let words = axes.isEmpty ? "all axes" : "axes \(axes)"
      throw Refusal("it computes over \(words) of (\(view.words)), and all channels are possible")
    }
    var result = try emit(.opaque(function), from: [view.source], as: node, isModule: false)
    let isKept = node.integer("keepdims", 1) != 0
    result.axes = view.axes.indices.compactMap { gone.contains($0) ? isKept ? [] : nil : view.axes[$0] }
    return .feature(result)
  }

  /// Appends a function of two values that have one shape, or of which one is the same for all channels or positions.
  mutating func paired(_ function: OpaqueFunction, _ node: ONNXGraph.Node) throws -> Value {
    for input in node.inputs { try settle(input) }
    return .feature(try paired(function, view(node, 0), view(node, 1), node))
  }

  /// Appends a function of two views; see ``paired(_:_:)``.
  mutating func paired(_ function: OpaqueFunction, _ one: View, _ other: View, _ node: ONNXGraph.Node) throws -> View {
    guard let result = try meeting(function, one, other, node) else {
      throw Refusal(
        "its inputs have the axes (\(one.words)) and (\(other.words)), and equal ones are possible, or one number for all channels or positions"
      )
    }
    return result
  }

  /// Appends a function of two views whose axes meet; nil where they do not.
  mutating func meeting(_ function: OpaqueFunction, _ one: View, _ other: View, _ node: ONNXGraph.Node) throws -> View? {
    for (wide, narrow) in [(one, other), (other, one)] {
      let (shape, part) = (network.shape(of: wide.source), network.shape(of: narrow.source))
      let isChannelGone = part.channels < shape.channels
      let arePositionsGone = part.positions < shape.positions
      let axes = wide.axes.map { axis in
        axis.filter { !($0.axis == .channels && isChannelGone) && !($0.axis == .positions && arePositionsGone) }
      }
      guard narrow.axes == axes, part.dimensions.count == shape.dimensions.count, part.channels == (isChannelGone ? 1 : shape.channels),
        arePositionsGone ? part.positions == 1 : part.dimensions.dropFirst() == shape.dimensions.dropFirst()
      else { continue }
      let value = try emit(.opaque(function), from: [one.source, other.source], as: node, isModule: false)
      return wide.of(value.source)
    }
    return nil
  }

  /// What is left of a norm's formula that does not end in one: μ, x − μ, (x − μ)², σ² and its root; nil for other parts.
  mutating func moment(_ partial: Partial, _ name: String) throws -> View? {
    func step(_ text: String, of form: Partial.Form) -> String { Names.printable(partial.form == form ? name : "\(name).\(text)") }
    let view = partial.view
    var mean = view
    mean.axes = view.axes.map { axis in axis.filter { $0.axis != .channels } }
    let toMean = Operation.opaque(OpaqueFunction(.channelMean))
    guard [.mean, .centred, .squares, .variance(epsilon: nil)].contains(partial.form) || partial.form.epsilon != nil else { return nil }
    let means = try emitted(toMean, [view], step("mean", of: .mean), like: mean)
    if partial.form == .mean { return means }
    let centred = try emitted(.opaque(OpaqueFunction(.subtract)), [view, means], step("centred", of: .centred), like: view)
    if partial.form == .centred { return centred }
    let squares = try emitted(.multiply, [centred, centred], step("squares", of: .squares), like: view)
    if partial.form == .squares { return squares }
    let variance = try emitted(toMean, [squares], step("variance", of: .variance(epsilon: nil)), like: mean)
    guard let epsilon = partial.form.epsilon else { return variance }
    let sum = try network.scaled(variance, plus: epsilon, named: step("shifted", of: .variance(epsilon: epsilon)))
    guard case .deviation = partial.form else { return sum }
    return try emitted(.opaque(OpaqueFunction(.sqrt)), [sum], step("deviation", of: partial.form), like: mean)
  }
}

extension Lowering {
  private mutating func emitted(_ operation: Operation, _ inputs: [View], _ name: String, like view: View) throws -> View {
    let value = try network.emit(operation, from: inputs.map(\.source), named: name)
    return view.of(value.source)
  }
}

extension Partial.Form {
  /// ε of a variance or a deviation.
  fileprivate var epsilon: Double? {
    switch self {
    case .variance(let epsilon): epsilon
    case .deviation(let epsilon): epsilon
    default: nil
    }
  }
}
