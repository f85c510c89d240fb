internal import Words

extension Network {
  /// Checks everything about the graph that does not need shapes.
  ///
  /// There are at most 32,768 nodes, names are unique and printable, inputs exist and precede their readers, there is at least
  /// one `input` node and one output, every operation has as many inputs as it takes and sizes that a layer can have, groups divide
  /// channels, and nodes that share a module's parameters are equal operations.
  ///
  /// - Throws: ``NetworkError/invalid(_:)`` or ``NetworkError/tooLarge(_:)`` naming the first node at fault.
  public func validate() throws {
    try Limits.check(nodes: nodes.count)
    var earlier: Set<String> = []
    var modules: [String: Node] = [:]
    var hasInput = false
    for node in nodes {
      guard node.name.isPrintableName else {
        throw NetworkError.invalid("node name \(node.name.quoted): must be 1 to 200 visible characters without blanks")
      }
      guard node.module.isPrintableName else {
        throw NetworkError.invalid("\(node.name): module name \(node.module.quoted) must be 1 to 200 visible characters without blanks")
      }
      for input in node.inputs where !earlier.contains(input) {
        let exists = nodes.contains { $0.name == input }
        throw NetworkError.invalid(
          exists ? "\(node.name): its input \(input.quoted) must come before it" : "\(node.name): there is no node \(input.quoted) to read"
        )
      }
      guard earlier.insert(node.name).inserted else { throw NetworkError.invalid("two nodes are named \(node.name)") }
      guard node.operation.arity.contains(node.inputs.count) else {
        throw NetworkError.invalid("\(node.name): \(node.operation.kind) takes \(node.operation.arityInWords), gets \(node.inputs.count)")
      }
      if let problem = node.operation.problem { throw NetworkError.invalid("\(node.name): \(problem)") }
      for (role, dimensions) in node.operation.parameters where (Int.product(dimensions) ?? .max) > Limits.elements {
        throw NetworkError.tooLarge("\(node.name): \(role.rawValue) [\(dimensions.listed)] is larger than any machine can hold")
      }
      // Nodes without parameters share nothing, and each may lose channels of its own.
      if let twin = modules[node.module], twin.operation != node.operation, twin.operation.hasParameters || node.operation.hasParameters {
        throw NetworkError.invalid("\(node.name) and \(twin.name) share module \(node.module) but are different operations")
      }
      modules[node.module] = node
      if case .input = node.operation { hasInput = true }
    }
    guard hasInput else { throw NetworkError.invalid("a network needs at least one input node") }
    guard !outputs.isEmpty else { throw NetworkError.invalid("a network needs at least one output") }
    for output in outputs where !earlier.contains(output) {
      throw NetworkError.invalid("output \(output.quoted) is not a node")
    }
  }
}

extension Convolution {
  /// What is wrong with the padding behind a transposed convolution's output, as libtorch sees it; nil if nothing is.
  fileprivate var problemBehindOutput: String? {
    guard let more = outputPadding else { return nil }
    let limit = Extent(max(stride.height, dilation.height), max(stride.width, dilation.width))
    let fits = (0..<limit.height).contains(more.height) && (0..<limit.width).contains(more.width)
    return fits ? nil : "outputPadding must be from 0 to below the stride or the dilation, is \(more)"
  }
}

extension Operation {
  fileprivate var hasParameters: Bool { !parameters.isEmpty }

  /// The number of inputs that a node with this operation takes.
  var arity: ClosedRange<Int> {
    switch self {
    case .input: 0...0
    case .add, .concat: 2...1000
    case .subtract, .multiply: 2...2
    case .opaque(let function): function.name.form == .pair ? 2...2 : 1...1
    case .attention: 3...3
    default: 1...1
    }
  }

  var arityInWords: String {
    switch self {
    case .input: "no input"
    case .add, .concat: "2 to 1000 inputs"
    case .subtract, .multiply: "2 inputs"
    case .opaque(let function) where function.name.form == .pair: "2 inputs"
    case .attention: "3 inputs"
    default: "1 input"
    }
  }

  /// What is wrong with the operation's own numbers, in words, or nil.
  var problem: String? {
    switch self {
    case .input(let shape): shape.isReasonable ? nil : "input shape \(shape) is out of range"
    case .linear(let layer): size(layer.inputs, "inputs") ?? size(layer.outputs, "outputs")
    case .convolution(let layer):
      size(layer.inputs, "inputs") ?? size(layer.outputs, "outputs") ?? extent(layer.kernel, "kernel") ?? extent(layer.stride, "stride")
        ?? extent(layer.padding, "padding", from: 0) ?? extent(layer.dilation, "dilation") ?? size(layer.groups, "groups")
        ?? divides(layer.groups, layer.inputs, "input") ?? divides(layer.groups, layer.outputs, "output")
        ?? layer.problemBehindOutput
    case .batchNorm(let norm):
      size(norm.features, "features")
        ?? positive(norm.epsilon, "epsilon")
        ?? ((0...1).contains(norm.momentum) ? nil : "momentum must lie between 0 and 1, is \(norm.momentum)")
    case .groupNorm(let norm):
      size(norm.features, "features") ?? size(norm.groups, "groups") ?? divides(norm.groups, norm.features, "input")
        ?? size(norm.absent, "absent", from: 0) ?? positive(norm.epsilon, "epsilon")
    case .channelNorm(let norm):
      size(norm.features, "features") ?? size(norm.absent, "absent", from: 0) ?? positive(norm.epsilon, "epsilon")
    case .channelAffine(let layer): size(layer.features, "features")
    case .prelu(let layer): size(layer.features, "features")
    case .localResponseNorm(let norm):
      size(norm.size, "size") ?? positive(norm.k, "k")
        ?? (norm.alpha >= 0 && norm.alpha.isFinite ? nil : "alpha must be at least 0, is \(norm.alpha)")
        ?? (norm.beta.isFinite ? nil : "beta must be finite, is \(norm.beta)")
    case .activation(let function):
      function.numbers.first { !$0.value.isFinite }.map { "\($0.name) must be finite, is \($0.value)" }
    case .softmax, .flatten, .add, .subtract, .multiply, .concat: nil
    case .opaque(let function): function.problem
    case .attention(let layer): problem(of: layer)
    case .classToken(let features): size(features, "features")
    case .positionEmbedding(let layer): size(layer.features, "features") ?? extent(Extent(layer.height, layer.width), "size")
    case .narrow(let start, let count): size(start, "start", from: 0) ?? size(count, "count")
    case .indexSelect(let indices):
      indices.isEmpty ? "indices must name at least one channel" : distinct(indices)
    case .maxPool(let pooling) where !pooling.countsPadding: "padding never counts in a maximum"
    case .maxPool(let pooling), .averagePool(let pooling):
      extent(pooling.kernel, "kernel") ?? extent(pooling.stride, "stride") ?? extent(pooling.padding, "padding", from: 0)
        ?? (pooling.padding.height <= pooling.kernel.height / 2 && pooling.padding.width <= pooling.kernel.width / 2
          ? nil : "padding \(pooling.padding) is more than half of the window \(pooling.kernel)")
    case .adaptiveAveragePool(let height, let width), .adaptiveMaxPool(let height, let width), .arrange(let height, let width),
      .resize(let height, let width, _):
      extent(Extent(height, width), "size")
    case .roll(let down, let right):
      size(down, "down", from: -Limits.size) ?? size(right, "right", from: -Limits.size)
    case .pad(let top, let bottom, let left, let right):
      size(top, "top", from: -Limits.size) ?? size(bottom, "bottom", from: -Limits.size) ?? size(left, "left", from: -Limits.size)
        ?? size(right, "right", from: -Limits.size)
    case .dropout(let probability):
      probability >= 0 && probability < 1 ? nil : "probability must be at least 0 and below 1, is \(probability)"
    case .subsamplePad(let stride, let before, let after):
      size(stride, "stride") ?? size(before, "before", from: 0) ?? size(after, "after", from: 0)
    }
  }

  private func size(_ value: Int, _ name: String, from least: Int = 1) -> String? {
    (least...Limits.size).contains(value) ? nil : "\(name) must be from \(least) to \(Limits.size), is \(value)"
  }

  private func positive(_ value: Double, _ name: String) -> String? {
    value > 0 && value.isFinite ? nil : "\(name) must be positive, is \(value)"
  }

  private func distinct(_ indices: [Int]) -> String? {
    var seen: Set<Int> = []
    for index in indices {
      if let problem = size(index, "indices", from: 0) { return problem }
      if !seen.insert(index).inserted { return "indices must differ, \(index) stands twice" }
    }
    return nil
  }

  private func problem(of layer: Attention) -> String? {
    if let problem = size(layer.heads, "heads") ?? size(layer.keyWidth, "keyWidth") ?? size(layer.valueWidth, "valueWidth") {
      return problem
    }
    guard layer.scale.isFinite else { return "scale must be finite, is \(layer.scale)" }
    if let bias = layer.bias, let problem = extent(bias, "bias") { return problem }
    guard let window = layer.window else { return nil }
    let (size, shift) = (window.size, window.shift)
    if let problem = extent(size, "window") ?? extent(shift, "shift", from: 0) { return problem }
    guard shift.height < size.height, shift.width < size.width else { return "shift \(shift) must be smaller than the window \(size)" }
    return window.isGrid && shift != Extent(0) ? "a grid has no shift" : nil
  }

  private func extent(_ value: Extent, _ name: String, from least: Int = 1) -> String? {
    size(value.height, name, from: least) ?? size(value.width, name, from: least)
  }

  private func divides(_ groups: Int, _ channels: Int, _ side: String) -> String? {
    channels.isMultiple(of: groups) ? nil : "\(groups) groups do not divide \(channels) \(side) channels"
  }
}

extension String {
  /// Whether all characters are visible: names from files are printed on terminals, where control and direction characters can deceive.
  fileprivate var isPrintableName: Bool {
    guard !isEmpty, utf8.count <= 200 else { return false }
    // Most names are plain ASCII, and Unicode look-ups take time.
    if utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { return true }
    return unicodeScalars.allSatisfy { $0.isVisible && $0.properties.generalCategory != .spaceSeparator }
  }
}

extension [Int] {
  /// The numbers, separated by commas.
  var listed: String { map(String.init).joined(separator: ", ") }
}
