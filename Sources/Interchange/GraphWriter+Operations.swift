internal import Networks
internal import SwiftProtobuf
internal import Torch

extension GraphWriter {
  /// Writes a node, and returns the name of its value.
  mutating func write(_ node: Network.Node) throws -> String {
    let inputs = node.inputs.map { values[$0] ?? $0 }
    let x = inputs.first ?? ""
    let shape = node.inputs.first.flatMap { shapes[$0] } ?? .vector(1)
    switch node.operation {
    case .input(let shape): return narrowed(takeInput(node, shape), of: node)
    case .linear(let layer):
      let bias = layer.bias ? [try parameter(node, .bias)] : []
      add("Gemm", [x, try parameter(node, .weight)] + bias, node.name, integer("transB", 1))
    case .convolution(let layer) where layer.isTransposed: try transposed(layer, x, node)
    case .convolution(let layer):
      let bias = layer.bias ? [try parameter(node, .bias)] : []
      add(
        "Conv", [x, try parameter(node, .weight)] + bias, node.name, integers("kernel_shape", layer.kernel.pairs),
        integers("strides", layer.stride.pairs), integers("pads", layer.padding.pairs + layer.padding.pairs),
        integers("dilations", layer.dilation.pairs), integer("group", layer.groups))
    case .batchNorm(let norm):
      let scale = norm.affine ? try parameter(node, .weight) : try constants(Array(repeating: 1, count: norm.features), of: node, "one")
      let shift = norm.affine ? try parameter(node, .bias) : try constants(Array(repeating: 0, count: norm.features), of: node, "zero")
      add(
        "BatchNormalization", [x, scale, shift, try parameter(node, .runningMean), try parameter(node, .runningVariance)], node.name,
        number("epsilon", norm.epsilon))
    case .groupNorm(let norm):
      let rows = step("Reshape", [x, constant([0, norm.groups, -1], of: node, "rows")], of: node)
      let present = norm.features / max(norm.groups, 1) * shape.positions
      let normal = try normalized(rows, over: 2, present: present, zeros: norm.absent * shape.positions, norm.epsilon, of: node)
      let back = step("Reshape", [normal, constant([0] + shape.dimensions, of: node, "shape")], of: node)
      try scaled(back, by: node, affine: norm.affine, shape)
    case .channelNorm(let norm): try channelNorm(norm, x, node, shape)
    case .channelAffine(let layer): try scaled(x, by: node, affine: true, bias: layer.bias, shape)
    case .localResponseNorm(let norm):
      add(
        "LRN", [x], node.name, integer("size", norm.size), number("alpha", norm.alpha), number("beta", norm.beta), number("bias", norm.k))
    case .activation(let function): try activation(function, x, node)
    case .prelu(let layer):
      let slope = try parameter(node, .weight, shaped: layer.features == 1 ? [1] : column(shape))
      add("PRelu", [x, slope], node.name)
    case .softmax: add("Softmax", [x], node.name, integer("axis", 1))
    case .attention(let layer):
      guard inputs.count == 3 else { return x }
      try attention(layer, inputs, node, shape)
    case .classToken(let features):
      let token = try parameter(node, .weight, shaped: [1, features, 1, 1])
      let count = step("Shape", [x], of: node, integer("end", 1))
      let size = step("Concat", [count, constant([features, 1, 1], of: node, "token")], of: node, integer("axis", 0))
      add("Concat", [step("Expand", [token, size], of: node), x], node.name, integer("axis", 3))
    case .positionEmbedding(let layer):
      add("Add", [x, try parameter(node, .weight, shaped: [1, layer.features, layer.height, layer.width])], node.name)
    case .maxPool(let pool): maxPool(pool, x, node, shape)
    case .averagePool(let pool):
      add(
        "AveragePool", [x], node.name, integers("kernel_shape", pool.kernel.pairs), integers("strides", pool.stride.pairs),
        integers("pads", pool.padding.pairs + pool.padding.pairs), integer("ceil_mode", pool.ceilMode ? 1 : 0),
        integer("count_include_pad", pool.countsPadding ? 1 : 0))
    case .adaptiveAveragePool(let height, let width): return try adaptivePool("AveragePool", Extent(height, width), x, node, shape)
    case .adaptiveMaxPool(let height, let width): return try adaptivePool("MaxPool", Extent(height, width), x, node, shape)
    case .pad(let top, let bottom, let left, let right):
      add("Pad", [x, constant([0, 0, top, left, 0, 0, bottom, right], of: node, "pads")], node.name)
    case .resize(let height, let width, let interpolation): try resize(height, width, interpolation, x, node, shape)
    case .arrange(let height, let width): add("Reshape", [x, constant([0, shape.channels, height, width], of: node, "shape")], node.name)
    case .roll(let down, let right): roll(x, down, right, node, shape)
    case .dropout: return x
    case .flatten:
      if case .vector = shape { return x }
      add("Flatten", [x], node.name, integer("axis", 1))
    case .add: add(inputs.count == 2 ? "Add" : "Sum", inputs, node.name)
    case .subtract: add("Sub", inputs, node.name)
    case .multiply:
      var factors = inputs
      // One number for each channel of an image.
      if let other = node.inputs.dropFirst().first.flatMap({ shapes[$0] }), case .vector = other, shape.dimensions.count == 3 {
        factors[1] = step("Unsqueeze", [factors[1], constant([2, 3], of: node, "axes")], of: node)
      }
      add("Mul", factors, node.name)
    case .concat: add("Concat", inputs, node.name, integer("axis", 1))
    case .narrow(let start, let count): slice(x, from: [start], to: [start + count], along: [1], steps: [1], node, as: node.name)
    case .indexSelect(let indices): add("Gather", [x, constant(indices, of: node, "indices")], node.name, integer("axis", 1))
    case .subsamplePad(_, let before, let after) where shape.dimensions.count == 1:
      add("Pad", [x, constant([0, before, 0, after], of: node, "pads")], node.name)
    case .subsamplePad(let stride, let before, let after):
      let sampled = fresh("\(node.name).sampled")
      slice(x, from: [0, 0], to: [Int(Int32.max), Int(Int32.max)], along: [2, 3], steps: [stride, stride], node, as: sampled)
      add("Pad", [sampled, constant([0, before, 0, 0, 0, after, 0, 0], of: node, "pads")], node.name)
    case .opaque(let function): try opaque(function, inputs, node)
    }
    return node.name
  }

  /// ONNX normalises the last axes; channels that are gone are zeros to it.
  private mutating func channelNorm(_ norm: ChannelNorm, _ x: String, _ node: Network.Node, _ shape: FeatureShape) throws {
    let rank = shape.dimensions.count + 1
    let (toLast, toSecond) = (integers("perm", [0] + Array(2..<rank) + [1]), integers("perm", [0, rank - 1] + Array(1..<rank - 1)))
    let isWhole = norm.absent == 0
    var x = x
    if !isWhole {
      var pads = Array(repeating: 0, count: 2 * rank)
      pads[rank + 1] = norm.absent
      x = step("Pad", [x, constant(pads, of: node, "absent")], of: node)
    }
    if rank > 2 { x = step("Transpose", [x], of: node, toLast) }
    let isOwn = isWhole && norm.affine
    let ones = Array(repeating: Float(1), count: norm.features + norm.absent)
    let parameters = isOwn ? [try parameter(node, .weight), try parameter(node, .bias)] : [try constants(ones, of: node, "one")]
    x = step("LayerNormalization", [x] + parameters, of: node, integer("axis", -1), number("epsilon", norm.epsilon))
    if rank > 2 { x = step("Transpose", [x], of: node, toSecond) }
    if !isWhole {
      let kept = fresh("\(node.name).kept")
      slice(x, from: [0], to: [norm.features], along: [1], steps: [1], node, as: kept)
      x = kept
    }
    try scaled(x, by: node, affine: norm.affine && !isOwn, shape)
  }

  private mutating func transposed(_ layer: Convolution, _ x: String, _ node: Network.Node) throws {
    let bias = layer.bias ? [try parameter(node, .bias)] : []
    // ONNX has [inputs, outputs/groups, …].
    let weight = try parameter(node, .weight) {
      try $0.reshaped([layer.groups, layer.outputs / layer.groups] + $0.shape.dropFirst()).permuted([0, 2, 1, 3, 4])
        .reshaped([layer.inputs, layer.outputs / layer.groups, layer.kernel.height, layer.kernel.width])
    }
    add(
      "ConvTranspose", [x, weight] + bias, node.name, integers("kernel_shape", layer.kernel.pairs), integers("strides", layer.stride.pairs),
      integers("pads", layer.padding.pairs + layer.padding.pairs), integers("output_padding", layer.outputPadding?.pairs ?? [0, 0]),
      integers("dilations", layer.dilation.pairs), integer("group", layer.groups))
  }

  /// (x − μ)/√(σ² + ε) along an axis, of whose elements some were removed and count as zeros; in float32, because float16 has no room for
  /// sums of squares.
  private mutating func normalized(
    _ x: String, over axis: Int, present: Int, zeros: Int, _ epsilon: Double, of node: Network.Node
  ) throws -> String {
    let x = widened(x, of: node)
    let axes = constant([axis], of: node, "axis")
    let share = try constant(1 / Float(present + zeros), of: node, "share", isWide: true)
    let mean = step("Mul", [step("ReduceSum", [x, axes], of: node), share], of: node)
    let centred = step("Sub", [x, mean], of: node)
    var squares = step("ReduceSum", [step("Mul", [centred, centred], of: node), axes], of: node)
    if zeros > 0 {
      let count = try constant(Float(zeros), of: node, "zeros", isWide: true)
      squares = step("Add", [squares, step("Mul", [step("Mul", [mean, mean], of: node), count], of: node)], of: node)
    }
    let least = try constant(Float(epsilon), of: node, "epsilon", isWide: true)
    let variance = step("Add", [step("Mul", [squares, share], of: node), least], of: node)
    return narrowed(step("Div", [centred, step("Sqrt", [variance], of: node)], of: node), of: node)
  }

  /// The dimensions that let a number for each channel meet the channels of a value.
  private func column(_ shape: FeatureShape) -> [Int] { [shape.channels] + Array(repeating: 1, count: shape.dimensions.count - 1) }

  /// γ·x + β per channel, as the value of the node.
  private mutating func scaled(
    _ x: String, by node: Network.Node, affine: Bool, bias: Bool = true, _ shape: FeatureShape
  ) throws {
    guard affine else { return add("Identity", [x], node.name) }
    let scale = try parameter(node, .weight, shaped: column(shape))
    guard bias else { return add("Mul", [x, scale], node.name) }
    add("Add", [step("Mul", [x, scale], of: node), try parameter(node, .bias, shaped: column(shape))], node.name)
  }

  private mutating func activation(_ function: Activation, _ x: String, _ node: Network.Node) throws {
    switch function {
    case .relu: add("Relu", [x], node.name)
    case .relu6: add("Clip", [x, try constant(0, of: node, "least"), try constant(6, of: node, "most")], node.name)
    case .tanh: add("Tanh", [x], node.name)
    case .gelu:
      let error = step("Erf", [step("Div", [x, try constant(Float(2).squareRoot(), of: node, "root")], of: node)], of: node)
      let gate = step("Add", [error, try constant(1, of: node, "one")], of: node)
      add("Mul", [step("Mul", [x, gate], of: node), try constant(0.5, of: node, "half")], node.name)
    // An operation of its own from opset 20 on.
    case .tanhGELU:
      let cube = step("Mul", [step("Mul", [x, x], of: node), x], of: node)
      let sum = step("Add", [x, step("Mul", [cube, try constant(0.044715, of: node, "cubic")], of: node)], of: node)
      let inner = step("Mul", [sum, try constant(Float(2 / Double.pi).squareRoot(), of: node, "root")], of: node)
      let gate = step("Add", [step("Tanh", [inner], of: node), try constant(1, of: node, "one")], of: node)
      add("Mul", [step("Mul", [x, gate], of: node), try constant(0.5, of: node, "half")], node.name)
    case .silu: add("Mul", [x, step("Sigmoid", [x], of: node)], node.name)
    case .sigmoid: add("Sigmoid", [x], node.name)
    case .hardSigmoid(let slope): add("HardSigmoid", [x], node.name, number("alpha", slope), number("beta", 0.5))
    case .hardSwish: add("HardSwish", [x], node.name)
    case .leakyReLU(let slope): add("LeakyRelu", [x], node.name, number("alpha", slope))
    case .elu(let alpha): add("Elu", [x], node.name, number("alpha", alpha))
    case .softplus: add("Softplus", [x], node.name)
    // An operation of its own from opset 18 on.
    case .mish: add("Mul", [x, step("Tanh", [step("Softplus", [x], of: node)], of: node)], node.name)
    case .affine(let scale, 0): add("Mul", [x, try constant(Float(scale), of: node, "scale")], node.name)
    case .affine(let scale, let shift):
      let scaled = scale == 1 ? x : step("Mul", [x, try constant(Float(scale), of: node, "scale")], of: node)
      add("Add", [scaled, try constant(Float(shift), of: node, "shift")], node.name)
    }
  }

  private mutating func opaque(_ function: OpaqueFunction, _ inputs: [String], _ node: Network.Node) throws {
    let (name, numbers) = (function.name, function.numbers)
    guard numbers.count == name.numberNames.count else { return }
    if let plain = Lowering.plainOpaque.first(where: { $0.value == name })?.key { return add(plain, inputs, node.name) }
    let axis = integer("axis", 1)
    switch name {
    case .sqrt: add("Sqrt", inputs, node.name)
    case .erf: add("Erf", inputs, node.name)
    case .selu: add("Selu", inputs, node.name, number("alpha", numbers[0]), number("gamma", numbers[1]))
    case .celu: add("Celu", inputs, node.name, number("alpha", numbers[0]))
    case .thresholdedReLU: add("ThresholdedRelu", inputs, node.name, number("alpha", numbers[0]))
    case .shrink: add("Shrink", inputs, node.name, number("lambd", numbers[0]), number("bias", numbers[1]))
    case .hardSigmoid: add("HardSigmoid", inputs, node.name, number("alpha", numbers[0]), number("beta", numbers[1]))
    case .clip:
      let low = numbers[0] <= -Lowering.bound ? "" : try constant(Float(numbers[0]), of: node, "low")
      let high = numbers[1] >= Lowering.bound ? [] : [try constant(Float(numbers[1]), of: node, "high")]
      add("Clip", inputs + [low] + high, node.name)
    case .constantPower: add("Pow", inputs + [try constant(Float(numbers[0]), of: node, "exponent")], node.name)
    case .logSoftmax: add("LogSoftmax", inputs, node.name, axis)
    case .lpNormalize: add("LpNormalization", inputs, node.name, axis, integer("p", Int(clamping: Int64(numbers[0]))))
    case .cumulativeSum:
      let flags = zip(["exclusive", "reverse"], numbers).map { integer($0, $1 == 0 ? 0 : 1) }
      add("CumSum", inputs + [constant([1], of: node, "axis")], node.name, flags[0], flags[1])
    // Its axes are an input from version 13 on, those of the others from version 18 on.
    case .channelSum: add("ReduceSum", inputs + [constant([1], of: node, "axes")], node.name)
    case .channelMean: add("ReduceMean", inputs, node.name, integers("axes", [1]))
    case .channelMax: add("ReduceMax", inputs, node.name, integers("axes", [1]))
    case .channelMin: add("ReduceMin", inputs, node.name, integers("axes", [1]))
    case .channelL1: add("ReduceL1", inputs, node.name, integers("axes", [1]))
    case .channelL2: add("ReduceL2", inputs, node.name, integers("axes", [1]))
    case .channelProduct: add("ReduceProd", inputs, node.name, integers("axes", [1]))
    case .channelLogSumExp: add("ReduceLogSumExp", inputs, node.name, integers("axes", [1]))
    case .add: add("Add", inputs, node.name)
    case .subtract: add("Sub", inputs, node.name)
    case .multiply: add("Mul", inputs, node.name)
    case .divide: add("Div", inputs, node.name)
    case .maximum: add("Max", inputs, node.name)
    case .minimum: add("Min", inputs, node.name)
    case .power: add("Pow", inputs, node.name)
    case .abs, .reciprocal, .exp, .log, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .asinh, .acosh, .atanh, .sign, .floor, .ceil,
      .round, .softsign:
      break
    }
  }

  /// Maximum pooling. Where PyTorch drops a last window that begins in the padding, windows are spelled by padding: ONNX does not.
  private mutating func maxPool(_ pool: Pooling, _ x: String, _ node: Network.Node, _ shape: FeatureShape) {
    var (after, isCeiled) = (pool.padding.pairs, pool.ceilMode)
    if pool.ceilMode, case .image(_, let height, let width) = shape, case .image(_, let rows, let columns)? = shapes[node.name] {
      func behind(_ count: Int, _ stride: Int, _ kernel: Int, _ size: Int, _ before: Int) -> Int {
        max((count - 1) * stride + kernel - size - before, 0)
      }
      func windows(_ size: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> Int {
        (size + 2 * padding - kernel + stride - 1) / max(stride, 1) + 1
      }
      isCeiled =
        windows(height, pool.kernel.height, pool.stride.height, pool.padding.height) == rows
        && windows(width, pool.kernel.width, pool.stride.width, pool.padding.width) == columns
      let exact = [
        behind(rows, pool.stride.height, pool.kernel.height, height, pool.padding.height),
        behind(columns, pool.stride.width, pool.kernel.width, width, pool.padding.width),
      ]
      if !isCeiled { after = exact }
    }
    add(
      "MaxPool", [x], node.name, integers("kernel_shape", pool.kernel.pairs), integers("strides", pool.stride.pairs),
      integers("pads", pool.padding.pairs + after), integer("ceil_mode", isCeiled ? 1 : 0))
  }

  private mutating func adaptivePool(
    _ kind: String, _ size: Extent, _ x: String, _ node: Network.Node, _ shape: FeatureShape
  ) throws -> String {
    guard case .image(_, let height, let width) = shape else { return x }
    if size == Extent(1) {
      add("Global" + kind, [x], node.name)
    } else if size == Extent(height, width) {
      return x
    } else if size.height > 0, size.width > 0, height % size.height == 0, width % size.width == 0 {
      let window = [height / size.height, width / size.width]
      add(kind, [x], node.name, integers("kernel_shape", window), integers("strides", window))
    } else {
      throw ONNXExportError("\(node.name): ONNX has no pooling of \(height)×\(width) pixels into \(size)")
    }
    return node.name
  }

  private mutating func resize(
    _ height: Int, _ width: Int, _ interpolation: Interpolation, _ x: String, _ node: Network.Node, _ shape: FeatureShape
  ) throws {
    guard case .image(_, let rows, let columns) = shape else { return add("Identity", [x], node.name) }
    /// Readers round sizes down, so that a quotient must not be too small by the last bit.
    func scale(_ target: Int, _ size: Int) -> Float {
      let quotient = Float(target) / Float(size)
      return (Double(size) * Double(quotient)).rounded(.down) < Double(target) ? quotient.nextUp : quotient
    }
    // Sizes are float32 whatever the image is.
    let scales = try constants([1, 1, scale(height, rows), scale(width, columns)], of: node, "scales", isWide: true)
    let (mode, places) =
      switch interpolation {
      case .nearest: ("nearest", "asymmetric")
      case .bilinear: ("linear", "half_pixel")
      case .bilinearAligned: ("linear", "align_corners")
      }
    add(
      "Resize", [x, "", scales], node.name, text("mode", mode), text("coordinate_transformation_mode", places),
      text("nearest_mode", "floor"))
  }

  mutating func slice(
    _ x: String, from starts: [Int], to ends: [Int], along axes: [Int], steps: [Int], _ node: Network.Node, as name: String
  ) {
    add(
      "Slice",
      [
        x, constant(starts, of: node, "starts"), constant(ends, of: node, "ends"), constant(axes, of: node, "axes"),
        constant(steps, of: node, "steps"),
      ], name)
  }
}

extension Extent {
  fileprivate var pairs: [Int] { [height, width] }
}
