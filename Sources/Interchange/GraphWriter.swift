internal import Foundation
internal import Networks
internal import SwiftProtobuf
internal import Torch
internal import Training

/// Writes a network node by node.
struct GraphWriter {
  var graph = ONNXGraphProto()
  private let model: Model
  let shapes: [String: FeatureShape]
  var values: [String: String] = [:]
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

  func info(_ name: String, _ shape: FeatureShape?) -> ONNXValueInfoProto {
    .with {
      $0.name = name
      $0.type.tensorType.elemType = 1
      $0.type.tensorType.shape.dim =
        [.with { $0.dimParam = "batch" }] + (shape?.dimensions ?? []).map { size in .with { $0.dimValue = Int64(size) } }
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

  private mutating func append(_ operation: String, _ inputs: [String], _ output: String, _ attributes: [ONNXAttributeProto]) {
    graph.node.append(
      .with {
        $0.opType = operation
        $0.name = output
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
    if stored.insert(name).inserted {
      let own = try model.tensor(ParameterName(node.module, role)).detached().cast(to: .float32).moved(to: .cpu)
      let tensor = try turn(own).contiguous()
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

  mutating func constant(_ value: Float, of node: Network.Node, _ text: String) -> String {
    constants([value], dimensions: [], of: node, text)
  }

  /// Numbers along one dimension, unless others are given.
  mutating func constants(_ values: [Float], dimensions: [Int]? = nil, of node: Network.Node, _ text: String) -> String {
    let name = fresh("\(node.name).\(text)")
    graph.initializer.append(
      .with {
        $0.name = name
        $0.dataType = 1
        $0.dims = (dimensions ?? [values.count]).map(Int64.init)
        $0.floatData = values
      })
    return name
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
