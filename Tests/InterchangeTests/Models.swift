import Foundation
import SwiftProtobuf
import TestSupport
import Testing

@testable import Interchange

/// A case of `onnx_models.json`: a model, a batch, and what ONNX Runtime makes of it.
struct GoldenModel: Decodable, CustomTestStringConvertible, Sendable {
  var name: String
  var file: String
  var shape: [Int]
  var input: [Float]
  var outputShape: [Int]
  var output: [Double]

  var testDescription: String { name }

  /// All cases; none if the file cannot be read, which another test reports.
  static let all = ["models", "operations", "sequences", "opaque", "gelu", "numbers", "windows"].flatMap { name in
    (try? JSONDecoder().decode([GoldenModel].self, from: Data(contentsOf: reference("onnx_\(name).json")))) ?? []
  }
}

/// The pieces of ONNX models that tests write themselves.
enum Onnx {
  static func node(
    _ operation: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
    _ attributes: [ONNXAttributeProto] = []
  ) -> ONNXNodeProto {
    .with {
      ($0.opType, $0.input, $0.output, $0.name, $0.domain, $0.attribute) = (operation, inputs, outputs, name, domain, attributes)
    }
  }

  static func attribute(_ name: String, _ numbers: Int64...) -> ONNXAttributeProto {
    .with {
      $0.name = name
      if numbers.count == 1 { $0.i = numbers[0] } else { $0.ints = numbers }
    }
  }

  static func text(_ name: String, _ value: String) -> ONNXAttributeProto {
    .with { ($0.name, $0.s) = (name, Data(value.utf8)) }
  }

  static func integers(_ name: String, _ values: [Int64]) -> ONNXTensorProto {
    .with { ($0.name, $0.dims, $0.dataType, $0.int64Data) = (name, [Int64(values.count)], 7, values) }
  }

  static func tensor(_ name: String, _ dimensions: [Int64], _ values: [Float]) -> ONNXTensorProto {
    .with { ($0.name, $0.dims, $0.dataType, $0.rawData) = (name, dimensions, 1, values.withUnsafeBytes { Data($0) }) }
  }

  static func value(_ name: String, _ sizes: [Int64]) -> ONNXValueInfoProto {
    .with {
      $0.name = name
      $0.type.tensorType.elemType = 1
      $0.type.tensorType.shape.dim = sizes.map { size in .with { if size == 0 { $0.dimParam = "N" } else { $0.dimValue = size } } }
    }
  }

  /// A model that computes `y` of `x`, by default a vector of two features.
  static func model(
    _ nodes: [ONNXNodeProto], _ constants: [ONNXTensorProto] = [], input: [Int64] = [0, 2], opset: Int64 = 17
  ) -> ONNXModelProto {
    .with {
      $0.irVersion = 8
      $0.producerName = "tests"
      $0.opsetImport = [.with { $0.version = opset }]
      $0.graph.node = nodes
      $0.graph.initializer = constants
      $0.graph.input = [value("x", input)]
      $0.graph.output = [value("y", [])]
    }
  }
}

/// Calls `body` with a model's path.
func withModel<Result>(_ model: ONNXModelProto, _ body: (String) throws -> Result) throws -> Result {
  try withFile(model.serializedData(), body)
}

/// Calls `body` with the path of a file of these bytes, `model.onnx`.
func withFile<Result>(_ bytes: Data, _ body: (String) throws -> Result) throws -> Result {
  try withTemporaryDirectory { folder in
    let path = folder + "/model.onnx"
    try bytes.write(to: URL(fileURLWithPath: path))
    return try body(path)
  }
}

/// The problem for which a file is refused, without its path; nil if it is not.
func problem(_ path: String) throws -> String? {
  do {
    _ = try ImportedNetwork(contentsOf: path).model()
    return nil
  } catch InterchangeError.reading(let place, let problem) {
    return place == path ? problem : "wrong path \(place)"
  }
}

/// The problem for which a model is refused; nil if it is not.
func problem(_ model: ONNXModelProto) throws -> String? { try withModel(model) { try problem($0) } }
