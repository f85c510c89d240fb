import Foundation
import Networks
import SwiftProtobuf
import TestSupport
import Testing
import Torch
import Training

@testable import Interchange

@Suite struct ONNXExportTests {
  /// 3 to 5 and 6 to 7: in float32 5/3·3 and 7/6·6 are below the sizes unless the last bit is raised.
  @Test func resizedImagesKeepTheirSizes() throws {
    for (size, target) in [(3, 5), (6, 7), (4, 8), (224, 225), (49, 50), (7, 3)] {
      var builder = NetworkBuilder("resized", input: .image(channels: 1, height: size, width: size))
      builder.append("larger", .resize(height: target, width: target, .bilinear), from: ["input"])
      let export = try ONNXExport(Model(builder.network(), seed: 1), writer: ("Espalier", "1.2"))
      try withFile(export.data()) { path in
        let found = try ImportedNetwork(contentsOf: path).network.outputShape
        #expect(found == .image(channels: 1, height: target, width: target))
      }
    }
  }

  private func model(_ network: Network) throws -> Model {
    let model = try Model(network, initialization: .kaimingUniform, seed: 3)
    // Norms that would be skipped unnoticed if they kept what they begin with.
    let generator = try Generator(seed: 4)
    for (name, tensor) in model.tensors.sorted(by: { $0.key < $1.key }) where tensor.rank == 1 {
      try withoutGradients {
        try tensor.copy(from: Tensor.normal(tensor.shape, generator: generator).absolute() + (name.role == .runningVariance ? 0.5 : 0.1))
      }
    }
    return model
  }

  private func exported(_ model: Model) throws -> ONNXModelProto {
    try ONNXModelProto(serializedBytes: ONNXExport(model, writer: ("Espalier", "1.2"), metadata: ["classes": "[]"]).data())
  }

  /// What is written is read as the same network, with the same parameters to the last bit.
  @Test(arguments: [
    "lenet-300-100", "lenet-5-bn", "resnet-20", "vgg11-bn-cifar", "squeezenet-1.1", "googlenet", "mobilenet-v2", "densenet-121",
  ])
  func networksOfTheCatalogueComeBack(name: String) throws {
    let native = try Architecture.parse(name).inputShape
    let size = native.dimensions.count == 3 && native.dimensions[1] > 64 ? FeatureShape.image(channels: 3, height: 64, width: 64) : native
    let model = try model(Architecture.parse(name, input: size, classes: 7))
    try withFile(ONNXExport(model, writer: ("Espalier", "1.2")).data()) { path in
      let back = try ImportedNetwork(contentsOf: path).model()
      #expect(back.tensors.count == model.tensors.count)
      for (name, tensor) in model.tensors { #expect(try back.tensor(name).array(Float.self) == tensor.array(Float.self), "\(name)") }
      let batch = try Tensor.normal([2] + size.dimensions, generator: Generator(seed: 1))
      let (expected, found) = (try model.evaluated(batch).doubles(), try back.evaluated(batch).doubles())
      #expect(relativeError(found, expected) < 1e-6)
      #expect(Set(expected).count > 7)
    }
  }

  /// Written as formulas where opset 17 has no operation; those are one operation again, but for Mish.
  @Test(arguments: Activation.allCases) func activationsComeBack(function: Activation) throws {
    var builder = NetworkBuilder("curve", input: .image(channels: 2, height: 3, width: 3))
    builder.activation(function, "f")
    let model = try Model(builder.network(), seed: 1)
    try withFile(ONNXExport(model, writer: ("Espalier", "1.2")).data()) { path in
      let back = try ImportedNetwork(contentsOf: path).model()
      if function != .mish { #expect(back.network.nodes.map(\.operation).last == .activation(function)) }
      let batch = try Tensor.normal([4, 2, 3, 3], generator: Generator(seed: 1)) * 2
      #expect(relativeError(try back.evaluated(batch).doubles(), try model.evaluated(batch).doubles()) < 1e-6)
    }
  }

  @Test func theFileSaysWhatItIs() throws {
    var builder = NetworkBuilder("two-layers", input: .vector(4))
    builder.linear("fc1", 3)
    builder.relu()
    builder.linear("fc2", 2, bias: false)
    let file = try exported(model(builder.network()))
    #expect(file.irVersion == 8 && file.producerName == "Espalier" && file.producerVersion == "1.2")
    #expect(file.opsetImport.map(\.version) == [17] && file.opsetImport.map(\.domain) == [""])
    #expect(file.metadataProps.map { [$0.key, $0.value] } == [["classes", "[]"]])
    #expect(file.graph.name == "two-layers")
    #expect(file.graph.input.map(\.name) == ["input"] && file.graph.output.map(\.name) == ["fc2"])
    #expect(file.graph.input[0].type.tensorType.shape.dim.map(\.value) == [.dimParam("batch"), .dimValue(4)])
    #expect(file.graph.output[0].type.tensorType.shape.dim.map(\.value) == [.dimParam("batch"), .dimValue(2)])
    #expect(file.graph.node.map(\.opType) == ["Gemm", "Relu", "Gemm"])
    #expect(file.graph.node.map(\.input) == [["input", "fc1.weight", "fc1.bias"], ["fc1"], ["relu1", "fc2.weight"]])
    #expect(file.graph.initializer.map(\.name).sorted() == ["fc1.bias", "fc1.weight", "fc2.weight"])
    #expect(file.graph.node[0].attribute.map { [$0.name, "\($0.type)", "\($0.i)"] } == [["transB", "2", "1"]])
  }

  @Test func sameModelSameBytes() throws {
    let model = try model(Architecture.parse("resnet-20"))
    func bytes() throws -> Data { try ONNXExport(model, writer: ("Espalier", "1.2"), metadata: ["b": "1", "a": "2"]).data() }
    #expect(try bytes() == bytes())
  }

  /// Every opaque function is written as the operation that it is read from.
  @Test func opaqueFunctionsComeBack() throws {
    for name in OpaqueFunction.Name.allCases {
      let known: [String: Double] = ["low": -0.5, "high": 0.75, "order": 2, "reverse": 1, "exclusive": 0]
      let numbers = name.numberNames.map { known[$0] ?? 0.25 }
      let function = OpaqueFunction(name, numbers: numbers)
      let input = FeatureShape.image(channels: 3, height: 2, width: 4)
      var builder = NetworkBuilder("opaque", input: input)
      // Between 0 and 1, where all of them are defined; from 1 on for arcosh.
      builder.activation(.sigmoid, "first")
      if name == .acosh { builder.append("first2", .opaque(OpaqueFunction(.reciprocal)), from: ["first"]) }
      let first = builder.last
      let mean = builder.append("second", .opaque(OpaqueFunction(.channelMean)), from: [first])
      builder.append("op", .opaque(function), from: name.form == .pair ? [first, mean] : [first])
      let model = try Model(builder.network(), seed: 1)
      try withFile(ONNXExport(model, writer: ("Espalier", "1.2")).data()) { path in
        let back = try ImportedNetwork(contentsOf: path).model()
        #expect(back.network.nodes.last?.operation == .opaque(function))
        let batch = try Tensor.normal([2] + input.dimensions, generator: Generator(seed: 1))
        #expect(relativeError(try back.evaluated(batch).doubles(), try model.evaluated(batch).doubles()) < 1e-6, "\(name)")
      }
    }
  }

  @Test func whatONNXHasNoOperationFor() throws {
    var builder = NetworkBuilder("n", input: .image(channels: 1, height: 7, width: 7))
    builder.adaptiveAveragePool(6)
    builder.flatten()
    builder.linear("fc", 2)
    let network = try builder.network()
    let error = #expect(throws: ONNXExportError.self) { try ONNXExport(model(network), writer: ("Espalier", "1.2")) }
    #expect(error?.description == "\(network.nodes[1].name): ONNX has no pooling of 7×7 pixels into 6×6")
  }
}
