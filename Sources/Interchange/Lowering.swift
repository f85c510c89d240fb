internal import Networks
internal import Torch
internal import Words

/// Why a node is not understood, as what stands behind its name in a message.
struct Refusal: Error {
  let text: String
  init(_ text: String = "") { self.text = text.shortened(to: 400) }
}

/// How many numbers a graph's constants are computed with: a short file could ask for years of it.
final class Work {
  private var done = 0
  /// The most numbers: those of sizes and axes are a few thousand.
  static let most = 1 << 20

  func charge(_ count: Int) throws {
    done += count
    guard done <= Self.most else { throw Refusal("its file computes with more than \(Self.most) numbers") }
  }
}

/// A node reads what one that is not understood wrote; only the first is reported.
struct Unknown: Error {}

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

/// A parameter of a layer, as it is made of a constant.
struct Weight {
  var tensor: ONNXTensor
  /// The sizes that it is cut into, and the order in which these come; nil where it lies as the layer wants it.
  var turned: (sizes: [Int], order: [Int])?
  var factor = 1.0

  /// Reads it into a tensor of its own, so that what is shared in the file is not tied.
  func load(as dimensions: [Int]) throws -> Tensor {
    var result = try tensor.tensor()
    if let turned { result = try result.reshaped(turned.sizes).permuted(turned.order).contiguous() }
    if factor != 1 { result = try result * factor }
    return result.shape == dimensions ? result : try result.reshaped(dimensions)
  }
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
    [convolutions, dense, norms, activations, pooling, shapes, arithmetic, opaque, passing].joined().map { ($0.operation, $0) },
    uniquingKeysWith: { first, _ in first })

  let graph: ONNXGraph
  /// The size of the batch: the file's, or where that varies a number that no size is, so that it is known when it comes back in a shape.
  let batch: Int
  /// Where batch, channels and positions stand in each input.
  private(set) var inputOrders: [[Int]] = []
  /// The axes of each output.
  private(set) var outputViews: [View] = []
  private(set) var nodes: [Network.Node] = []
  private(set) var weights: [ParameterName: Weight] = [:]
  private(set) var notes: [String] = []
  private(set) var outputs: [String] = []
  private(set) var outputNames: [String] = []
  private var shapes: [String: FeatureShape] = [:]
  private var values: [String: Value] = [:]
  /// The value that is a layer's own output, by the layer's node.
  private var written: [String: String] = [:]
  private var names = Names()
  private var modules = Names()
  let work = Work()
  private var refusals: [(node: ONNXGraph.Node, reason: String)] = []

  /// The size of a batch that varies: a prime that is larger than any size of a layer.
  static let openBatch = 1_000_003

  /// Lowers a graph.
  ///
  /// - Parameter input: the shape of examples for the first input; nil for that in the file.
  /// - Throws: ``FileProblem``.
  init(_ graph: ONNXGraph, input: FeatureShape?) throws {
    self.graph = graph
    let sizes = graph.inputs.first?.dimensions
    batch = sizes?.first.flatMap(\.self) ?? Self.openBatch
    values = graph.constants.mapValues { .constant($0) }
    guard !graph.inputs.isEmpty else { throw FileProblem("it has no inputs") }
    for (index, input) in zip(graph.inputs.indices, [input] + graph.inputs.dropFirst().map { _ in nil }) { try takeInput(index, input) }
    for node in graph.nodes { lower(node) }
    if let problem = refusalWords { throw FileProblem(problem) }
    for name in graph.outputs { try takeOutput(name) }
    removeUnread()
    noteOpaque()
  }

  /// Says which nodes run without being understood.
  private mutating func noteOpaque() {
    let found = nodes.compactMap { node -> String? in
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

  /// Views that had to be made values of their own, by what they are.
  private var arranged: [View: String] = [:]

  private mutating func takeInput(_ index: Int, _ given: FeatureShape?) throws {
    let input = graph.inputs[index]
    func problem(_ text: String) -> FileProblem { FileProblem("its input \(input.name.quoted) \(text)") }
    guard input.element == ONNXTensor.Element.float32.rawValue else {
      throw problem("has elements of type \(input.element) of ONNX, and only float32 is possible")
    }
    guard var sizes = input.dimensions, (2...4).contains(sizes.count) else {
      let words = input.dimensions.map { "has \($0.count) dimensions" } ?? "has no shape"
      throw problem("\(words): images (batch, channels, height, width), sequences and vectors (batch, features) are possible")
    }
    let order = layout(of: input.name, rank: sizes.count)
    sizes = order.map { sizes[$0] }
    inputOrders.append(order)
    // A sequence is an image of one row.
    if order.count == 3 { sizes.insert(1, at: 2) }
    let own = sizes.dropFirst()
    let shape: FeatureShape
    if let given, given.dimensions.count == own.count {
      shape = given
    } else {
      let known = own.compactMap(\.self)
      guard known.count == own.count else {
        throw problem(
          "has shape [\(sizes.map { $0.map(String.init) ?? "?" }.joined(separator: ", "))], whose sizes come from images: give --dataset")
      }
      shape = known.count == 1 ? .vector(known[0]) : .image(channels: known[0], height: known[1], width: known[2])
    }
    let name = index == 0 ? "input" : Names.printable(input.name)
    guard case .feature(var view) = try emit(.input(shape), from: [], named: name) else { throw Unknown() }
    if order.count == 3 { view.axes.remove(at: 2) }
    values[input.name] = .feature(View(view.source, order.indices.map { view.axes[order.firstIndex(of: $0) ?? $0] }))
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
      case let refusal as Refusal: refusals.append((node, refusal.text))
      case let problem as FileProblem: refusals.append((node, problem.text))
      default: refusals.append((node, String(describing: error)))
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
    if !Self.passesFormulas.contains(node.operation) { for input in node.inputs { try settle(input) } }
    return try rule.lower(&self, node)
  }

  /// Operations that read parts of formulas as such.
  private static let passesFormulas: Set<String> = [
    "Add", "Mul", "Div", "Identity", "Clip", "Conv", "Slice", "Pad", "Erf", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "MatMul",
    "Softmax",
    "Sub", "Pow", "Sqrt", "ReduceMean", "Neg",
  ]

  /// Makes an operation of its own of a part that is one, where no larger formula takes it.
  mutating func settle(_ name: String) throws {
    guard case .partial(let partial)? = values[name] else { return }
    switch partial.form {
    case .scaled(let factor):
      values[name] = try scaled(partial.view, factor, name)
      return
    case .raised:
      values[name] = .feature(try shifted(partial.view, 3, Names.printable(name)))
      return
    case .erf:
      guard case .feature(let view) = try scaled(partial.view, 0.5.squareRoot(), "\(name).scaled") else { return }
      guard case .feature(let value) = try emit(.opaque(OpaqueFunction(.erf)), from: [view.source], named: Names.printable(name)) else {
        return
      }
      values[name] = .feature(view.of(value.source))
      return
    default:
      if let view = try moment(partial, name) {
        values[name] = .feature(view)
        return
      }
    }
    guard let operation = partial.operation else { return }
    guard partial.isElementwise || partial.form == .softmax else {
      values[name] = try emit(operation, from: [canonical(partial.view)], named: Names.printable(name))
      return
    }
    guard case .feature(let value) = try emit(operation, from: [partial.view.source], named: Names.printable(name)) else { return }
    values[name] = .feature(partial.view.of(value.source))
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
      guard let fold = ConstantFolding.all[node.operation], !node.inputs.isEmpty else { return nil }
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

  private mutating func takeOutput(_ name: String) throws {
    if case .partial(let partial)? = values[name], partial.form != .softmax || !isVector(partial.view.source) { try settle(name) }
    switch values[name] {
    case .feature(let view)?:
      if let feature = try? canonical(view) {
        outputs.append(feature)
        // In as many axes as the file has.
        outputViews.append(view.axes.count == 3 ? whole(feature).without(axis: 2) : whole(feature))
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

  /// Removes the nodes that no output depends on; inputs stay.
  private mutating func removeUnread() {
    var needed = Set(outputs)
    for node in nodes.reversed() where needed.contains(node.name) { needed.formUnion(node.inputs) }
    nodes.removeAll { if case .input = $0.operation { false } else { !needed.contains($0.name) } }
    let modules = Set(nodes.map(\.module))
    weights = weights.filter { modules.contains($0.key.module) }
  }

  /// All that is not understood, in one line, equal operations together; nil if everything is.
  private var refusalWords: String? {
    guard !refusals.isEmpty else { return nil }
    var groups: [(operation: String, reason: String, first: String, count: Int)] = []
    var known: [[String]: Int] = [:]
    for (node, reason) in refusals {
      if let index = known[[node.operation, reason]] {
        groups[index].count += 1
      } else {
        known[[node.operation, reason]] = groups.count
        groups.append((node.operation, reason, node.words, 1))
      }
    }
    let words = groups.prefix(8).map { group in
      let more = group.count > 1 ? " and \(group.count - 1) more" : ""
      return "\(group.operation.inLine) at \(group.first.quoted)\(more)" + (group.reason.isEmpty ? "" : " (\(group.reason))")
    }
    let rest = groups.count > 8 ? "; and \(groups.count - 8) more" : ""
    let count = groups.count == 1 ? "1 operation is" : "\(groups.count) operations are"
    return "\(count) not understood (opset \(graph.opset)): " + words.joined(separator: "; ") + rest
  }
}

// What rules use.
extension Lowering {
  /// The value of a node's input; nil if it is left out.
  func value(_ node: ONNXGraph.Node, _ index: Int) -> Value? { node.inputs.indices.contains(index) ? values[node.inputs[index]] : nil }

  /// The network's node whose value an input is.
  ///
  /// - Throws: ``Refusal`` for a constant or a part of a formula.
  mutating func feature(_ node: ONNXGraph.Node, _ index: Int = 0) throws -> String { try canonical(view(node, index)) }

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

  func shape(of feature: String) -> FeatureShape { shapes[feature] ?? .vector(1) }

  func isVector(_ feature: String) -> Bool { if case .vector = shape(of: feature) { true } else { false } }

  /// The sizes of a value as ONNX counts them; nil for what is no value of the network.
  func sizes(_ name: String) -> [Int]? {
    switch values[name] {
    case .feature(let view)?: view.sizes
    case .constant(let tensor)?: tensor.dimensions
    case .partial(let partial)? where partial.isElementwise: partial.view.sizes
    default: nil
    }
  }

  /// A node's value as it is.
  func whole(_ feature: String) -> View { View(feature, shape: shape(of: feature), batch: batch) }

  /// Returns the node whose value is that of a view, where need be one that arranges it.
  ///
  /// - Throws: ``Refusal`` for axes in an order that the network does not have.
  mutating func canonical(_ view: View) throws -> String {
    if let known = arranged[view] { return known }
    let result = try arranging(view)
    arranged[view] = result
    return result
  }

  private mutating func arranging(_ view: View) throws -> String {
    let view = try channelsInOrder(view)
    let shape = shape(of: view.source)
    func refusal() -> Refusal { Refusal("its input has the axes (\(view.words)), and channels behind the batch are possible") }
    guard view.axes.count > 1, view.isWhole(0, .batch, batch) else { throw refusal() }
    guard case .image(let channels, let height, let width) = shape else {
      guard view.axes.count == 2, view.isWhole(1, .channels, shape.channels) else { throw refusal() }
      return view.source
    }
    if view.axes.count == 2 {
      guard view.reshaped([batch, channels, height, width])?.axes == whole(view.source).axes else { throw refusal() }
      guard case .feature(let flat) = try emit(.flatten, from: [view.source], named: "\(view.source).flatten") else { throw refusal() }
      return flat.source
    }
    guard view.isWhole(1, .channels, channels), view.axes.count <= 4 else { throw refusal() }
    let rest = View(view.source, [view.axes[2...].flatMap(\.self)])
    guard rest.isWhole(0, .positions, height * width) else { throw refusal() }
    let sizes = view.axes.count == 3 ? [1] + view.sizes[2...] : Array(view.sizes[2...])
    guard sizes != [height, width] else { return view.source }
    let name = "\(view.source).arrange"
    guard case .feature(let arranged) = try emit(.arrange(height: sizes[0], width: sizes[1]), from: [view.source], named: name) else {
      throw refusal()
    }
    return arranged.source
  }

  /// Returns a view whose channels are those of its node in their order, as they stand in its axes one after another; where they are not, of
  /// a selection that orders them.
  mutating func channelsInOrder(_ view: View, as node: ONNXGraph.Node? = nil) throws -> View {
    let factors = view.factors(.channels)
    let count = shape(of: view.source).channels
    guard factors.reduce(1, { $0 * $1.size }) == count else { throw Refusal("its input has a part of its channels") }
    var strides = factors.map { _ in 1 }
    for index in factors.indices.dropLast().reversed() { strides[index] = strides[index + 1] * factors[index + 1].size }
    guard factors.map(\.stride) != strides else { return view }
    // The place of each new channel among the old ones.
    var indices = [0]
    for factor in factors { indices = indices.flatMap { base in (0..<factor.size).map { base + $0 * factor.stride } } }
    let name = node.map { Names.name(of: $0, dropsOperation: false) } ?? "\(view.source).order"
    guard case .feature(let ordered) = try emit(.indexSelect(indices), from: [view.source], named: name) else { throw Unknown() }
    var next = 0
    let axes = view.axes.map { axis in
      axis.map { factor in
        guard factor.axis == .channels else { return factor }
        defer { next += 1 }
        return View.Factor(axis: .channels, size: factor.size, stride: strides[next])
      }
    }
    return View(ordered.source, axes)
  }

  /// Appends an operation that changes single elements, or all channels at a position, of a value with any axes.
  mutating func emit(_ operation: Operation, over view: View, as node: ONNXGraph.Node, isModule: Bool = true) throws -> Value {
    guard case .feature(let value) = try emit(operation, from: [view.source], as: node, isModule: isModule) else { throw Unknown() }
    return .feature(view.of(value.source))
  }

  /// Appends a layer that does so.
  mutating func layer(
    _ operation: Operation, over view: View, as node: ONNXGraph.Node, _ parameters: [(role: ParameterName.Role, weight: Weight)]
  ) throws -> Value {
    guard case .feature(let value) = try layer(operation, from: view.source, as: node, parameters) else { throw Unknown() }
    return .feature(view.of(value.source))
  }

  /// A value times a number, where no formula takes it.
  private mutating func scaled(_ view: View, _ factor: Double, _ name: String) throws -> Value {
    let channels = shape(of: view.source).channels
    let weight = Weight(tensor: ONNXTensor("factor", repeating: factor, count: channels))
    let scale = Operation.channelAffine(ChannelAffine(channels, bias: false))
    guard case .feature(let result) = try layer(scale, from: view.source, named: Names.printable(name), [(.weight, weight)]) else {
      throw Unknown()
    }
    return .feature(view.of(result.source))
  }

  /// A value plus a number, where no formula takes it.
  mutating func shifted(_ view: View, _ number: Double, _ name: String) throws -> View {
    let channels = shape(of: view.source).channels
    let scale = Weight(tensor: ONNXTensor("one", repeating: 1, count: channels))
    let shift = Weight(tensor: ONNXTensor("number", repeating: number, count: channels))
    let value = try layer(.channelAffine(ChannelAffine(channels)), from: view.source, named: name, [(.weight, scale), (.bias, shift)])
    guard case .feature(let result) = value else { throw Unknown() }
    return view.of(result.source)
  }

  /// Whether nothing but this node reads the value of an input, which is the output of the network's node itself.
  func isOwn(_ feature: String, input index: Int, of node: ONNXGraph.Node) -> Bool {
    node.inputs.indices.contains(index) && graph.uses[node.inputs[index]] == 1 && written[feature] == node.inputs[index]
  }

  /// Appends an operation without parameters.
  ///
  /// - Throws: `NetworkError` for a value that the operation cannot take.
  mutating func emit(_ operation: Operation, from inputs: [String], named name: String, module: String? = nil) throws -> Value {
    // The network says so in its own words when it is checked; here it keeps hostile files short.
    guard nodes.count <= 1 << 15 else { throw Refusal("there are too many before it") }
    let node = Network.Node(name: names.unique(name), operation: operation, inputs: inputs, module: module)
    // Only layers share names with others.
    if module == nil { _ = modules.unique(node.name) }
    shapes[node.name] = try node.shape(of: inputs.map { ($0, shape(of: $0)) })
    nodes.append(node)
    return .feature(whole(node.name))
  }

  /// Appends an operation without parameters under the node's name.
  mutating func emit(_ operation: Operation, from inputs: [String], as node: ONNXGraph.Node, isModule: Bool = true) throws -> Value {
    try emit(operation, from: inputs, named: Names.name(of: node, dropsOperation: isModule))
  }

  /// Appends a layer, whose module takes its name from the weights or the node.
  mutating func layer(
    _ operation: Operation, from input: String, as node: ONNXGraph.Node, _ parameters: [(role: ParameterName.Role, weight: Weight)]
  ) throws -> Value {
    try layer(operation, from: input, named: Names.module(of: node, weight: node.inputs.count > 1 ? node.inputs[1] : ""), parameters)
  }

  /// Appends a layer whose module has the given name, or one near to it.
  mutating func layer(
    _ operation: Operation, from input: String, named name: String, _ parameters: [(role: ParameterName.Role, weight: Weight)]
  ) throws -> Value {
    let module = modules.unique(name)
    let value = try emit(operation, from: [input], named: module, module: module)
    for (role, weight) in parameters { weights[ParameterName(module, role)] = weight }
    return value
  }

  /// Gives the layer that a node's input is a bias; false if it is no layer that could take it.
  mutating func absorbBias(_ bias: ONNXTensor, into view: View, input index: Int, of node: ONNXGraph.Node) -> Bool {
    let feature = view.source
    guard isOwn(feature, input: index, of: node), let place = nodes.lastIndex(where: { $0.name == feature }) else { return false }
    guard isPerChannel(bias, of: view) else { return false }
    switch nodes[place].operation {
    case .linear(var layer) where !layer.bias:
      layer.bias = true
      nodes[place].operation = .linear(layer)
    case .convolution(var layer) where !layer.bias:
      layer.bias = true
      nodes[place].operation = .convolution(layer)
    case .channelAffine(var layer) where !layer.bias:
      layer.bias = true
      nodes[place].operation = .channelAffine(layer)
    default: return false
    }
    weights[ParameterName(nodes[place].module, .bias)] = Weight(tensor: bias)
    if let output = node.outputs.first { written[feature] = output }
    return true
  }

  /// Whether a constant has a number for each channel of a value: [channels], [1, channels] and [1, channels, 1, 1] say the same, if the axis
  /// is the channels'.
  func isPerChannel(_ constant: ONNXTensor, of view: View) -> Bool {
    let (channels, rank) = (shape(of: view.source).channels, view.axes.count)
    let sizes = Array(repeating: 1, count: max(rank - constant.dimensions.count, 0)) + constant.dimensions
    guard constant.count == channels, sizes.count == rank, let axis = view.channelAxis(channels) else { return false }
    return sizes[axis] == channels && view.isWhole(axis, .channels, channels)
  }

  mutating func note(_ text: String) { if !notes.contains(text) { notes.append(text) } }
}
