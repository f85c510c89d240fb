internal import Foundation
internal import Networks
internal import SwiftProtobuf
internal import Torch
internal import Training

/// Writes a network node by node.
struct GraphWriter {
  var graph = ONNXGraphProto()
  let form: ONNXExport.Form
  let shapes: [String: FeatureShape]
  var values: [String: String] = [:]
  private let network: Network
  private let model: Model?
  private let origin: ONNXOrigin?
  private var names: Set<String>
  private var stored: Set<String> = []

  /// - Parameters:
  ///   - model: the model that has the parameters; without one they are named, and not stored.
  ///   - origin: the file whose axes inputs and outputs are to have.
  init(_ network: Network, _ model: Model?, _ form: ONNXExport.Form, _ origin: ONNXOrigin? = nil) throws {
    (self.network, self.model, self.form, self.origin) = (network, model, form, origin)
    shapes = try network.shapes()
    names = Set(network.nodes.map(\.name))
  }

  mutating func write() throws {
    graph.name = network.name
    for node in network.nodes { values[node.name] = try write(node) }
    for (index, output) in network.outputs.enumerated() {
      guard let node = network.node(named: output), let shape = shapes[output] else { continue }
      var name = values[output] ?? output
      let isInput = graph.input.contains { $0.name == output }
      let layout = isInput ? nil : Layout(output: index, of: origin, shape)
      var steps = layout.map { leaving($0, of: node) } ?? []
      if form.isFloat16, !isInput { steps.append(("Cast", [], [integer("to", 1)])) }
      if let last = steps.popLast() {
        if name == output {
          name = fresh(form.isFloat16 ? "\(output).float16" : "\(output).whole")
          rename([output: name])
          values = values.mapValues { $0 == output ? name : $0 }
        }
        for step in steps {
          let result = fresh("\(output).\(step.operation.lowercased())")
          append(step.operation, [name] + step.inputs, result, step.attributes)
          name = result
        }
        append(last.operation, [name] + last.inputs, output, last.attributes, named: fresh("\(output).\(last.operation.lowercased())"))
      } else if name != output {
        // A value that only bears the name of an earlier one gets its own.
        add("Identity", [name], output)
      }
      let sizes = isInput ? Layout(input: graph.input.firstIndex { $0.name == output } ?? 0, of: origin, shape)?.sizes : layout?.sizes
      graph.output.append(info(output, sizes ?? shape.dimensions))
    }
  }

  /// Adds an input with the axes of the file that the network came from, and returns the value that has the network's.
  mutating func takeInput(_ node: Network.Node, _ shape: FeatureShape) -> String {
    let layout = Layout(input: graph.input.count, of: origin, shape)
    graph.input.append(info(node.name, layout?.sizes ?? shape.dimensions))
    var x = node.name
    guard let layout else { return x }
    if layout.isTurned { x = step("Transpose", [x], of: node, integers("perm", layout.toNetwork)) }
    if !layout.dropped.isEmpty { x = step("Unsqueeze", [x, constant(layout.dropped, of: node, "axes")], of: node) }
    return x
  }

  /// The operations, with their further inputs, that give an output the axes of the file that the network came from.
  private mutating func leaving(
    _ layout: Layout, of node: Network.Node
  ) -> [(operation: String, inputs: [String], attributes: [ONNXAttributeProto])] {
    var steps: [(operation: String, inputs: [String], attributes: [ONNXAttributeProto])] = []
    if layout.isMerged {
      steps.append(("Reshape", [constant([0] + layout.whole, of: node, "rows")], []))
    } else if !layout.dropped.isEmpty {
      steps.append(("Squeeze", [constant(layout.dropped, of: node, "axes")], []))
    }
    if layout.isTurned { steps.append(("Transpose", [], [integers("perm", layout.toFile)])) }
    return steps
  }

  /// Gives inputs and outputs the names that an ONNX file gave them, if it has as many; values that are called so get others.
  mutating func rename(like origin: ONNXOrigin) {
    guard origin.inputs.count == graph.input.count, origin.outputs.count == graph.output.count else { return }
    let own = graph.input.map(\.name) + graph.output.map(\.name)
    let given = origin.inputs + origin.outputs
    guard Set(own).count == own.count, Set(given).count == given.count, !given.contains("") else { return }
    var renamed = Dictionary(uniqueKeysWithValues: zip(own, given))
    names.formUnion(given)
    names.formUnion(stored)
    let all = Set(graph.node.flatMap { $0.input + $0.output } + own)
    for name in given where renamed[name] == nil && all.contains(name) { renamed[name] = fresh(name) }
    rename(renamed)
  }

  private mutating func rename(_ renamed: [String: String]) {
    func new(_ name: inout String) { name = renamed[name] ?? name }
    for i in graph.node.indices {
      for j in graph.node[i].input.indices { new(&graph.node[i].input[j]) }
      for j in graph.node[i].output.indices { new(&graph.node[i].output[j]) }
    }
    for i in graph.input.indices { new(&graph.input[i].name) }
    for i in graph.output.indices { new(&graph.output[i].name) }
    for i in graph.initializer.indices { new(&graph.initializer[i].name) }
    for i in graph.sparseInitializer.indices { new(&graph.sparseInitializer[i].values.name) }
  }

  private func info(_ name: String, _ sizes: [Int]) -> ONNXValueInfoProto {
    .with {
      $0.name = name
      $0.type.tensorType.elemType = 1
      $0.type.tensorType.shape.dim =
        [.with { $0.dimParam = "batch" }] + sizes.map { size in .with { $0.dimValue = Int64(size) } }
    }
  }

  // MARK: - Pieces

  /// A name for a value between those of the network's nodes.
  mutating func fresh(_ text: String) -> String {
    var (name, number) = (text, 1)
    while !names.insert(name).inserted {
      number += 1
      name = "\(text)_\(number)"
    }
    return name
  }

  mutating func add(_ operation: String, _ inputs: [String], _ output: String, _ attributes: ONNXAttributeProto...) {
    append(operation, inputs, output, attributes)
  }

  /// Adds a node whose value only the formula of `node` needs, and returns its name.
  mutating func step(_ operation: String, _ inputs: [String], of node: Network.Node, _ attributes: ONNXAttributeProto...) -> String {
    let name = fresh("\(node.name).\(operation.lowercased())")
    append(operation, inputs, name, attributes)
    return name
  }

  private mutating func append(
    _ operation: String, _ inputs: [String], _ output: String, _ attributes: [ONNXAttributeProto], named name: String? = nil
  ) {
    graph.node.append(
      .with {
        $0.opType = operation
        $0.name = name ?? output
        $0.input = inputs
        $0.output = [output]
        $0.attribute = attributes
      })
  }

  /// Stores a parameter once, and returns its name.
  mutating func parameter(
    _ node: Network.Node, _ role: ParameterName.Role, shaped dimensions: [Int]? = nil, turn: (Tensor) throws -> Tensor = { $0 }
  ) throws -> String {
    let name = ParameterName(node.module, role).description
    guard stored.insert(name).inserted, let model else { return name }
    let tensor = try turn(model.tensor(ParameterName(node.module, role)).detached().cast(to: .float32).moved(to: .cpu)).contiguous()
    let dense = try ONNXTensorProto.with {
      $0.name = name
      $0.dims = (dimensions ?? tensor.shape).map(Int64.init)
      $0.dataType = form.element
      $0.rawData = form.isFloat16 ? try halves(tensor.array(), name) : Data(try tensor.bytes())
    }
    let isMatrix = role == .weight && tensor.rank > 1
    if form.isSparse, isMatrix, let sparse = dense.sparse(elementSize: form.isFloat16 ? 2 : 4) {
      graph.sparseInitializer.append(sparse)
    } else {
      graph.initializer.append(dense)
    }
    return name
  }

  /// The bytes of numbers as float16.
  private func halves(_ numbers: [Float], _ name: String) throws -> Data {
    var data = Data(capacity: 2 * numbers.count)
    for number in numbers {
      guard let bits = number.float16Bits else {
        throw ONNXExportError("\(name) holds \(number), and float16 ends at 65504: leave --float16 out")
      }
      data.append(UInt8(truncatingIfNeeded: bits))
      data.append(UInt8(truncatingIfNeeded: bits >> 8))
    }
    return data
  }

  mutating func constant(_ values: [Int], of node: Network.Node, _ text: String) -> String {
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

  mutating func constant(_ value: Float, of node: Network.Node, _ text: String, isWide: Bool = false) throws -> String {
    try constants([value], dimensions: [], of: node, text, isWide: isWide)
  }

  /// Numbers along one dimension, unless others are given; float32 if `isWide`, otherwise like the parameters.
  mutating func constants(
    _ values: [Float], dimensions: [Int]? = nil, of node: Network.Node, _ text: String, isWide: Bool = false
  ) throws -> String {
    let name = fresh("\(node.name).\(text)")
    graph.initializer.append(
      try .with {
        $0.name = name
        $0.dims = (dimensions ?? [values.count]).map(Int64.init)
        if form.isFloat16, !isWide {
          $0.dataType = form.element
          $0.rawData = try halves(values, name)
        } else {
          $0.dataType = 1
          $0.floatData = values
        }
      })
    return name
  }

  /// Has what follows computed in float32 if the rest is not.
  mutating func widened(_ x: String, of node: Network.Node) -> String {
    form.isFloat16 ? step("Cast", [x], of: node, integer("to", 1)) : x
  }

  /// Goes back from float32 to the type of the rest.
  mutating func narrowed(_ x: String, of node: Network.Node) -> String {
    form.isFloat16 ? step("Cast", [x], of: node, integer("to", 10)) : x
  }

  func integers(_ name: String, _ values: [Int]) -> ONNXAttributeProto {
    .with {
      $0.name = name
      $0.type = 7
      $0.ints = values.map(Int64.init)
    }
  }

  func integer(_ name: String, _ value: Int) -> ONNXAttributeProto {
    .with {
      $0.name = name
      $0.type = 2
      $0.i = Int64(value)
    }
  }

  func number(_ name: String, _ value: Double) -> ONNXAttributeProto {
    .with {
      $0.name = name
      $0.type = 1
      $0.f = Float(value)
    }
  }

  func text(_ name: String, _ value: String) -> ONNXAttributeProto {
    .with {
      $0.name = name
      $0.type = 3
      $0.s = Data(value.utf8)
    }
  }
}

extension ONNXTensorProto {
  /// The elements other than 0 and their positions; nil if these take no fewer bytes than all elements, or if there are none.
  fileprivate func sparse(elementSize size: Int) -> ONNXSparseTensorProto? {
    var (elements, positions) = (Data(), [Int64]())
    let (bytes, count) = ([UInt8](rawData), rawData.count / size)
    for i in 0..<count where bytes[(i * size)..<((i + 1) * size)].contains(where: { $0 != 0 }) {
      elements += bytes[(i * size)..<((i + 1) * size)]
      positions.append(Int64(i))
    }
    guard !positions.isEmpty else { return nil }
    let sparse = ONNXSparseTensorProto.with {
      $0.values.name = name
      $0.values.dataType = dataType
      $0.values.dims = [Int64(positions.count)]
      $0.values.rawData = elements
      $0.indices.dataType = 7
      $0.indices.dims = [Int64(positions.count)]
      // As variable-length numbers, mostly of two or three bytes.
      $0.indices.int64Data = positions
      $0.dims = dims
    }
    guard let stored: [UInt8] = try? sparse.serializedBytes(), stored.count < bytes.count else { return nil }
    return sparse
  }
}

extension Float {
  /// The bits of the nearest float16, ties to even; nil for what would become infinite, and for NaN.
  var float16Bits: UInt16? {
    let magnitude = bitPattern & 0x7FFF_FFFF
    // From 65520 on the nearest is infinity.
    guard magnitude < 0x477F_F000 else { return nil }
    let sign = UInt16(truncatingIfNeeded: bitPattern >> 16) & 0x8000
    // Below 2⁻¹⁴ there are only multiples of 2⁻²⁴.
    if magnitude < 0x3880_0000 { return sign | UInt16((Float(bitPattern: magnitude) * 16_777_216).rounded(.toNearestOrEven)) }
    let rounded = magnitude + 0xFFF + ((magnitude >> 13) & 1) - (112 << 23)
    return sign | UInt16(truncatingIfNeeded: rounded >> 13)
  }
}
