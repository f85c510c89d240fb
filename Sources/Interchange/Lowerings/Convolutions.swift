internal import Networks
internal import Words

extension Lowering {
  /// `Conv` in two dimensions, or along a sequence.
  static let convolutions = [
    Rule("Conv") { lowering, node in
      var zeros = [0, 0, 0, 0]
      let source: String
      if case .partial(let partial)? = lowering.value(node, 0), case .padded(let pads) = partial.form {
        (source, zeros) = (partial.view.source, pads)
      } else {
        source = try lowering.feature(node)
      }
      var input = source
      let isSequence = try lowering.constant(node, 1)?.dimensions.count == 3
      let kernels = try lowering.weight(node, 1, rank: isSequence ? 3 : 4)
      let window = try Window(
        of: node, kernel: Array(kernels.dimensions.dropFirst(2)), over: lowering.network.shape(of: source), zeros: zeros)
      if let border = window.border {
        let name = "\(Names.name(of: node, dropsOperation: true)).pad"
        input = try lowering.network.emit(border, from: [source], named: name).source
      }
      let groups = node.integer("group", 1)
      let (inputs, overflow) = kernels.dimensions[1].multipliedReportingOverflow(by: groups)
      guard !overflow else { throw Refusal("\(groups) groups are impossible") }
      let bias = try lowering.constant(node, 2)
      guard bias == nil || bias?.dimensions == [kernels.dimensions[0]] else { throw Refusal("its bias does not fit its weights") }
      let layer = Convolution(
        inputs, kernels.dimensions[0], kernel: window.kernel, stride: window.stride, padding: window.padding, dilation: window.dilation,
        groups: groups, bias: bias != nil)
      let parameters: [(ParameterName.Role, Weight)] =
        [(.weight, Weight(tensor: kernels))] + (bias.map { [(.bias, Weight(tensor: $0))] } ?? [])
      return [.feature(try lowering.layer(.convolution(layer), from: input, as: node, parameters))]
    },
    Rule("ConvTranspose") { lowering, node in
      let source = try lowering.feature(node)
      let isSequence = try lowering.constant(node, 1)?.dimensions.count == 3
      let kernels = try lowering.weight(node, 1, rank: isSequence ? 3 : 4)
      guard node.integers("output_shape") == nil, ["NOTSET", "VALID", ""].contains(node.text("auto_pad", "NOTSET")) else {
        throw Refusal("its output_shape or auto_pad decides its padding, and pads are possible")
      }
      let taps = Array(kernels.dimensions.dropFirst(2))
      let window = try Window(of: node, kernel: taps, over: lowering.network.shape(of: source))
      guard window.border == nil else { throw Refusal("its padding differs between opposite sides") }
      let groups = node.integer("group", 1)
      let more = node.integers("output_padding") ?? [0, 0]
      let (outputs, overflow) = kernels.dimensions[1].multipliedReportingOverflow(by: groups)
      guard !overflow, groups > 0, kernels.dimensions[0].isMultiple(of: groups), (1...2).contains(more.count) else {
        throw Refusal("\(groups) groups or its output_padding are impossible")
      }
      let bias = try lowering.constant(node, 2)
      guard bias == nil || bias?.dimensions == [outputs] else { throw Refusal("its bias does not fit its weights") }
      let inputs = kernels.dimensions[0]
      let layer = Convolution(
        inputs, outputs, kernel: window.kernel, stride: window.stride, padding: window.padding, dilation: window.dilation, groups: groups,
        bias: bias != nil, outputPadding: Extent(more.count == 2 ? more[0] : 0, more[more.count - 1]))
      // Ours have their outputs first.
      let parts = [groups, inputs / groups, kernels.dimensions[1], window.kernel.height, window.kernel.width]
      let weight = Weight(tensor: kernels, turned: (parts, [0, 2, 1, 3, 4]))
      return [
        .feature(
          try lowering.layer(
            .convolution(layer), from: source, as: node, [(.weight, weight)] + (bias.map { [(.bias, Weight(tensor: $0))] } ?? [])))
      ]
    },
  ]
}

/// The window of a convolution or a pooling.
struct Window {
  var kernel: Extent
  var stride: Extent
  /// Equal padding on opposite sides; none if there is a ``border``.
  var padding: Extent
  var dilation: Extent
  /// The operation that pads an image before the window, where opposite sides differ; nil where they are equal.
  var border: Operation?

  /// - Parameters:
  ///   - kernel: height and width; nil for those of the node.
  ///   - zeros: pixels that a `Pad` before it adds: above, left, below, right.
  /// - Throws: ``Refusal`` for other than two dimensions.
  init(of node: ONNXGraph.Node, kernel: [Int]? = nil, over shape: FeatureShape, zeros: [Int] = [0, 0, 0, 0]) throws {
    guard case .image(_, let height, let width) = shape else { throw Refusal("it reads a vector, and must read an image") }
    func pair(_ name: String, _ standard: [Int]?) throws -> Extent {
      guard var numbers = node.integers(name) ?? standard else { throw Refusal("it has no \(name)") }
      // A sequence is an image of one row.
      if numbers.count == 1, height == 1 { numbers.insert(1, at: 0) }
      guard numbers.count == 2, numbers.allSatisfy({ (1...Int(Int32.max)).contains($0) }) else {
        throw Refusal("its \(name) \(numbers) must be two sizes")
      }
      return Extent(numbers[0], numbers[1])
    }
    self.kernel = try pair("kernel_shape", kernel)
    guard kernel == nil || kernel == [self.kernel.height, self.kernel.width] || kernel == [self.kernel.width] && self.kernel.height == 1
    else {
      throw Refusal("its kernel_shape contradicts its weights")
    }
    stride = try pair("strides", [1, 1])
    dilation = try pair("dilations", [1, 1])
    var pads = node.integers("pads") ?? [0, 0, 0, 0]
    if pads.count == 2, height == 1 { pads = [0, pads[0], 0, pads[1]] }
    let automatic = node.text("auto_pad", "NOTSET")
    switch automatic {
    case "NOTSET", "": break
    case "VALID": pads = [0, 0, 0, 0]
    case "SAME_UPPER", "SAME_LOWER":
      func sides(_ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> (Int, Int) {
        let reach = dilation.multipliedReportingOverflow(by: kernel - 1)
        let total = reach.overflow ? 0 : max(((size - 1) / stride) * stride + reach.partialValue + 1 - size, 0)
        return automatic == "SAME_UPPER" ? (total / 2, total - total / 2) : (total - total / 2, total / 2)
      }
      let (top, bottom) = sides(height, self.kernel.height, stride.height, dilation.height)
      let (left, right) = sides(width, self.kernel.width, stride.width, dilation.width)
      pads = [top, left, bottom, right]
    default: throw Refusal("its auto_pad \(automatic.quoted) is unknown")
    }
    guard pads.count == 4, pads.allSatisfy({ (0...Int(Int32.max)).contains($0) }) else {
      throw Refusal("its pads \(pads) must be four sizes")
    }
    pads = zip(pads, zeros).map(+)
    padding = Extent(pads[0], pads[1])
    if pads[0] != pads[2] || pads[1] != pads[3] {
      padding = Extent(0)
      border = .pad(top: pads[0], bottom: pads[2], left: pads[1], right: pads[3])
    }
  }
}
