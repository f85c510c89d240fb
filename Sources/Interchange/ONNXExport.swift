public import Foundation
internal import Networks
internal import SwiftProtobuf
internal import Torch
public import Training

/// A model as an ONNX file: opset 17, any batch size, weights under the names that PyTorch gives them.
///
/// It is the network as it computes in evaluation: dropout is left off, batch norms use their running statistics. Every value has the name of
/// its node. Runtimes need no operation of a domain of our own.
public struct ONNXExport {
  /// The version of the operations that is written.
  public static let opset = 17
  private let model: ONNXModelProto

  /// Translates a model.
  ///
  /// - Parameters:
  ///   - writer: who writes, e.g. `Espalier` and its version.
  ///   - metadata: texts that go along: classes, preprocessing.
  /// - Throws: what `Network.shapes()` throws, and ``ONNXExportError`` for what ONNX has no operation for.
  public init(_ model: Model, writer: (name: String, version: String), metadata: [String: String] = [:]) throws {
    var graph = try GraphWriter(model)
    try graph.write()
    self.model = .with {
      $0.irVersion = 8
      $0.producerName = writer.name
      $0.producerVersion = writer.version
      $0.opsetImport = [.with { $0.version = Int64(Self.opset) }]
      $0.graph = graph.graph
      $0.metadataProps = metadata.sorted { $0.key < $1.key }.map { entry in
        .with {
          $0.key = entry.key
          $0.value = entry.value
        }
      }
    }
  }

  /// The bytes of the file; the same model gives the same bytes.
  ///
  /// - Throws: ``ONNXExportError`` for a model of more than 2 GB, which a single file cannot hold.
  public func data() throws -> Data {
    do { return try model.serializedData() } catch { throw ONNXExportError("the model is too large for one ONNX file, which holds 2 GB") }
  }
}

/// The error of a network that cannot be written as an ONNX graph.
public struct ONNXExportError: Error, CustomStringConvertible, Hashable {
  /// What cannot be written, in one line.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// Writes a network node by node.
private struct GraphWriter {
  private(set) var graph = ONNXGraphProto()
  private let model: Model
  private let shapes: [String: FeatureShape]
  private var values: [String: String] = [:]
  private var names: Set<String>
  private var stored: Set<String> = []

  init(_ model: Model) throws {
    self.model = model
    shapes = try model.network.shapes()
    names = Set(model.network.nodes.map(\.name))
  }

  mutating func write() throws {
    let network = model.network
    graph.name = network.name
    for node in network.nodes { values[node.name] = try write(node) }
    for output in network.outputs {
      let name = values[output] ?? output
      // A value that only bears the name of an earlier one gets its own.
      if name != output { add("Identity", [name], output) }
      graph.output.append(info(output, shapes[output]))
    }
  }

  private func info(_ name: String, _ shape: FeatureShape?) -> ONNXValueInfoProto {
    .with {
      $0.name = name
      $0.type.tensorType.elemType = 1
      $0.type.tensorType.shape.dim =
        [.with { $0.dimParam = "batch" }] + (shape?.dimensions ?? []).map { size in .with { $0.dimValue = Int64(size) } }
    }
  }

  // MARK: - Pieces

  /// A name for a value between those of the network's nodes.
  private mutating func fresh(_ text: String) -> String {
    var (name, number) = (text, 1)
    while !names.insert(name).inserted {
      number += 1
      name = "\(text)_\(number)"
    }
    return name
  }

  private mutating func add(_ operation: String, _ inputs: [String], _ output: String, _ attributes: ONNXAttributeProto...) {
    graph.node.append(
      .with {
        $0.opType = operation
        $0.name = output
        $0.input = inputs
        $0.output = [output]
        $0.attribute = attributes
      })
  }

  /// Adds a node whose value only the formula of `node` needs, and returns its name.
  private mutating func step(_ operation: String, _ inputs: [String], of node: Network.Node, _ attributes: ONNXAttributeProto...) -> String
  {
    let name = fresh("\(node.name).\(operation.lowercased())")
    graph.node.append(
      .with {
        $0.opType = operation
        $0.name = name
        $0.input = inputs
        $0.output = [name]
        $0.attribute = attributes
      })
    return name
  }

  /// Stores a parameter once, and returns its name.
  private mutating func parameter(_ node: Network.Node, _ role: ParameterName.Role, shaped dimensions: [Int]? = nil) throws -> String {
    let name = ParameterName(node.module, role).description
    if stored.insert(name).inserted {
      let tensor = try model.tensor(ParameterName(node.module, role)).detached().cast(to: .float32).moved(to: .cpu).contiguous()
      graph.initializer.append(
        try .with {
          $0.name = name
          $0.dataType = 1
          $0.dims = (dimensions ?? tensor.shape).map(Int64.init)
          $0.rawData = Data(try tensor.bytes())
        })
    }
    return name
  }

  private mutating func constant(_ values: [Int], of node: Network.Node, _ text: String) -> String {
    let name = fresh("\(node.name).\(text)")
    graph.initializer.append(
      .with {
        $0.name = name
        $0.dataType = 7
        $0.dims = [Int64(values.count)]
        $0.int64Data = values.map(Int64.init)
      })
    return name
  }

  private mutating func constant(_ value: Float, of node: Network.Node, _ text: String) -> String {
    let name = fresh("\(node.name).\(text)")
    graph.initializer.append(
      .with {
        $0.name = name
        $0.dataType = 1
        $0.floatData = [value]
      })
    return name
  }

  private mutating func constants(_ value: Float, _ count: Int, of node: Network.Node, _ text: String) -> String {
    let name = fresh("\(node.name).\(text)")
    graph.initializer.append(
      .with {
        $0.name = name
        $0.dataType = 1
        $0.dims = [Int64(count)]
        $0.floatData = Array(repeating: value, count: count)
      })
    return name
  }

  private func integers(_ name: String, _ values: [Int]) -> ONNXAttributeProto {
    .with {
      $0.name = name
      $0.type = 7
      $0.ints = values.map(Int64.init)
    }
  }

  private func integer(_ name: String, _ value: Int) -> ONNXAttributeProto {
    .with {
      $0.name = name
      $0.type = 2
      $0.i = Int64(value)
    }
  }

  private func number(_ name: String, _ value: Double) -> ONNXAttributeProto {
    .with {
      $0.name = name
      $0.type = 1
      $0.f = Float(value)
    }
  }

  private func text(_ name: String, _ value: String) -> ONNXAttributeProto {
    .with {
      $0.name = name
      $0.type = 3
      $0.s = Data(value.utf8)
    }
  }

  // MARK: - Operations

  /// Writes a node, and returns the name of its value.
  private mutating func write(_ node: Network.Node) throws -> String {
    let inputs = node.inputs.map { values[$0] ?? $0 }
    let x = inputs.first ?? ""
    let shape = node.inputs.first.flatMap { shapes[$0] } ?? .vector(1)
    switch node.operation {
    case .input(let shape): graph.input.append(info(node.name, shape))
    case .linear(let layer):
      let bias = layer.bias ? [try parameter(node, .bias)] : []
      add("Gemm", [x, try parameter(node, .weight)] + bias, node.name, integer("transB", 1))
    case .convolution(let layer):
      let bias = layer.bias ? [try parameter(node, .bias)] : []
      add(
        "Conv", [x, try parameter(node, .weight)] + bias, node.name, integers("kernel_shape", layer.kernel.pairs),
        integers("strides", layer.stride.pairs), integers("pads", layer.padding.pairs + layer.padding.pairs),
        integers("dilations", layer.dilation.pairs), integer("group", layer.groups))
    case .batchNorm(let norm):
      let scale = norm.affine ? try parameter(node, .weight) : constants(1, norm.features, of: node, "one")
      let shift = norm.affine ? try parameter(node, .bias) : constants(0, norm.features, of: node, "zero")
      add(
        "BatchNormalization", [x, scale, shift, try parameter(node, .runningMean), try parameter(node, .runningVariance)], node.name,
        number("epsilon", norm.epsilon))
    case .groupNorm(let norm):
      let rows = step("Reshape", [x, constant([0, norm.groups, -1], of: node, "rows")], of: node)
      let present = norm.features / max(norm.groups, 1) * shape.positions
      let normal = normalized(rows, over: 2, present: present, zeros: norm.absent * shape.positions, norm.epsilon, of: node)
      let back = step("Reshape", [normal, constant([0] + shape.dimensions, of: node, "shape")], of: node)
      try scaled(back, by: node, affine: norm.affine, shape)
    case .channelNorm(let norm):
      let normal = normalized(x, over: 1, present: norm.features, zeros: norm.absent, norm.epsilon, of: node)
      try scaled(normal, by: node, affine: norm.affine, shape)
    case .channelAffine(let layer): try scaled(x, by: node, affine: true, bias: layer.bias, shape)
    case .localResponseNorm(let norm):
      add(
        "LRN", [x], node.name, integer("size", norm.size), number("alpha", norm.alpha), number("beta", norm.beta), number("bias", norm.k))
    case .activation(let function): activation(function, x, node)
    case .prelu(let layer):
      let slope = try parameter(node, .weight, shaped: layer.features == 1 ? [1] : column(shape))
      add("PRelu", [x, slope], node.name)
    case .softmax: add("Softmax", [x], node.name, integer("axis", 1))
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
    case .resize(let height, let width, let interpolation): resize(height, width, interpolation, x, node, shape)
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
    case .subsamplePad(let stride, let before, let after):
      let sampled = fresh("\(node.name).sampled")
      slice(x, from: [0, 0], to: [Int(Int32.max), Int(Int32.max)], along: [2, 3], steps: [stride, stride], node, as: sampled)
      add("Pad", [sampled, constant([0, before, 0, 0, 0, after, 0, 0], of: node, "pads")], node.name)
    }
    return node.name
  }

  /// (x − μ)/√(σ² + ε) along an axis, of whose elements some were removed and count as zeros.
  private mutating func normalized(
    _ x: String, over axis: Int, present: Int, zeros: Int, _ epsilon: Double, of node: Network.Node
  ) -> String {
    let axes = constant([axis], of: node, "axis")
    let share = constant(1 / Float(present + zeros), of: node, "share")
    let mean = step("Mul", [step("ReduceSum", [x, axes], of: node), share], of: node)
    let centred = step("Sub", [x, mean], of: node)
    var squares = step("ReduceSum", [step("Mul", [centred, centred], of: node), axes], of: node)
    if zeros > 0 {
      let missing = step("Mul", [step("Mul", [mean, mean], of: node), constant(Float(zeros), of: node, "zeros")], of: node)
      squares = step("Add", [squares, missing], of: node)
    }
    let variance = step("Add", [step("Mul", [squares, share], of: node), constant(Float(epsilon), of: node, "epsilon")], of: node)
    return step("Div", [centred, step("Sqrt", [variance], of: node)], of: node)
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

  private mutating func activation(_ function: Activation, _ x: String, _ node: Network.Node) {
    switch function {
    case .relu: add("Relu", [x], node.name)
    case .relu6: add("Clip", [x, constant(0, of: node, "least"), constant(6, of: node, "most")], node.name)
    case .tanh: add("Tanh", [x], node.name)
    case .gelu:
      let error = step("Erf", [step("Div", [x, constant(Float(2).squareRoot(), of: node, "root")], of: node)], of: node)
      let gate = step("Add", [error, constant(1, of: node, "one")], of: node)
      add("Mul", [step("Mul", [x, gate], of: node), constant(0.5, of: node, "half")], node.name)
    case .silu: add("Mul", [x, step("Sigmoid", [x], of: node)], node.name)
    case .sigmoid: add("Sigmoid", [x], node.name)
    case .hardSigmoid: add("HardSigmoid", [x], node.name, number("alpha", 1 / 6), number("beta", 0.5))
    case .hardSwish: add("HardSwish", [x], node.name)
    case .leakyReLU(let slope): add("LeakyRelu", [x], node.name, number("alpha", slope))
    case .elu(let alpha): add("Elu", [x], node.name, number("alpha", alpha))
    case .softplus: add("Softplus", [x], node.name)
    // An operation of its own from opset 18 on.
    case .mish: add("Mul", [x, step("Tanh", [step("Softplus", [x], of: node)], of: node)], node.name)
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
  ) {
    guard case .image(_, let rows, let columns) = shape else { return add("Identity", [x], node.name) }
    let scales = fresh("\(node.name).scales")
    graph.initializer.append(
      .with {
        $0.name = scales
        $0.dataType = 1
        $0.dims = [4]
        $0.floatData = [1, 1, Float(height) / Float(rows), Float(width) / Float(columns)]
      })
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

  private mutating func slice(
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
