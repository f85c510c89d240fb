internal import Networks

extension Lowering {
  /// Fully connected layers: `Gemm`, and `MatMul`, whose bias an `Add` behind it brings. At each position of an image or a sequence they are
  /// 1×1 convolutions; of two computed values `MatMul` is a part of attention.
  static let dense = [
    Rule("Gemm") { lowering, node in
      guard node.integer("transA", 0) == 0 else { throw Refusal("it transposes its input") }
      let matrix = try lowering.weight(node, 1, rank: 2)
      let isStoredByOutput = node.integer("transB", 0) != 0
      let outputs = matrix.dimensions[isStoredByOutput ? 0 : 1]
      let (alpha, beta) = (node.real("alpha", 1), node.real("beta", 1))
      var bias: Weight?
      if let constant = try lowering.constant(node, 2), beta != 0 {
        guard constant.count == outputs, constant.dimensions.last == outputs || outputs == 1 else {
          throw Refusal("its bias does not fit its weights")
        }
        bias = Weight(tensor: constant, factor: beta)
      }
      return [try lowering.connected(node, Weight(tensor: matrix, factor: alpha), isStoredByOutput, bias)]
    },
    Rule("MatMul") { lowering, node in
      if case .constant? = lowering.value(node, 1) {
        if let input = node.inputs.first { try lowering.settle(input) }
        return [try lowering.connected(node, Weight(tensor: try lowering.weight(node, 1, rank: 2)), false, nil)]
      }
      return [try lowering.attended(node)]
    },
    // An operation of its own from version 23 on.
    Rule("Attention") { lowering, node in
      guard node.inputs.dropFirst(3).allSatisfy(\.isEmpty) else { throw Refusal("it has a mask, a past or lengths, and none are possible") }
      let plain: Set = ["q_num_heads", "kv_num_heads", "scale", "qk_matmul_output_mode", "softmax_precision"]
      if let other = node.attributes.sorted(by: { $0.key < $1.key }).first(where: {
        !plain.contains($0.key) && ($0.value.i != 0 || $0.value.f != 0)
      }) {
        throw Refusal("its \(other.key) is not understood")
      }
      return [try lowering.attention(node)]
    },
  ]

  /// Appends a fully connected layer over the last axis of the first input.
  private mutating func connected(_ node: ONNXGraph.Node, _ weight: Weight, _ isStoredByOutput: Bool, _ bias: Weight?) throws -> Value {
    var view = try view(node)
    var weight = weight
    let sizes = weight.tensor.dimensions
    let (inputs, outputs) = isStoredByOutput ? (sizes[1], sizes[0]) : (sizes[0], sizes[1])
    let last = view.axes.count - 1
    let own = network.shape(of: view.source)
    guard view.sizes[last] == inputs else { throw Refusal("it expects \(inputs) features, and reads (\(view.words))") }
    let biases = bias.map { [(ParameterName.Role.bias, $0)] } ?? []
    let isImage = own.dimensions.count == 3
    if view.channelAxis(own.channels) == last, !isImage || last != 1 || own.positions > 1 {
      // Of each position alone.
      view = try network.channelsInOrder(view)
      if !isStoredByOutput { weight.turned = ([inputs, outputs], [1, 0]) }
      let operation =
        isImage
        ? Operation.convolution(Convolution(inputs, outputs, kernel: Extent(1), bias: bias != nil))
        : .linear(Linear(inputs, outputs, bias: bias != nil))
      let result = try layer(operation, from: view.source, as: node, [(.weight, weight)] + biases)
      var axes = view.axes
      axes[last] = outputs == 1 ? [] : [View.Factor(axis: .channels, size: outputs)]
      return .feature(View(result.source, axes))
    }
    var source = view.source
    let channels = own.channels
    if last == 1, own.positions > 1, channels > 1, view.isWhole(0, .batch, batch),
      view.axes[1] == [View.Factor(axis: .positions, size: own.positions), View.Factor(axis: .channels, size: channels)]
    {
      // Flattened with its channels last.
      weight.turned =
        isStoredByOutput
        ? ([outputs, own.positions, channels], [0, 2, 1]) : ([own.positions, channels, outputs], [2, 1, 0])
      source = try network.canonical(View(source, [view.axes[0], [view.axes[1][1], view.axes[1][0]]]))
    } else {
      source = try network.canonical(view)
      guard network.isVector(source) else { throw Refusal("it reads an image, \(network.shape(of: source)), and must read a vector") }
      if !isStoredByOutput { weight.turned = ([inputs, outputs], [1, 0]) }
    }
    return .feature(try layer(.linear(Linear(inputs, outputs, bias: bias != nil)), from: source, as: node, [(.weight, weight)] + biases))
  }

  /// Attention of queries, keys and values: [batch, positions, channels of all heads], or [batch, heads, positions, channels].
  private mutating func attention(_ node: ONNXGraph.Node) throws -> Value {
    var views: [View] = []
    for index in 0..<3 { views.append(try network.channelsInOrder(view(node, index))) }
    let (rank, number) = (views[0].axes.count, node.integer("q_num_heads", 0))
    let positions = rank - 2
    func channels(_ view: View) -> Int { network.shape(of: view.source).channels }
    for view in views {
      let isHead = view.axes.last?.count ?? 0 <= 1 && view.axes.last?.allSatisfy { $0.axis == .channels && $0.stride == 1 } == true
      guard rank == 3 || rank == 4, view.axes.count == rank, view.isWhole(0, .batch, batch), isHead,
        view.isWhole(positions, .positions, network.shape(of: view.source).positions),
        rank == 4 ? heads(view) == heads(views[0]) : view.isWhole(2, .channels, channels(view))
      else {
        throw Refusal("it compares (\(view.words)), and batch, positions, channels or batch, heads, positions, channels are possible")
      }
    }
    let count = rank == 3 ? number : channels(views[0]) / max(views[0].sizes[3], 1)
    guard count > 0, rank == 4 || node.integer("kv_num_heads", count) == count, views.allSatisfy({ channels($0).isMultiple(of: count) })
    else {
      throw Refusal("its keys and values have other heads than its queries")
    }
    let width = channels(views[0]) / count
    let scale = node.attributes["scale"] == nil ? nil : node.real("scale", 1)
    let layer = Attention(heads: count, width: width, valueWidth: channels(views[2]) / count, scale: scale)
    let result = try emit(.attention(layer), from: views.map(\.source), as: node, isModule: false)
    var axes = views[2].axes
    axes[positions] = views[0].axes[positions]
    return .feature(View(result.source, axes))
  }

  /// Queries times keys, or what becomes of them times values.
  private mutating func attended(_ node: ONNXGraph.Node) throws -> Value {
    let misfit = Refusal("it multiplies two computed values, which is understood within attention, softmax(q·kᵀ)·v in heads")
    /// A value whose last axes are positions and the channels of a head, and which may have a factor.
    func operand(_ index: Int) throws -> (view: View, factor: Double) {
      if case .partial(let partial)? = value(node, index), case .scaled(let factor) = partial.form { return (partial.view, factor) }
      return (try view(node, index), 1)
    }
    func isHead(_ axis: [View.Factor]) -> Bool { axis.count <= 1 && axis.allSatisfy { $0.axis == .channels && $0.stride == 1 } }
    func isAll(_ view: View, _ index: Int) -> Bool { view.isWhole(index, .positions, network.shape(of: view.source).positions) }
    if case .partial(let partial)? = value(node, 0), case .attention(let keys, let factor) = partial.form {
      let queries = partial.view
      let values = try network.channelsInOrder(operand(1).view)
      let last = values.axes.count - 1
      guard last >= 2, last == queries.axes.count - 1, isAll(values, last - 1), isHead(values.axes[last]),
        heads(values) == heads(queries), network.shape(of: values.source).positions == network.shape(of: keys.source).positions
      else { throw misfit }
      let width = values.sizes[last]
      let heads = network.shape(of: values.source).channels / width
      let layer = Attention(heads: heads, width: network.shape(of: queries.source).channels / heads, valueWidth: width, scale: factor)
      let sources = [queries.source, keys.source, values.source]
      let result = try emit(.attention(layer), from: sources, as: node, isModule: false)
      var axes = values.axes
      axes[last - 1] = queries.axes[last - 1]
      return .feature(View(result.source, axes))
    }
    let (one, other) = (try operand(0), try operand(1))
    let (queries, keys) = (try network.channelsInOrder(one.view), try network.channelsInOrder(other.view))
    let last = queries.axes.count - 1
    guard last >= 2, last == keys.axes.count - 1, isAll(queries, last - 1), isAll(keys, last), isHead(queries.axes[last]),
      queries.axes[last] == keys.axes[last - 1], heads(queries) == heads(keys), queries.axes[..<(last - 1)] == keys.axes[..<(last - 1)]
    else { throw misfit }
    return .partial(Partial(form: .scores(keys: keys, factor: one.factor * other.factor), view: queries))
  }

  /// Batch and heads as they stand before the last two axes, whatever the width of a head; nil where there is something else.
  private func heads(_ view: View) -> [[Int]]? {
    var result: [[Int]] = []
    for axis in view.axes.dropLast(2) {
      guard axis.allSatisfy({ $0.axis != .positions }) else { return nil }
      result.append(axis.map(\.size))
    }
    return result
  }
}
