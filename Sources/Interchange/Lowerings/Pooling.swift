internal import Networks

extension Lowering {
  /// Maxima and means over windows, or over whole images.
  static let pooling = [
    Rule("MaxPool") { lowering, node in
      let source = try lowering.feature(node)
      let window = try pooling(node, lowering.shape(of: source))
      return [try lowering.emit(.maxPool(window), from: [source], as: node)]
    },
    Rule("AveragePool") { lowering, node in
      let source = try lowering.feature(node)
      let window = try pooling(node, lowering.shape(of: source))
      return [try lowering.emit(.averagePool(window), from: [source], as: node)]
    },
    Rule("GlobalMaxPool") { lowering, node in
      [try lowering.emit(.adaptiveMaxPool(height: 1, width: 1), from: [lowering.feature(node)], as: node)]
    },
    Rule("GlobalAveragePool") { lowering, node in
      [try lowering.emit(.adaptiveAveragePool(height: 1, width: 1), from: [lowering.feature(node)], as: node)]
    },
    Rule("ReduceMean") { lowering, node in
      let source = try lowering.feature(node)
      let axes = node.axes(try lowering.operands(node)) ?? []
      let positions = Set(axes.compactMap { $0.axis(of: lowering.dimensions(of: source).count) })
      guard case .image = lowering.shape(of: source), positions == [2, 3] else {
        throw Refusal("it takes means over axes \(axes), and those over height and width, [2, 3], are possible")
      }
      let mean = try lowering.emit(.adaptiveAveragePool(height: 1, width: 1), from: [source], as: node, isModule: false)
      guard node.integer("keepdims", 1) == 0, case .feature(let name) = mean else { return [mean] }
      return [try lowering.emit(.flatten, from: [name], named: "\(name).flatten")]
    },
  ]

  private static func pooling(_ node: ONNXGraph.Node, _ shape: FeatureShape) throws -> Pooling {
    let window = try Window(of: node, over: shape)
    guard window.dilation == Extent(1) else { throw Refusal("its window has gaps (dilations)") }
    guard window.border == nil else { throw Refusal("its padding differs between opposite sides") }
    guard node.integer("storage_order", 0) == 0 else { throw Refusal("its storage_order is by columns") }
    guard case .image(_, let height, let width) = shape else { throw Refusal("it must read an image") }
    // Where windows end at the border anyway, there is nothing to round.
    func leavesRest(_ size: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> Bool {
      (size + 2 * padding - kernel) % stride != 0
    }
    let isCeiled =
      leavesRest(height, window.kernel.height, window.stride.height, window.padding.height)
      || leavesRest(width, window.kernel.width, window.stride.width, window.padding.width)
    return Pooling(
      kernel: window.kernel, stride: window.stride, padding: window.padding, ceilMode: isCeiled && node.integer("ceil_mode", 0) != 0,
      countsPadding: window.padding == Extent(0) || node.operation == "MaxPool" || node.integer("count_include_pad", 0) != 0)
  }
}
