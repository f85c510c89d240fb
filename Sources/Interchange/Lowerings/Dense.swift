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
      return [try lowering.product(of: lowering.value(node, 0), lowering.value(node, 1), node)]
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
}
