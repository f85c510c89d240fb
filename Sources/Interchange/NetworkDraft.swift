internal import Networks

/// A network while a graph is read: its nodes so far with their shapes and parameters, under names of their own.
struct NetworkDraft {
  /// The size of the batch as ONNX counts it.
  let batch: Int
  private(set) var nodes: [Network.Node] = []
  private(set) var weights: [ParameterName: Weight] = [:]
  private var shapes: [String: FeatureShape] = [:]
  private var names = Names()
  private var modules = Names()
  /// Views that had to be made values of their own, by what they are.
  private var arranged: [View: String] = [:]

  init(batch: Int) { self.batch = batch }

  func shape(of feature: String) -> FeatureShape { shapes[feature] ?? .vector(1) }

  func isVector(_ feature: String) -> Bool { if case .vector = shape(of: feature) { true } else { false } }

  /// A node's value as it is.
  func whole(_ feature: String) -> View { View(feature, shape: shape(of: feature), batch: batch) }

  /// Whether a constant has a number for each channel of a value: [channels], [1, channels] and [1, channels, 1, 1] say the same, if the axis
  /// is the channels'.
  func isPerChannel(_ constant: ONNXTensor, of view: View) -> Bool {
    let (channels, rank) = (shape(of: view.source).channels, view.axes.count)
    let sizes = Array(repeating: 1, count: max(rank - constant.dimensions.count, 0)) + constant.dimensions
    guard constant.count == channels, sizes.count == rank, let axis = view.channelAxis(channels) else { return false }
    return sizes[axis] == channels && view.isWhole(axis, .channels, channels)
  }

  /// Appends an operation, and returns its value as it is.
  ///
  /// - Throws: `NetworkError` for a value that the operation cannot take.
  mutating func emit(_ operation: Operation, from inputs: [String], named name: String, module: String? = nil) throws -> View {
    // The network says so in its own words when it is checked; here it keeps hostile files short.
    guard nodes.count <= 1 << 15 else { throw Refusal("there are too many before it") }
    let node = Network.Node(name: names.unique(name), operation: operation, inputs: inputs, module: module)
    // Only layers share names with others.
    if module == nil { _ = modules.unique(node.name) }
    shapes[node.name] = try node.shape(of: inputs.map { ($0, shape(of: $0)) })
    nodes.append(node)
    return whole(node.name)
  }

  /// Appends a layer whose module has the given name, or one near to it.
  mutating func layer(
    _ operation: Operation, from inputs: [String], named name: String, _ parameters: [(role: ParameterName.Role, weight: Weight)]
  ) throws -> View {
    let module = modules.unique(name)
    let value = try emit(operation, from: inputs, named: module, module: module)
    for (role, weight) in parameters { weights[ParameterName(module, role)] = weight }
    return value
  }

  /// Gives a layer a bias; false if there is no such layer, or it has one.
  mutating func giveBias(_ bias: ONNXTensor, to layer: String) -> Bool {
    guard let place = nodes.lastIndex(where: { $0.name == layer }) else { return false }
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
    return true
  }

  /// Removes the nodes that no output depends on; inputs stay.
  mutating func removeUnread(by outputs: [String]) {
    var needed = Set(outputs)
    for node in nodes.reversed() where needed.contains(node.name) { needed.formUnion(node.inputs) }
    nodes.removeAll { if case .input = $0.operation { false } else { !needed.contains($0.name) } }
    let modules = Set(nodes.map(\.module))
    weights = weights.filter { modules.contains($0.key.module) }
  }
}

// Views as values of nodes.
extension NetworkDraft {
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
      return try emit(.flatten, from: [view.source], named: "\(view.source).flatten").source
    }
    guard view.isWhole(1, .channels, channels), view.axes.count <= 4 else { throw refusal() }
    let rest = View(view.source, [view.axes[2...].flatMap(\.self)])
    guard rest.isWhole(0, .positions, height * width) else { throw refusal() }
    let sizes = view.axes.count == 3 ? [1] + view.sizes[2...] : Array(view.sizes[2...])
    guard sizes != [height, width] else { return view.source }
    return try emit(.arrange(height: sizes[0], width: sizes[1]), from: [view.source], named: "\(view.source).arrange").source
  }

  /// Returns a view whose channels are those of its node in their order, as they stand in its axes one after another; where they are not, of
  /// a selection that orders them.
  mutating func channelsInOrder(_ view: View, named name: String? = nil) throws -> View {
    let factors = view.factors(.channels)
    let count = shape(of: view.source).channels
    guard factors.reduce(1, { $0 * $1.size }) == count else { throw Refusal("its input has a part of its channels") }
    var strides = factors.map { _ in 1 }
    for index in factors.indices.dropLast().reversed() { strides[index] = strides[index + 1] * factors[index + 1].size }
    guard factors.map(\.stride) != strides else { return view }
    // The place of each new channel among the old ones.
    var indices = [0]
    for factor in factors { indices = indices.flatMap { base in (0..<factor.size).map { base + $0 * factor.stride } } }
    let ordered = try emit(.indexSelect(indices), from: [view.source], named: name ?? "\(view.source).order")
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

  /// A value times a number and plus another, where no formula takes it.
  mutating func scaled(_ view: View, _ factor: Double = 1, plus shift: Double = 0, named name: String) throws -> View {
    try view.of(emit(.activation(.affine(scale: factor, shift: shift)), from: [view.source], named: name).source)
  }
}
