internal import Networks
internal import Words

/// The value of a name in an ONNX graph while it becomes a network.
enum Value {
  /// The value of a node of the network, its axes as they are or turned.
  case feature(View)
  case constant(ONNXTensor)
  /// A step of a formula that takes several nodes, which only the whole of them is an operation.
  case partial(Partial)
  /// Places in a value with all of its examples in one row.
  case places(Places)
  /// What a node that is not understood wrote.
  case unknown
}

/// The network that a graph becomes, node by node.
struct Lowering {
  /// One or several ONNX operations that become operations of a network: a function that returns the values of a node's outputs.
  struct Rule: Sendable {
    var operation: String
    var lower: @Sendable (inout Lowering, ONNXGraph.Node) throws -> [Value]

    init(_ operation: String, _ lower: @escaping @Sendable (inout Lowering, ONNXGraph.Node) throws -> [Value]) {
      (self.operation, self.lower) = (operation, lower)
    }
  }

  /// All rules by the operation's name.
  static let rules = Dictionary(
    [attention, convolutions, dense, norms, activations, pooling, shapes, arithmetic, opaque, passing].joined().map { ($0.operation, $0) },
    uniquingKeysWith: { first, _ in first })

  let graph: ONNXGraph
  /// The network so far.
  var network: NetworkDraft
  /// The size of the batch: the file's, or where that varies a number that no size is, so that it is known when it comes back in a shape.
  var batch: Int { network.batch }
  /// Where batch, channels and positions stand in each input.
  private(set) var inputOrders: [[Int]] = []
  /// The axes of each output.
  private(set) var outputViews: [View] = []
  /// The axes of inputs and outputs in letters, as in ``ONNXOrigin/inputAxes``; those that have no letters are as the network's.
  private(set) var inputAxes: [String] = []
  var outputAxes: [String] { outputViews.map(letters) }
  private(set) var notes: [String] = []
  private(set) var outputs: [String] = []
  private(set) var outputNames: [String] = []
  private var values: [String: Value] = [:]
  /// The value that is a layer's own output, by the layer's node.
  private var written: [String: String] = [:]
  let work: Work
  private var refusals = Refusals()

  /// The size of a batch that varies: a prime that is larger than any size of a layer.
  static let openBatch = 1_000_003

  /// Lowers a graph.
  ///
  /// - Parameter input: the shape of examples for the first input; nil for that in the file.
  /// - Throws: ``FileProblem``.
  init(_ graph: ONNXGraph, input: FeatureShape?) throws {
    self.graph = graph
    let sizes = graph.inputs.first?.dimensions
    network = NetworkDraft(batch: sizes?.first.flatMap(\.self) ?? Self.openBatch)
    values = graph.constants.mapValues { .constant($0) }
    work = Work(weights: graph.constants.values.reduce(0) { $0 + $1.stored })
    guard !graph.inputs.isEmpty else { throw FileProblem("it has no inputs") }
    for (index, input) in zip(graph.inputs.indices, [input] + graph.inputs.dropFirst().map { _ in nil }) { try takeInput(index, input) }
    for node in graph.nodes { lower(node) }
    if let problem = refusals.words(opset: graph.opset) { throw FileProblem(problem) }
    for name in graph.outputs { try takeOutput(name) }
    network.removeUnread(by: outputs)
    noteOpaque()
  }

  /// Says which nodes run without being understood.
  private mutating func noteOpaque() {
    let found = network.nodes.compactMap { node -> String? in
      guard case .opaque(let function) = node.operation else { return nil }
      return "\(function.name.rawValue) \(node.name.quoted)"
    }
    guard !found.isEmpty else { return }
    let names = found.prefix(6).joined(separator: ", ") + (found.count > 6 ? " and \(found.count - 6) more" : "")
    let words =
      found.count == 1
      ? "1 node is opaque, and keeps the channels that it reads" : "\(found.count) nodes are opaque, and keep the channels that they read"
    note("\(words): \(names); inspect --groups lists them")
  }

  private mutating func takeInput(_ index: Int, _ given: FeatureShape?) throws {
    let input = graph.inputs[index]
    func problem(_ text: String) -> FileProblem { FileProblem("its input \(input.name.quoted) \(text)") }
    guard input.element == ONNXTensor.Element.float32.rawValue else {
      let type = ONNXTensor.Element(rawValue: input.element).map { "\($0)" } ?? "type \(input.element) of ONNX"
      throw problem("has elements of \(type), and only float32 is possible")
    }
    guard var sizes = input.dimensions, (2...4).contains(sizes.count) else {
      let words = input.dimensions.map { "has \($0.count) dimensions" } ?? "has no shape"
      throw problem("\(words): images (batch, channels, height, width), sequences and vectors (batch, features) are possible")
    }
    let order = layout(of: input.name, rank: sizes.count)
    sizes = order.map { sizes[$0] }
    inputOrders.append(order)
    // A sequence is an image of one row.
    let isSequence = order.count == 3
    if isSequence { sizes.insert(1, at: 2) }
    let own = sizes.dropFirst()
    let shape: FeatureShape
    if let given, given.dimensions.count == own.count, !isSequence || given.dimensions[1] == 1 {
      shape = given
    } else {
      let known = own.compactMap(\.self)
      guard known.count == own.count else {
        let shape = (input.dimensions ?? []).map { $0.map(String.init) ?? "?" }.joined(separator: ", ")
        let (examples, commands, size) =
          isSequence
          ? ("sequences", "train, prune and evaluate", "1xLENGTH") : ("images", "train, prune, evaluate and inspect", "HEIGHTxWIDTH")
        throw problem(
          "has shape [\(shape)], whose sizes only \(examples) tell: \(commands) take them from --dataset, compile from --image-size \(size)"
        )
      }
      shape = known.count == 1 ? .vector(known[0]) : .image(channels: known[0], height: known[1], width: known[2])
    }
    let name = index == 0 ? "input" : Names.printable(input.name)
    var view = try network.emit(.input(shape), from: [], named: name)
    if isSequence { view.axes.remove(at: 2) }
    let turned = View(view.source, order.indices.map { view.axes[order.firstIndex(of: $0) ?? $0] })
    values[input.name] = .feature(turned)
    inputAxes.append(letters(of: turned))
  }

  private func letters(of view: View) -> String {
    let shape = network.shape(of: view.source)
    return view.letters(of: shape, batch: batch) ?? network.whole(view.source).letters(of: shape, batch: batch) ?? ""
  }

  /// Returns where batch, channels and positions stand in an input: behind the channels unless what reads it has them last.
  private func layout(of input: String, rank: Int) -> [Int] {
    let readers = graph.nodes.filter { $0.inputs.first == input }
    guard rank > 2 else { return Array(0..<rank) }
    let isAttended = rank == 3 && graph.nodes.contains { $0.operation == "Attention" && $0.inputs.prefix(3).contains(input) }
    let isLast =
      switch readers.first?.operation {
      case "Transpose": readers.first?.integers("perm") == [0, rank - 1] + Array(1..<rank - 1)
      case "MatMul", "LayerNormalization": true
      default: isAttended
      }
    return isLast ? [0, rank - 1] + Array(1..<rank - 1) : Array(0..<rank)
  }

  private mutating func lower(_ node: ONNXGraph.Node) {
    do {
      var written = try lowered(node)
      if isSequence(node) { written = written.map(Self.asSequence) }
      for (name, value) in zip(node.outputs, written) where !name.isEmpty { values[name] = value }
      for name in node.outputs.dropFirst(written.count) where graph.uses[name] != nil { throw Refusal("its output \(name.quoted) is read") }
      if case .feature(let view)? = written.first, let name = node.outputs.first {
        self.written[view.source] = self.written[view.source] ?? name
      }
    } catch {
      for name in node.outputs { values[name] = .unknown }
      switch error {
      case is Unknown: break
      case let refusal as Refusal: refusals.add(node, refusal.text)
      case let problem as FileProblem: refusals.add(node, problem.text)
      default: refusals.add(node, String(describing: error))
      }
    }
  }

  /// Whether a node reads a sequence, and writes one: what the network holds as an image of one row.
  private func isSequence(_ node: ONNXGraph.Node) -> Bool {
    guard !Self.arranges.contains(node.operation), let name = node.inputs.first else { return false }
    switch values[name] {
    case .feature(let view)?: return view.axes.count == 3
    case .partial(let partial)?: return partial.view.axes.count == 3
    default: return false
    }
  }

  private static let arranges: Set<String> = ["Reshape", "Unsqueeze", "Squeeze", "Transpose", "Flatten", "Gather", "Identity"]

  private static func asSequence(_ value: Value) -> Value {
    switch value {
    case .feature(var view) where view.axes.count == 4 && view.axes[2].isEmpty:
      view.axes.remove(at: 2)
      return .feature(view)
    default: return value
    }
  }

  private mutating func lowered(_ node: ONNXGraph.Node) throws -> [Value] {
    guard node.domain.isEmpty else { throw Refusal("of domain \(node.domain.quoted)") }
    if let places = try places(node) { return [.places(places)] }
    if let constant = try folded(node) { return [constant] }
    let rule = Self.rules[node.operation]
    // What is not understood in itself is reported wherever it stands.
    if rule != nil || node.operation == "Shape" || ConstantFolding.all[node.operation] != nil,
      node.inputs.contains(where: { if case .unknown? = values[$0] { true } else { false } })
    {
      throw Unknown()
    }
    guard let rule else { throw Refusal(Self.wanting[node.operation] ?? "no operation of a network computes it") }
    if !Self.passesFormulas.contains(node.operation) {
      for input in node.inputs { try settle(input) }
    } else if case .partial(let partial)? = value(node, 0) {
      // These read borders or strides alone.
      switch (node.operation, partial.form) {
      case ("Conv", .padded), ("Slice", .strided): break
      // Channels behind the positions are no shortcut's.
      case ("Pad", .strided) where partial.view == network.whole(partial.view.source): break
      case ("Conv", _), ("Slice", _), ("Pad", _): try settle(node.inputs[0])
      default: break
      }
    }
    return try rule.lower(&self, node)
  }

  /// Operations that read parts of formulas as such.
  private static let passesFormulas: Set<String> = [
    "Add", "Mul", "Div", "Identity", "Clip", "Conv", "Slice", "Pad", "Erf", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "MatMul",
    "Softmax", "Einsum", "Expand", "Cast",
    "Sub", "Pow", "Sqrt", "ReduceMean", "Neg",
  ]

  /// Makes an operation of its own of a part that is one, where no larger formula takes it.
  mutating func settle(_ name: String) throws {
    guard case .partial(let partial)? = values[name], let view = try settled(partial, name) else { return }
    values[name] = .feature(view)
  }

  private mutating func settled(_ partial: Partial, _ name: String) throws -> View? {
    let (view, printable) = (partial.view, Names.printable(name))
    switch partial.form {
    case .scaled(let factor): return try network.scaled(view, factor, named: printable)
    case .raised: return try network.scaled(view, plus: 3, named: printable)
    case .curve(let curve): return try settled(curve, view, name)
    case .curvePlusOne(let curve, let factor):
      let gate = try network.scaled(settled(curve, view, "\(name).curve"), plus: 1, named: Names.printable("\(name).gate"))
      return factor == 1 ? gate : try network.scaled(gate, factor, named: printable)
    default: if let moment = try moment(partial, name) { return moment }
    }
    switch partial.form {
    case .strided(let step): return try sampled(view, step, printable)
    case .length(let least): return try length(of: view, atLeast: least, printable)
    case .unit(let least):
      guard let length = try length(of: view, atLeast: least, "\(printable).length") else { return nil }
      return try view.of(network.emit(.opaque(OpaqueFunction(.divide)), from: [view.source, length.source], named: printable).source)
    default: break
    }
    guard let operation = partial.operation else { return nil }
    guard partial.isElementwise || partial.form == .softmax else {
      return try network.emit(operation, from: [network.canonical(view)], named: printable)
    }
    return try view.of(network.emit(operation, from: [view.source], named: printable).source)
  }

  /// The curve of a GELU as operations of its own.
  private mutating func settled(_ curve: GELUCurve, _ view: View, _ name: String) throws -> View {
    switch curve {
    case .tanh(let cubic): return try cubic.of(network.emit(.activation(.tanh), from: [cubic.source], named: Names.printable(name)).source)
    case .exact:
      let scaled = try network.scaled(view, 0.5.squareRoot(), named: Names.printable("\(name).scaled"))
      return try view.of(network.emit(.opaque(OpaqueFunction(.erf)), from: [scaled.source], named: Names.printable(name)).source)
    }
  }

  /// Returns the value of a node that reads constants alone, or the shape of a feature; nil if it does not.
  private func folded(_ node: ONNXGraph.Node) throws -> Value? {
    guard let output = node.outputs.first else { return nil }
    let result: Numbers
    if node.operation == "Shape", let sizes = sizes(node.inputs.first ?? "") {
      let (start, end) = Slicing.Part(
        axis: 0, start: node.integer("start", 0), end: node.integer("end", sizes.count), step: 1
      ).bounds(of: sizes.count)
      result = Numbers(Array(sizes[start..<max(start, end)]))
    } else {
      guard let fold = ConstantFolding.all[node.operation], !node.inputs.isEmpty, try !repeatsForExamples(node) else { return nil }
      var tensors: [ONNXTensor?] = []
      for input in node.inputs {
        if input.isEmpty {
          tensors.append(nil)
        } else if case .constant(let tensor)? = values[input] {
          tensors.append(tensor)
        } else {
          return nil
        }
      }
      // Weights pass through as they are, in whatever form the rest of the graph can take them.
      if node.operation == "Identity", let tensor = tensors[0] { return .constant(tensor) }
      let numbers = try tensors.map { tensor in
        try tensor.map { tensor -> Numbers in
          try work.charge(tensor.count)
          guard let numbers = try tensor.numbers() else { throw Refusal("it computes with \(tensor.name.quoted), which is large") }
          return try Numbers(tensor.dimensions, numbers, isInteger: tensor.element.isInteger)
        }
      }
      result = try fold(node, numbers)
      try work.charge(result.values.count)
    }
    return .constant(ONNXTensor(output, dimensions: result.dimensions, numbers: result.values, isInteger: result.isInteger))
  }

  /// Whether a constant is repeated for each example, which it is for anyway.
  private func repeatsForExamples(_ node: ONNXGraph.Node) throws -> Bool {
    guard node.operation == "Expand", batch > 1, case .constant(let tensor)? = value(node, 0), case .constant? = value(node, 1),
      let target = try numbers(node, 1)?.sizes
    else { return false }
    return target.first == batch && (tensor.dimensions.count < target.count || tensor.dimensions.first != batch)
  }

  private mutating func takeOutput(_ name: String) throws {
    if case .partial(let partial)? = values[name], partial.form != .softmax || !network.isVector(partial.view.source) { try settle(name) }
    switch values[name] {
    case .feature(let view)?:
      if let feature = try? network.canonical(view) {
        outputs.append(feature)
        // In as many axes as the file has.
        outputViews.append(view.axes.count == 3 ? network.whole(feature).without(axis: 2) : network.whole(feature))
      } else {
        guard view.isWhole(0, .batch, batch) else {
          throw FileProblem("its output \(name.quoted) has the axes (\(view.words)), and the batch must be the first of its own")
        }
        notes.append("output \(name.quoted) has its channels first here, and in the file (\(view.words))")
        outputs.append(view.source)
        outputViews.append(view)
      }
    case .partial(let partial)? where partial.form == .softmax:
      notes.append("softmax at output \(name.quoted) left off: its input is the classifier's output")
      outputs.append(partial.view.source)
      outputViews.append(partial.view)
    default: throw FileProblem("its output \(name.quoted) is no value of a layer that is understood")
    }
    outputNames.append(name)
  }
}

// What rules use.
extension Lowering {
  /// The value of a name.
  func value(named name: String) -> Value? { values[name] }

  /// The value of a node's input; nil if it is left out.
  func value(_ node: ONNXGraph.Node, _ index: Int) -> Value? { node.inputs.indices.contains(index) ? values[node.inputs[index]] : nil }

  /// The network's node whose value an input is.
  ///
  /// - Throws: ``Refusal`` for a constant or a part of a formula.
  mutating func feature(_ node: ONNXGraph.Node, _ index: Int = 0) throws -> String { try network.canonical(view(node, index)) }

  /// The value of the network that an input is, however its axes are turned.
  ///
  /// - Throws: ``Refusal`` for a constant or a part of a formula.
  func view(_ node: ONNXGraph.Node, _ index: Int = 0) throws -> View {
    switch value(node, index) {
    case .feature(let view)?: return view
    case .partial(let partial)?: throw Refusal("it reads \(partial.words), which is understood only within a larger formula")
    case .unknown?: throw Unknown()
    case .constant?, .places?, nil: throw Refusal("its input \(index) is no value of a layer")
    }
  }

  /// The constant that an input is; nil if it is left out.
  func constant(_ node: ONNXGraph.Node, _ index: Int) throws -> ONNXTensor? {
    switch value(node, index) {
    case .constant(let tensor)?: return tensor
    case nil: return nil
    case .unknown?: throw Unknown()
    case .feature?, .partial?, .places?: throw Refusal("its input \(index) is computed, and must be a constant")
    }
  }

  /// The constant weights of a layer.
  func weight(_ node: ONNXGraph.Node, _ index: Int, rank: Int) throws -> ONNXTensor {
    guard let tensor = try constant(node, index) else { throw Refusal("its weights are missing") }
    guard tensor.dimensions.count == rank else { throw Refusal("its weights have \(tensor.dimensions.count) dimensions, not \(rank)") }
    return tensor
  }

  /// The numbers of the constant that an input is; nil if it is left out.
  func numbers(_ node: ONNXGraph.Node, _ index: Int) throws -> Numbers? {
    guard let tensor = try constant(node, index) else { return nil }
    try work.charge(tensor.count)
    guard let numbers = try tensor.numbers() else { throw Refusal("its input \(index) is a large constant") }
    return try Numbers(tensor.dimensions, numbers, isInteger: tensor.element.isInteger)
  }

  /// The numbers of all inputs that are constants, nil for the others.
  func operands(_ node: ONNXGraph.Node) throws -> [Numbers?] {
    try node.inputs.indices.map { index in
      if case .constant? = value(node, index) { try numbers(node, index) } else { nil }
    }
  }

  /// The sizes of a value as ONNX counts them; nil for what is no value of the network.
  func sizes(_ name: String) -> [Int]? {
    switch values[name] {
    case .feature(let view)?: view.sizes
    case .constant(let tensor)?: tensor.dimensions
    case .partial(let partial)?:
      switch partial.form {
      case .scores(let scores), .attention(let scores): partial.view.sizes.dropLast() + scores.keys.sizes.suffix(1)
      default: partial.isElementwise ? partial.view.sizes : nil
      }
    default: nil
    }
  }

  /// Appends an operation that changes single elements, or all channels at a position, of a value with any axes.
  mutating func emit(_ operation: Operation, over view: View, as node: ONNXGraph.Node, isModule: Bool = true) throws -> View {
    try view.of(emit(operation, from: [view.source], as: node, isModule: isModule).source)
  }

  /// Appends a layer that does so.
  mutating func layer(
    _ operation: Operation, over view: View, as node: ONNXGraph.Node, _ parameters: [(role: ParameterName.Role, weight: Weight)]
  ) throws -> View {
    try view.of(layer(operation, from: view.source, as: node, parameters).source)
  }

  /// Whether nothing but this node reads the value of an input, which is the output of the network's node itself.
  func isOwn(_ feature: String, input index: Int, of node: ONNXGraph.Node) -> Bool {
    node.inputs.indices.contains(index) && graph.uses[node.inputs[index]] == 1 && written[feature] == node.inputs[index]
  }

  /// Appends an operation without parameters under the node's name.
  mutating func emit(_ operation: Operation, from inputs: [String], as node: ONNXGraph.Node, isModule: Bool = true) throws -> View {
    try network.emit(operation, from: inputs, named: Names.name(of: node, dropsOperation: isModule))
  }

  /// Appends a layer, whose module takes its name from the weights or the node.
  mutating func layer(
    _ operation: Operation, from input: String, as node: ONNXGraph.Node, _ parameters: [(role: ParameterName.Role, weight: Weight)]
  ) throws -> View {
    let name = Names.module(of: node, weight: node.inputs.count > 1 ? node.inputs[1] : "")
    return try network.layer(operation, from: [input], named: name, parameters)
  }

  /// Gives the layer that a node's input is a bias; false if it is no layer that could take it. A scalar is a number, and no bias of one output.
  mutating func absorbBias(_ bias: ONNXTensor, into view: View, input index: Int, of node: ONNXGraph.Node) -> Bool {
    guard !bias.dimensions.isEmpty, isOwn(view.source, input: index, of: node), network.isPerChannel(bias, of: view),
      network.giveBias(bias, to: view.source)
    else { return false }
    if let output = node.outputs.first { written[view.source] = output }
    return true
  }

  mutating func note(_ text: String) { if !notes.contains(text) { notes.append(text) } }
}
