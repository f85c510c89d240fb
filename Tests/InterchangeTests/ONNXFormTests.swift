import Foundation
import Networks
import SwiftProtobuf
import TestSupport
import Testing
import Torch
import Training

@testable import Interchange

/// Float16, sparse weights, and the names that an ONNX file came with.
@Suite struct ONNXFormTests {
  /// 4 → 10 → 2 with ReLU; of the first layer's 40 weights only the given ones are not 0.
  private func model(_ weights: [Int: Float]) throws -> Model {
    var builder = NetworkBuilder("tiny", input: .vector(4))
    builder.linear("fc1", 10)
    builder.relu()
    builder.linear("fc2", 2)
    let second = try Tensor((0..<20).map { Float($0) / 3 }, shape: [2, 10])
    return try Model(
      network: builder.network(),
      tensors: [
        ParameterName("fc1", .weight): Tensor((0..<40).map { weights[$0] ?? 0 }, shape: [10, 4]),
        ParameterName("fc1", .bias): Tensor([Float](repeating: 0, count: 10)), ParameterName("fc2", .weight): second,
        ParameterName("fc2", .bias): Tensor([0.1, -0.2] as [Float]),
      ])
  }

  private func exported(
    _ model: Model, origin: ONNXOrigin? = nil, _ form: ONNXExport.Form = ONNXExport.Form()
  ) throws -> ONNXModelProto {
    try ONNXModelProto(
      serializedBytes: ONNXExport(model, writer: ("Espalier", "1.2"), metadata: ["own": "1"], origin: origin, form: form).data())
  }

  /// IEEE 754 binary16, ties to even.
  @Test(
    arguments: [
      (1, 0x3C00), (-2, 0xC000), (65504, 0x7BFF), (65519.996, 0x7BFF), (0x1p-14, 0x0400), (0x1p-24, 1), (0x1p-25, 0), (0x1.8p-24, 2),
      (0x1.FFFp-15, 0x0400), (1 + 0x1p-11, 0x3C00), (1 + 0x1.8p-10, 0x3C02), (-0.0, 0x8000), (-0x1p-30, 0x8000),
    ] as [(Float, UInt16)])
  func halves(number: Float, bits: UInt16) { #expect(number.float16Bits == bits) }

  @Test func everyHalfIsItself() {
    for bits in UInt16.min...UInt16.max {
      let number = TensorArchive.float32(half: bits)
      #expect(number.float16Bits == (number.isFinite ? bits : nil))
    }
    #expect(Float(65520).float16Bits == nil && Float(-1e9).float16Bits == nil)
  }

  @Test func halfTheBytesBetweenFloat32Ends() throws {
    let model = try model([0: 1, 5: 0.1, 38: -3])
    let file = try exported(model, ONNXExport.Form(isFloat16: true))
    #expect(file.graph.input.map(\.name) == ["input"] && file.graph.input[0].type.tensorType.elemType == 1)
    #expect(file.graph.output.map(\.name) == ["fc2"] && file.graph.output[0].type.tensorType.elemType == 1)
    #expect(file.graph.node.map(\.opType) == ["Cast", "Gemm", "Relu", "Gemm", "Cast"])
    #expect(file.graph.node.map { $0.output[0] } == ["input.cast", "fc1", "relu1", "fc2.float16", "fc2"])
    #expect(Set(file.graph.node.map(\.name)).count == 5)
    #expect([0, 4].map { file.graph.node[$0].attribute[0].i } == [10, 1])
    #expect(file.graph.initializer.allSatisfy { $0.dataType == 10 })
    #expect(file.graph.initializer.reduce(0) { $0 + $1.rawData.count } == 2 * 72)
    try withFile(file.serializedData()) { path in
      let back = try ImportedNetwork(contentsOf: path).model()
      #expect(back.network.nodes.map(\.operation) == model.network.nodes.map(\.operation))
      // 0.1 is 0x2E66, 1638·2⁻¹⁴.
      #expect(try back.tensor(ParameterName("fc1", .weight)).doubles()[5] == 1638 / 16384)
      #expect(try back.tensor(ParameterName("fc1", .weight)).doubles()[38] == -3)
    }
  }

  /// Norms over groups stay in float32, and so do the sizes of a resized image.
  @Test func normsStayWide() throws {
    var builder = NetworkBuilder("normed", input: .image(channels: 2, height: 2, width: 2))
    builder.append("norm", .groupNorm(GroupNorm(groups: 1, 2)), from: ["input"])
    builder.append("larger", .resize(height: 4, width: 4, .nearest), from: ["norm"])
    builder.activation(.relu6, "relu6")
    builder.flatten()
    builder.linear("fc", 2)
    let file = try exported(Model(builder.network(), seed: 1), ONNXExport.Form(isFloat16: true))
    let wide = file.graph.initializer.filter { $0.dataType == 1 }.map(\.name)
    #expect(wide.sorted() == ["larger.scales", "norm.epsilon", "norm.share"])
    let casts = file.graph.node.filter { $0.opType == "Cast" }
    #expect(casts.map { $0.attribute[0].i } == [10, 1, 10, 1])
  }

  @Test func whatFloat16HasNotIsRefused() throws {
    let error = #expect(throws: ONNXExportError.self) {
      try ONNXExport(model([3: 70000]), writer: ("Espalier", "1.2"), form: ONNXExport.Form(isFloat16: true))
    }
    #expect(error?.description == "fc1.weight holds 70000.0, and float16 ends at 65504: leave --float16 out")
  }

  @Test(arguments: [false, true]) func onlyWhatIsSmallerIsSparse(isFloat16: Bool) throws {
    let model = try model([0: 1, 5: 0.5, 38: -3])
    let file = try exported(model, ONNXExport.Form(isFloat16: isFloat16, isSparse: true))
    #expect(file.graph.initializer.map(\.name).sorted() == ["fc1.bias", "fc2.bias", "fc2.weight"])
    let sparse = try #require(file.graph.sparseInitializer.first)
    #expect(file.graph.sparseInitializer.count == 1 && sparse.values.name == "fc1.weight" && sparse.dims == [10, 4])
    #expect(sparse.indices.int64Data == [0, 5, 38] && sparse.indices.dims == [3] && sparse.indices.dataType == 7)
    #expect(sparse.values.dims == [3] && sparse.values.dataType == (isFloat16 ? 10 : 1))
    #expect(sparse.values.rawData.count == (isFloat16 ? 6 : 12))
    try withFile(file.serializedData()) { path in
      let back = try ImportedNetwork(contentsOf: path).model()
      for name in [ParameterName("fc1", .weight), ParameterName("fc1", .bias)] {
        #expect(try back.tensor(name).doubles() == model.tensor(name).doubles())
      }
    }
  }

  /// Coordinates in place of positions, as others write them.
  @Test func sparseConstantsOfOthers() throws {
    func refusal(_ change: (inout ONNXSparseTensorProto) -> Void) throws -> String? {
      var file = try exported(model([0: 1, 5: 0.5, 38: -3]), ONNXExport.Form(isSparse: true))
      change(&file.graph.sparseInitializer[0])
      return try withFile(file.serializedData()) { path in
        guard let text = try problem(path) else {
          let weight = try ImportedNetwork(contentsOf: path).model().tensor(ParameterName("fc1", .weight)).doubles()
          #expect([0, 5, 38].map { weight[$0] } == [1, 0.5, -3] && weight.count { $0 != 0 } == 3)
          return nil
        }
        return text
      }
    }
    #expect(
      try refusal {
        $0.indices.dims = [3, 2]; $0.indices.int64Data = [0, 0, 1, 1, 9, 2]
      } == nil)
    #expect(try refusal { $0.indices.int64Data = [0, 5, 40] } == "sparse constant \"fc1.weight\": position 3 lies outside of it")
    #expect(try refusal { $0.indices.int64Data = [0, -5, 38] } == "sparse constant \"fc1.weight\": position 2 lies outside of it")
    #expect(try refusal { $0.indices.int64Data = [5, 5, 38] } == "sparse constant \"fc1.weight\": its positions do not ascend")
    #expect(
      try refusal {
        $0.indices.int64Data = [0, 5]; $0.indices.dims = [2]
      }
        == "sparse constant \"fc1.weight\": 3 elements need as many positions of int64, and they have shape [2]")
    #expect(
      try refusal { $0.dims = [1 << 20, 1 << 10] } == "its sparse constants have more than 536870912 elements")
    #expect(try refusal { $0.values.dataLocation = 1 } == "sparse constant \"fc1.weight\": its elements lie in another file")
  }

  /// An output that is called as a hidden layer is here, and an input as the output is.
  @Test func namesOfTheOriginComeBack() throws {
    let origin = ONNXOrigin(
      inputs: ["fc2"], outputs: ["fc1"], producer: "pytorch 2.11.0", documentation: "two layers", metadata: ["task": "toys", "own": "no"])
    for form in [ONNXExport.Form(), ONNXExport.Form(isFloat16: true)] {
      let file = try exported(model([0: 1]), origin: origin, form)
      #expect(file.graph.input.map(\.name) == ["fc2"] && file.graph.output.map(\.name) == ["fc1"])
      #expect(file.docString == "two layers" && file.producerName == "Espalier")
      #expect(file.metadataProps.map { [$0.key, $0.value] } == [["origin", "pytorch 2.11.0"], ["own", "1"], ["task", "toys"]])
      try withFile(file.serializedData()) { path in
        let back = try ImportedNetwork(contentsOf: path)
        #expect(back.origin.inputs == ["fc2"] && back.origin.outputs == ["fc1"] && back.origin.producer == "Espalier 1.2")
        #expect(back.origin.documentation == "two layers" && back.origin.metadata["task"] == "toys")
        let batch = try Tensor.normal([3, 4], generator: Generator(seed: 1))
        #expect(relativeError(try back.model().evaluated(batch).doubles(), try model([0: 1]).evaluated(batch).doubles()) < 1e-3)
      }
    }
    // A network with another number of ends has its own names.
    let file = try exported(model([0: 1]), origin: ONNXOrigin(inputs: ["a", "b"], outputs: ["c"]))
    #expect(file.graph.input.map(\.name) == ["input"] && file.graph.output.map(\.name) == ["fc2"])
  }

  @Test func modelFilesKeepTheOrigin() throws {
    let origin = ONNXOrigin(inputs: ["x"], outputs: ["y"], producer: "p", documentation: "d", metadata: ["k": "v"])
    try withTemporaryDirectory { folder in
      try ModelFile(model: model([0: 1]), origin: origin).write(to: folder + "/m")
      #expect(try ModelFile(contentsOf: folder + "/m").origin == origin)
      try ModelFile(model: model([0: 1])).write(to: folder + "/n")
      #expect(try ModelFile(contentsOf: folder + "/n").origin == nil)
    }
    let long = String(repeating: "x", count: ONNXOrigin.mostBytes)
    #expect(ONNXOrigin(inputs: ["x"], outputs: [], documentation: long) == ONNXOrigin(inputs: ["x"], outputs: [], documentation: long))
    #expect(ONNXOrigin(inputs: ["x"], outputs: [], metadata: ["k": long]) == ONNXOrigin(inputs: ["x"], outputs: []))
    #expect(ONNXOrigin(inputs: [long], outputs: ["y"]) == ONNXOrigin(inputs: [], outputs: []))
  }

  @Test func networksAreCheckedWithoutWeights() throws {
    try ONNXExport.check(Architecture.parse("resnet-20"))
    var builder = NetworkBuilder("n", input: .image(channels: 1, height: 7, width: 7))
    builder.adaptiveAveragePool(6)
    builder.flatten()
    builder.linear("fc", 2)
    let network = try builder.network()
    #expect(throws: ONNXExportError.self) { try ONNXExport.check(network) }
    let error = #expect(throws: ONNXExportError.self) { try ONNXExport.check(Architecture.parse("mlp:30000-20000-10")) }
    #expect(error?.description == "the model is too large for one ONNX file, which holds 2 GB")
  }
}
