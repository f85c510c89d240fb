internal import Networks
internal import Torch
internal import Words

/// Why a node is not understood, as what stands behind its name in a message.
struct Refusal: Error {
  let text: String
  init(_ text: String = "") { self.text = text }
}

/// A node reads what one that is not understood wrote; only the first is reported.
struct Unknown: Error {}

/// The value of a name in an ONNX graph while it becomes a network.
enum Value {
  /// The value of a node of the network.
  case feature(String)
  case constant(ONNXTensor)
  /// A step of a formula that takes several nodes, which only the whole of them is an operation.
  case partial(Partial)
  /// What a node that is not understood wrote.
  case unknown
}

/// A parameter of a layer, as it is made of a constant.
struct Weight {
  var tensor: ONNXTensor
  var isTransposed = false
  var factor = 1.0

  /// Reads it into a tensor of its own, so that what is shared in the file is not tied.
  func load(as dimensions: [Int]) throws -> Tensor {
    var result = try tensor.tensor()
    if isTransposed { result = try result.transposed().contiguous() }
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
    [convolutions, dense, norms, activations, pooling, shapes, arithmetic, passing].joined().map { ($0.operation, $0) },
    uniquingKeysWith: { first, _ in first })

  let graph: ONNXGraph
  /// The size of the batch: the file's, or where that varies a number that no size is, so that it is known when it comes back in a shape.
  let batch: Int
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
  private var refusals: [(node: ONNXGraph.Node, reason: String)] = []

  /// A prime that is larger than any size of a layer.
  private static let standIn = 1_000_003

  /// Lowers a graph.
  ///
  /// - Parameter input: the shape of examples for the first input; nil for that in the file.
  /// - Throws: ``FileProblem``.
  init(_ graph: ONNXGraph, input: FeatureShape?) throws {
    self.graph = graph
    let sizes = graph.inputs.first?.dimensions
    batch = sizes?.first.flatMap(\.self) ?? Self.standIn
    values = graph.constants.mapValues { .constant($0) }
    guard !graph.inputs.isEmpty else { throw FileProblem("it has no inputs") }
    for (index, input) in zip(graph.inputs.indices, [input] + graph.inputs.dropFirst().map { _ in nil }) { try takeInput(index, input) }
    for node in graph.nodes { lower(node) }
    if let problem = refusalWords { throw FileProblem(problem) }
    for name in graph.outputs { try takeOutput(name) }
    removeUnread()
  }

  private mutating func takeInput(_ index: Int, _ given: FeatureShape?) throws {
    let input = graph.inputs[index]
    func problem(_ text: String) -> FileProblem { FileProblem("its input \(input.name.quoted) \(text)") }
    guard input.element == ONNXTensor.Element.float32.rawValue else {
      throw problem("has elements of type \(input.element) of ONNX, and only float32 is possible")
    }
    guard let sizes = input.dimensions, sizes.count == 2 || sizes.count == 4 else {
      let words = input.dimensions.map { "has \($0.count) dimensions" } ?? "has no shape"
      throw problem("\(words): images (batch, channels, height, width) and vectors (batch, features) are possible")
    }
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
    values[input.name] = try emit(.input(shape), from: [], named: name)
  }

  private mutating func lower(_ node: ONNXGraph.Node) {
    do {
      let written = try lowered(node)
      for (name, value) in zip(node.outputs, written) where !name.isEmpty { values[name] = value }
      for name in node.outputs.dropFirst(written.count) where graph.uses[name] != nil { throw Refusal("its output \(name.quoted) is read") }
      if case .feature(let feature)? = written.first, let name = node.outputs.first {
        self.written[feature] = self.written[feature] ?? name
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

  private mutating func lowered(_ node: ONNXGraph.Node) throws -> [Value] {
    guard node.domain.isEmpty else { throw Refusal("of domain \(node.domain.quoted)") }
    if let constant = try folded(node) { return [constant] }
    let rule = Self.rules[node.operation]
    // What is not understood in itself is reported wherever it stands.
    if rule != nil || node.operation == "Shape" || ConstantFolding.all[node.operation] != nil,
      node.inputs.contains(where: { if case .unknown? = values[$0] { true } else { false } })
    {
      throw Unknown()
    }
    guard let rule else { throw Refusal() }
    if !Self.passesFormulas.contains(node.operation) { for input in node.inputs { try settle(input) } }
    return try rule.lower(&self, node)
  }

  /// Operations that read parts of formulas as such.
  private static let passesFormulas: Set<String> = [
    "Add", "Mul", "Div", "Identity", "Clip", "Conv", "Slice", "Pad", "Erf", "Reshape", "Transpose",
  ]

  /// Makes an operation of its own of a part that is one, where no larger formula takes it.
  mutating func settle(_ name: String) throws {
    guard case .partial(let partial)? = values[name], let operation = partial.operation else { return }
    values[name] = try emit(operation, from: [partial.source], named: Names.printable(name))
  }

  /// Returns the value of a node that reads constants alone, or the shape of a feature; nil if it does not.
  private func folded(_ node: ONNXGraph.Node) throws -> Value? {
    guard let output = node.outputs.first else { return nil }
    let result: Numbers
    if node.operation == "Shape", case .feature(let feature)? = values[node.inputs.first ?? ""] {
      let sizes = dimensions(of: feature)
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
          guard let numbers = try tensor.numbers() else { throw Refusal("it computes with \(tensor.name.quoted), which is large") }
          return try Numbers(tensor.dimensions, numbers, isInteger: tensor.element.isInteger)
        }
      }
      result = try fold(node, numbers)
    }
    return .constant(ONNXTensor(output, dimensions: result.dimensions, numbers: result.values, isInteger: result.isInteger))
  }

  private mutating func takeOutput(_ name: String) throws {
    if case .partial(let partial)? = values[name], partial.form != .softmax || !isVector(partial.source) { try settle(name) }
    switch values[name] {
    case .feature(let feature)?: outputs.append(feature)
    case .partial(let partial)? where partial.form == .softmax:
      notes.append("softmax at output \(name.quoted) left off: its input is the classifier's output")
      outputs.append(partial.source)
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
  func feature(_ node: ONNXGraph.Node, _ index: Int = 0) throws -> String {
    switch value(node, index) {
    case .feature(let name)?: return name
    case .partial(let partial)?: throw Refusal("it reads \(partial.words), which is understood only within a larger formula")
    case .unknown?: throw Unknown()
    case .constant?, nil: throw Refusal("its input \(index) is no value of a layer")
    }
  }

  /// The constant that an input is; nil if it is left out.
  func constant(_ node: ONNXGraph.Node, _ index: Int) throws -> ONNXTensor? {
    switch value(node, index) {
    case .constant(let tensor)?: return tensor
    case nil: return nil
    case .unknown?: throw Unknown()
    case .feature?, .partial?: throw Refusal("its input \(index) is computed, and must be a constant")
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

  /// The sizes of a value as ONNX counts them, the batch's first.
  func dimensions(of feature: String) -> [Int] { [batch] + shape(of: feature).dimensions }

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
    shapes[node.name] = try node.shape(of: inputs.map { ($0, shape(of: $0)) })
    nodes.append(node)
    return .feature(node.name)
  }

  /// Appends an operation without parameters under the node's name.
  mutating func emit(_ operation: Operation, from inputs: [String], as node: ONNXGraph.Node, isModule: Bool = true) throws -> Value {
    try emit(operation, from: inputs, named: Names.name(of: node, dropsOperation: isModule))
  }

  /// Appends a layer, whose module takes its name from the weights or the node.
  mutating func layer(
    _ operation: Operation, from input: String, as node: ONNXGraph.Node, _ parameters: [(role: ParameterName.Role, weight: Weight)]
  ) throws -> Value {
    let module = modules.unique(Names.module(of: node, weight: node.inputs.count > 1 ? node.inputs[1] : ""))
    let value = try emit(operation, from: [input], named: module, module: module)
    for (role, weight) in parameters { weights[ParameterName(module, role)] = weight }
    return value
  }

  /// Gives the layer that a node's input is a bias; false if it is no layer that could take it.
  mutating func absorbBias(_ bias: ONNXTensor, into feature: String, input index: Int, of node: ONNXGraph.Node) -> Bool {
    guard isOwn(feature, input: index, of: node), let place = nodes.lastIndex(where: { $0.name == feature }) else { return false }
    guard isPerChannel(bias, of: feature) else { return false }
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
  func isPerChannel(_ constant: ONNXTensor, of feature: String) -> Bool {
    let (channels, rank) = (shape(of: feature).channels, dimensions(of: feature).count)
    let sizes = Array(repeating: 1, count: max(rank - constant.dimensions.count, 0)) + constant.dimensions
    return constant.count == channels && sizes.count == rank && sizes[1] == channels
  }

  mutating func note(_ text: String) { if !notes.contains(text) { notes.append(text) } }
}
