import Foundation
import Networks
import SwiftProtobuf
import TestSupport
import Testing
import Torch
import Training

@testable import Interchange

/// Inputs and outputs whose axes stand otherwise in the file than in the network: sequences, and channels last.
@Suite struct LayoutTests {
  private func imported<Result>(_ name: String, _ body: (ImportedNetwork) throws -> Result) throws -> Result {
    let golden = try #require(GoldenModel.all.first { $0.name == name })
    return try withFile(#require(Data(base64Encoded: golden.file))) { try body(ImportedNetwork(contentsOf: $0)) }
  }

  private func exported(_ model: Model, _ origin: ONNXOrigin?, _ form: ONNXExport.Form = ONNXExport.Form()) throws -> ONNXModelProto {
    try ONNXModelProto(serializedBytes: ONNXExport(model, writer: ("Espalier", "1.2"), origin: origin, form: form).data())
  }

  private func sizes(_ value: ONNXValueInfoProto) -> [Int] { value.type.tensorType.shape.dim.dropFirst().map { Int($0.dimValue) } }

  /// What came as ONNX goes back with inputs and outputs as they were, and computes what ONNX Runtime made of the first file.
  @Test(arguments: GoldenModel.all) func goesBackAsItCame(_ golden: GoldenModel) throws {
    try withFile(#require(Data(base64Encoded: golden.file))) { path in
      let first = try ImportedNetwork(contentsOf: path)
      let file = try exported(first.model(), first.origin)
      #expect(sizes(file.graph.input[0]) == Array(golden.shape.dropFirst()))
      #expect(sizes(file.graph.output[0]) == Array(golden.outputShape.dropFirst()))
      // Norms over groups are written in steps, which are not read.
      guard !["instance-norm", "torch-group-norm"].contains(golden.name) else { return }
      try withFile(file.serializedData()) { path in
        let back = try ImportedNetwork(contentsOf: path)
        #expect(back.origin.inputAxes == first.origin.inputAxes && back.origin.outputAxes == first.origin.outputAxes)
        let output = try back.filesOutput(back.model().evaluated(back.networksInput(Tensor(golden.input, shape: golden.shape))))
        #expect(output.shape == golden.outputShape)
        #expect(relativeError(try output.doubles(), golden.output) < 2e-6)
      }
    }
  }

  @Test func axesAreTakenAndLeft() throws {
    func operations(_ name: String, _ form: ONNXExport.Form = ONNXExport.Form()) throws -> [String] {
      try imported(name) { try exported($0.model(), $0.origin, form).graph.node.map(\.opType) }
    }
    #expect(try operations("sequence-conv") == ["Unsqueeze", "Pad", "Conv", "Squeeze"])
    #expect(try operations("sequence-conv", ONNXExport.Form(isFloat16: true)) == ["Unsqueeze", "Cast", "Pad", "Conv", "Squeeze", "Cast"])
    #expect(try operations("channels-last").prefix(2) == ["Transpose", "Conv"])
    #expect(try operations("numbers-last") == ["Unsqueeze", "Mul", "Add", "Squeeze", "Transpose"])
    #expect(try imported("channels-last") { $0.origin.inputAxes } == ["NHWC"])
    #expect(try imported("tokens") { $0.origin.inputAxes } == ["NLC"])
    // Maps of one channel, without its axis.
    #expect(try imported("opaque-reducemax-18") { $0.origin.outputAxes } == ["NHW"])
    #expect(try operations("opaque-reducemax-18").last == "Squeeze")
    #expect(try imported("tokens") { $0.origin.outputAxes } == nil)
    #expect(try imported("numbers-last") { [$0.origin.inputAxes, $0.origin.outputAxes] } == [["NCL"], ["NLC"]])
    #expect(try imported("conv") { [$0.origin.inputAxes, $0.origin.outputAxes] } == [nil, nil])
    // Names are those of the file, whatever stands between.
    let file = try imported("sequence-conv") { try exported($0.model(), $0.origin) }
    #expect(file.graph.node.first?.input.first == "x" && file.graph.node.last?.output == ["y"])
    #expect(Set(file.graph.node.map(\.name)).count == 4)
    // Rows one after another, and channels behind them.
    var image = Onnx.model(
      [
        Onnx.node("Relu", ["x"], ["a"]), Onnx.node("Reshape", ["a", "s"], ["b"]),
        Onnx.node("Transpose", ["b"], ["y"], [Onnx.attribute("perm", 0, 2, 1)]),
      ], input: [0, 2, 3, 4])
    image.graph.initializer = [
      .with { ($0.name, $0.dims, $0.dataType, $0.int64Data) = ("s", [3], 7, [0, 2, 12]) }
    ]
    try withModel(image) { path in
      let first = try ImportedNetwork(contentsOf: path)
      #expect(first.origin.inputAxes == nil && first.origin.outputAxes == ["NLC"])
      let back = try exported(first.model(), first.origin)
      #expect(back.graph.node.map(\.opType) == ["Relu", "Reshape", "Transpose"] && sizes(back.graph.output[0]) == [12, 2])
      #expect(try withModel(back) { try ImportedNetwork(contentsOf: $0).origin.outputAxes } == ["NLC"])
    }
  }

  /// A model file keeps the axes, also when units leave; earlier files have none, and forged ones count for nothing.
  @Test func modelFilesKeepTheAxes() throws {
    let (model, origin) = try imported("sequence-conv") { (try $0.model(), $0.origin) }
    try withTemporaryDirectory { folder in
      try ModelFile(model: model, origin: origin).write(to: folder + "/m")
      let back = try ModelFile(contentsOf: folder + "/m")
      #expect(back.origin == origin && back.origin?.inputAxes == ["NCL"] && back.origin?.outputAxes == ["NCL"])
    }
    let earlier = #"{"documentation":"","inputs":["x"],"metadata":{},"outputs":["y"],"producer":""}"#
    #expect(try JSONDecoder().decode(ONNXOrigin.self, from: Data(earlier.utf8)) == ONNXOrigin(inputs: ["x"], outputs: ["y"]))
    for axes in [[], [""], ["N"], ["NC"], ["CNL"], ["NCLL"], ["NCLW"], ["NCHWL"], ["NL"], ["NCH"], ["XYZ"], ["N-CL"], ["NCHW"]] {
      var forged = origin
      (forged.inputAxes, forged.outputAxes) = (axes, axes)
      let file = try exported(model, forged)
      #expect(sizes(file.graph.input[0]) == [4, 1, 6] && sizes(file.graph.output[0]) == [3, 1, 4], "\(axes)")
    }
    // Rows of an image are no sequence.
    let (other, plain) = try imported("conv") { (try $0.model(), $0.origin) }
    var forged = plain
    forged.inputAxes = ["NCL"]
    #expect(try sizes(exported(other, forged).graph.input[0]) == [4, 6, 6])
  }

  @Test func pyTorchModulesTakeWhatTheModelTook() throws {
    func program(_ name: String) throws -> String {
      try imported(name) { imported in
        let facts = PyTorchModule.Facts(writer: "Espalier", program: "m", weights: "w", origin: imported.origin)
        return try PyTorchModule(imported.network, facts).source
      }
    }
    let sequence = try program("sequence-conv")
    #expect(sequence.contains("Takes [batch, 4, 6] and returns [batch, 3, 4].\n"))
    #expect(sequence.contains("        input = input.unsqueeze(2)\n") && sequence.contains("        return y.squeeze(2)\n"))
    let last = try program("numbers-last")
    #expect(last.contains("Takes [batch, 2, 3] and returns [batch, 3, 2].\n"))
    #expect(last.contains(".squeeze(2).permute(0, 2, 1)\n"))
    let image = try program("channels-last")
    #expect(image.contains("Takes [batch, 4, 4, 3] and returns [batch, 2].\n"))
    #expect(image.contains("        input = input.permute(0, 3, 1, 2)\n"))
    #expect(try program("tokens").contains("        input = input.permute(0, 2, 1).unsqueeze(2)\n"))
  }

  /// A sequence's length comes from examples; an image of several rows is none.
  @Test func sequencesTakeSequences() throws {
    var model = Onnx.model([Onnx.node("GlobalAveragePool", ["x"], ["a"]), Onnx.node("Flatten", ["a"], ["y"])], input: [0, 3, 0])
    model.graph.input[0].type.tensorType.shape.dim[2].value = nil
    try withModel(model) { path in
      #expect(try ImportedNetwork.takesSequences(path))
      let imported = try ImportedNetwork(contentsOf: path, input: .image(channels: 3, height: 1, width: 7))
      #expect(try imported.network.inputShape == .image(channels: 3, height: 1, width: 7))
      let sized = try ImportedNetwork(contentsOf: path, height: 1, width: 7, channels: nil)
      #expect(try sized.network.inputShape == .image(channels: 3, height: 1, width: 7))
      let words =
        "its input \"x\" has shape [?, 3, ?], whose sizes only sequences tell: train, prune and evaluate take them from --dataset, "
        + "compile from --image-size 1xLENGTH"
      #expect(throws: InterchangeError.reading(path: path, problem: words)) {
        try ImportedNetwork(contentsOf: path, input: .image(channels: 1, height: 3, width: 7))
      }
    }
    let image = Onnx.model([Onnx.node("Relu", ["x"], ["y"])], input: [0, 3, 4, 4])
    #expect(try !withModel(image) { try ImportedNetwork.takesSequences($0) })
  }
}
