internal import Networks

extension Lowering {
  /// Maxima and means over windows, or over whole images.
  static let pooling = [
    Rule("MaxPool") { lowering, node in
      let source = try lowering.feature(node)
      let window = try pooling(node, lowering.network.shape(of: source))
      return [.feature(try lowering.emit(.maxPool(window), from: [source], as: node))]
    },
    Rule("AveragePool") { lowering, node in
      let source = try lowering.feature(node)
      let window = try pooling(node, lowering.network.shape(of: source))
      return [.feature(try lowering.emit(.averagePool(window), from: [source], as: node))]
    },
    Rule("GlobalMaxPool") { lowering, node in
      [.feature(try lowering.emit(.adaptiveMaxPool(height: 1, width: 1), from: [lowering.feature(node)], as: node))]
    },
    Rule("GlobalAveragePool") { lowering, node in
      [.feature(try lowering.emit(.adaptiveAveragePool(height: 1, width: 1), from: [lowering.feature(node)], as: node))]
    },
    Rule("ReduceMean") { lowering, node in
      let axes = node.axes(try lowering.operands(node)) ?? []
      if let part = try lowering.meanOfChannels(node, axes) { return [.partial(part)] }
      if let input = node.inputs.first { try lowering.settle(input) }
      let view = try lowering.view(node)
      let pool = Operation.adaptiveAveragePool(height: 1, width: 1)
      if let mean = try lowering.pooled(view, over: axes, by: pool, node) { return [mean] }
      if let mean = try? lowering.reduced(view, to: OpaqueFunction(.channelMean), node) { return [mean] }
      throw Refusal("it takes means over axes \(axes) of (\(view.words)), and those over all positions or all channels are possible")
    },
    Rule("Resize") { lowering, node in
      let source = try lowering.feature(node)
      guard case .image(_, let height, let width) = lowering.network.shape(of: source) else { throw Refusal("it reads a vector") }
      // From version 11 on a region of interest stands before the scales.
      let isEarly = lowering.graph.opset < 11
      let sizes = try isEarly ? nil : lowering.numbers(node, 3)?.sizes
      let scales = try lowering.numbers(node, isEarly ? 1 : 2)?.values
      return [try lowering.resized(source, height, width, sizes, scales, node)]
    },
    Rule("Upsample") { lowering, node in
      let source = try lowering.feature(node)
      guard case .image(_, let height, let width) = lowering.network.shape(of: source) else { throw Refusal("it reads a vector") }
      let scales = try node.attributes["scales"].map { $0.floats.map(Double.init) } ?? lowering.numbers(node, 1)?.values
      return [try lowering.resized(source, height, width, nil, scales, node)]
    },
  ]

  /// The one pixel that a pooling makes of all positions; nil for other axes.
  mutating func pooled(_ view: View, over axes: [Int], by pool: Operation, _ node: ONNXGraph.Node) throws -> Value? {
    let gone = Set(axes.compactMap { $0.axis(of: view.axes.count) })
    let shape = network.shape(of: view.source)
    let positions = view.axes.indices.filter { view.axes[$0].contains { $0.axis == .positions } }
    guard shape.dimensions.count == 3, !gone.isEmpty, gone.isSuperset(of: positions),
      gone.allSatisfy({ view.axes[$0].allSatisfy { $0.axis == .positions } })
    else { return nil }
    var result = try emit(pool, from: [view.source], as: node, isModule: false)
    let isKept = node.integer("keepdims", 1) != 0
    result.axes = view.axes.indices.compactMap { gone.contains($0) ? isKept ? [] : nil : view.axes[$0] }
    guard result.axes.count == 2, shape.channels == 1 || !result.axes[1].isEmpty else { return .feature(result) }
    return .feature(try network.emit(.flatten, from: [result.source], named: "\(result.source).flatten"))
  }

  /// A step of a layer norm: the mean of all channels, the last axis, or of their squares; nil for other means.
  private func meanOfChannels(_ node: ONNXGraph.Node, _ axes: [Int]) throws -> Partial? {
    func isOverChannels(_ view: View) -> Bool {
      let last = view.axes.count - 1
      return axes.count == 1 && axes[0].axis(of: last + 1) == last && view.isWhole(last, .channels, network.shape(of: view.source).channels)
    }
    guard node.integer("keepdims", 1) != 0 else { return nil }
    switch value(node, 0) {
    case .partial(let partial)? where partial.form == .squares && isOverChannels(partial.view):
      return Partial(form: .variance(epsilon: nil), view: partial.view)
    case .feature(let view)? where isOverChannels(view) && network.shape(of: view.source).channels > 1 && view.axes.count > 2:
      return Partial(form: .mean, view: view)
    default: return nil
    }
  }

  /// An image in another size, where the network interpolates as the node asks for.
  private mutating func resized(
    _ source: String, _ height: Int, _ width: Int, _ sizes: [Int]?, _ scales: [Double]?, _ node: ONNXGraph.Node
  ) throws -> Value {
    var target = [0, 0]
    if let sizes, sizes.count == 4 {
      target = Array(sizes[2...])
    } else if let scales, scales.count == 4, scales[0] == 1, scales[1] == 1, scales.allSatisfy({ $0 > 0 && $0 < 1e6 }) {
      target = [Int(Double(height) * scales[2]), Int(Double(width) * scales[3])]
      // Where sizes are rounded, ONNX goes on with the scales as they are.
      guard zip([height, width], zip(target, scales[2...])).allSatisfy({ abs(Double($1.0) - Double($0) * $1.1) < 1e-3 }) else {
        throw Refusal("its scales \(scales[2...].map { "\($0)" }.joined(separator: " and ")) make no whole image of \(height)×\(width)")
      }
    } else {
      throw Refusal("its sizes are not those of an image's height and width")
    }
    let mode = node.text("mode", "nearest")
    let isEarly = graph.opset < 11
    let place = node.text("coordinate_transformation_mode", isEarly ? "asymmetric" : "half_pixel")
    let rounding = node.text("nearest_mode", isEarly ? "floor" : "round_prefer_floor")
    let isWhole = target[0].isMultiple(of: height) && target[1].isMultiple(of: width)
    let interpolation: Interpolation
    switch (mode, place) {
    case ("nearest", "asymmetric") where rounding == "floor": interpolation = .nearest
    // In whole multiples both are the same.
    case ("nearest", "half_pixel") where isWhole && rounding == "round_prefer_floor": interpolation = .nearest
    case ("linear", "half_pixel"): interpolation = .bilinear
    case ("linear", "pytorch_half_pixel") where target[0] > 1 && target[1] > 1: interpolation = .bilinear
    case ("linear", "align_corners"): interpolation = .bilinearAligned
    default: throw Refusal("its mode \(mode) with \(place)\(mode == "nearest" ? " and \(rounding)" : "") is not understood")
    }
    guard node.integer("antialias", 0) == 0, node.integers("axes") == nil else { throw Refusal("its antialias or axes are not understood") }
    return .feature(try emit(.resize(height: target[0], width: target[1], interpolation), from: [source], as: node, isModule: false))
  }

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
