import Foundation
import Networks
import SwiftProtobuf
import TestSupport
import Testing
import Torch
import Training

@testable import Interchange

@Suite struct LoweringTests {
  @Test func goldenModelsAreThere() { #expect(GoldenModel.all.count == 48 + 29 + 35 + 81 + 10 + 10 + 17) }

  /// `Tests/Reference/onnx_models.py` makes the models by ONNX's own library and the outputs by ONNX Runtime.
  @Test(arguments: GoldenModel.all) func computesWhatONNXRuntimeDoes(_ golden: GoldenModel) throws {
    let data = try #require(Data(base64Encoded: golden.file))
    try withFile(data) { path in
      let imported = try ImportedNetwork(contentsOf: path)
      let batch = try imported.networksInput(Tensor(golden.input, shape: golden.shape))
      let output = try imported.filesOutput(imported.model().evaluated(batch))
      #expect(output.shape == golden.outputShape)
      #expect(relativeError(try output.doubles(), golden.output) < 2e-6)
    }
  }

  private func network(_ name: String) throws -> Network {
    let golden = try #require(GoldenModel.all.first { $0.name == name })
    return try withFile(#require(Data(base64Encoded: golden.file))) { try ImportedNetwork(contentsOf: $0).network }
  }

  private func words(_ network: Network) -> [String] { network.nodes.map { "\($0.name) \($0.operation.kind)" } }

  @Test func formulasBecomeOneOperation() throws {
    for name in ["gelu-torch", "gelu-half-first", "gelu-half-within", "gelu"] {
      #expect(try network(name).nodes.map(\.operation) == [.input(.image(channels: 4, height: 6, width: 6)), .activation(.gelu)])
    }
    let small = Operation.input(.image(channels: 4, height: 2, width: 2))
    for name in ["gelu-tanh", "gelu-tanh-torch", "gelu-tanh-power", "torch-gelu-tanh", "dynamo-gelu-tanh"] {
      #expect(try network(name).nodes.map(\.operation) == [small, .activation(.tanhGELU)], "\(name)")
    }
    // Another cubic, and gates that no product takes, are what their nodes say.
    #expect(try network("gelu-tanh-other").nodes.map(\.operation).filter { $0 == .activation(.tanh) }.count == 1)
    #expect(try network("gelu-gate-alone").nodes.map(\.operation).filter { $0 == .activation(.tanh) }.count == 1)
    #expect(try network("gelu-exact-gate-alone").nodes.map(\.operation).filter { $0 == .opaque(OpaqueFunction(.erf)) }.count == 1)
    #expect(try network("silu").nodes.last?.operation == .activation(.silu))
    for name in ["hard-swish-four", "hard-swish-gate"] { #expect(try words(network(name)) == ["input input", "y activation"]) }
    #expect(try network("hard-swish-four").nodes.last?.operation == .activation(.hardSwish))
    #expect(try words(network("hard-sigmoid-three")) == ["input input", "c activation", "y activation"])
    #expect(try words(network("scale")) == ["input input", "a channelAffine"])
    #expect(try words(network("gate")) == ["input input", "a adaptiveAveragePool", "g activation", "y multiply"])
    #expect(try network("shuffle").nodes.last?.operation == .indexSelect([0, 2, 1, 3]))
    #expect(try network("pad-alone").nodes[1].operation == .pad(top: 1, bottom: 2, left: 0, right: 3))
    #expect(try words(network("reshape-all-computed")) == ["input input", "y flatten"])
    #expect(try network("matmul-add").nodes.last?.operation == .linear(Linear(5, 3)))
    #expect(
      try network("conv-then-bias").nodes.last?.operation == .convolution(Convolution(4, 6, kernel: Extent(3))))
    #expect(
      try network("conv-padded").nodes.last?.operation
        == .convolution(Convolution(4, 6, kernel: Extent(3), padding: Extent(1), bias: false)))
    // ONNX's momentum weighs the old statistics, 0.9 of them unless a node says otherwise.
    #expect(try network("batch-norm").nodes.last?.operation == .batchNorm(BatchNorm(4, epsilon: 1e-3, momentum: 0.1)))
    #expect(try network("subsample-pad").nodes.last?.operation == .subsamplePad(stride: 2, before: 2, after: 2))
  }

  /// PyTorch folds batch norms into convolutions, whose weights it then names by numbers; the node says the module.
  @Test func modulesAreNamedAfterWeightsOrNodes() throws {
    #expect(
      try words(network("torch-silu"))
        == [
          "input input", "conv1 convolution", "act.Mul activation", "body.0 convolution", "body.act.Mul activation", "Add add",
          "GlobalAveragePool adaptiveAveragePool", "Reshape flatten", "fc linear",
        ])
    #expect(try network("conv").nodes.last?.name == "c")
    #expect(try network("shared-by-identity").nodes.map(\.module) == ["input", "a", "v", "b"])
  }

  /// What the file shares, training must be able to move apart.
  @Test func sharedConstantsAreUntied() throws {
    let golden = try #require(GoldenModel.all.first { $0.name == "shared-by-identity" })
    try withFile(#require(Data(base64Encoded: golden.file))) { path in
      let model = try ImportedNetwork(contentsOf: path).model()
      let (a, b) = (ParameterName("a", .weight), ParameterName("b", .weight))
      let before = try model.tensor(b).doubles()
      try model.tensor(a).fill(7)
      #expect(try model.tensor(b).doubles() == before)
    }
  }

  @Test func aLastSoftmaxIsLeftOffAndNoted() throws {
    let golden = try #require(GoldenModel.all.first { $0.name == "last-softmax" })
    try withFile(#require(Data(base64Encoded: golden.file))) { path in
      let imported = try ImportedNetwork(contentsOf: path)
      #expect(imported.notes == ["softmax at output \"y\" left off: its input is the classifier's output"])
      #expect(imported.inputName == "x" && imported.outputNames == ["y"] && imported.network.name == "model")
    }
  }

  @Test(
    arguments: [
      ("Greater", [5, 5]), ("GreaterOrEqual", [5, 3]), ("Less", [3, 5]), ("LessOrEqual", [3, 3]), ("And", [5, 3]), ("Or", [3, 3]),
      ("Equal", [5, 3]),
    ] as [(String, [Float])])
  func comparedConstantsChoose(operation: String, expected: [Float]) throws {
    let nodes = [
      Onnx.node(operation, ["e", "f"], ["m"]), Onnx.node("Where", ["m", "three", "five"], ["w"]), Onnx.node("Mul", ["x", "w"], ["y"]),
    ]
    let constants = [("e", [0, 1]), ("f", [1, 1]), ("three", [3, 3]), ("five", [5, 5])].map { Onnx.tensor($0, [2], $1) }
    try withFile(try Onnx.model(nodes, constants).serializedBytes() as Data) { path in
      let model = try ImportedNetwork(contentsOf: path).model()
      #expect(try model.tensors.values.map { try $0.array(Float.self) } == [expected])
    }
  }

  @Test func whatIsNotUnderstoodIsListedTogether() throws {
    let nodes = [
      Onnx.node("LSTM", ["x"], ["a"], name: "first"), Onnx.node("LSTM", ["x"], ["b"], name: "second"),
      Onnx.node("Relu", ["a"], ["c"]), Onnx.node("Einsum", ["x", "x"], ["d"]), Onnx.node("Gelu", ["x"], ["e"], domain: "com.other"),
      Onnx.node("Add", ["c", "d"], ["y"]),
    ]
    #expect(
      try problem(Onnx.model(nodes))
        == "3 operations are not understood (opset 17): LSTM at \"first\" and 1 more "
        + "(a layer that goes from step to step would be needed); Einsum at \"d\" "
        + "(its equation is \"\", and products of matrices as attention has them are possible); "
        + "Gelu at \"e\" (of domain \"com.other\")")
    #expect(
      try problem(Onnx.model([Onnx.node("ArgMax", ["x"], ["a"]), Onnx.node("Relu", ["a"], ["y"])]))
        == "1 operation is not understood (opset 17): ArgMax at \"a\" (its result is places or truth values, and those here are real numbers: "
        + "end the exported model before it)")
    #expect(
      try problem(Onnx.model([Onnx.node("Col2Im", ["x"], ["y"])]))
        == "1 operation is not understood (opset 17): Col2Im at \"y\" (no operation of a network computes it)")
  }

  /// What else reads a layer's output must not get the bias.
  @Test func aBiasBelongsToItsLayerAlone() throws {
    let nodes = [Onnx.node("MatMul", ["x", "w"], ["a"]), Onnx.node("Add", ["a", "b"], ["c"]), Onnx.node("Add", ["a", "c"], ["y"])]
    let constants = [Onnx.tensor("w", [2, 2], [1, 2, 3, 4]), Onnx.tensor("b", [2], [5, 6])]
    let network = try withModel(Onnx.model(nodes, constants)) { try ImportedNetwork(contentsOf: $0).network }
    #expect(words(network) == ["input input", "a linear", "c channelAffine", "y add"])
  }

  /// What a graph multiplies by and adds is no parameter; what has a number for each channel is one.
  @Test func numbersOfAGraphStayWhatTheyAre() throws {
    func operations(_ name: String) throws -> [Networks.Operation] { try Array(network(name).nodes.dropFirst().map(\.operation)) }
    #expect(try operations("numbers") == [.activation(.affine(scale: 0.5, shift: 1))])
    #expect(try operations("numbers-first") == [.activation(.affine(scale: -0.75, shift: 0.25)), .activation(.relu)])
    #expect(try operations("numbers-minus") == [.activation(.affine(scale: -1, shift: 2)), .activation(.affine(shift: -0.5))])
    #expect(try operations("numbers-divided") == [.activation(.affine(scale: 0.25, shift: -0.125))])
    #expect(try operations("numbers-nothing") == [.activation(.relu)])
    #expect(try operations("three-more") == [.activation(.affine(shift: 3)), .activation(.relu)])
    #expect(try operations("numbers-one-output") == [.linear(Linear(3, 1, bias: false)), .activation(.affine(shift: 0.5))])
    #expect(try operations("bias-of-one-output") == [.linear(Linear(3, 1))])
    #expect(try operations("shift") == [.channelAffine(ChannelAffine(4))])
    for name in ["torch-numbers", "dynamo-numbers"] {
      #expect(try network(name).parameterShapes().map(\.dimensions) == [[3, 2, 1, 1], [3], [2, 3], [2]], "\(name)")
      #expect(try network(name).nodes.count { if case .activation(.affine) = $0.operation { true } else { false } } == 5, "\(name)")
    }
    // What follows a number may read borders and strides as they are.
    let cut = [
      Onnx.node("Mul", ["x", "h"], ["a"]), Onnx.node("Conv", ["a", "w"], ["b"]), Onnx.node("Sigmoid", ["b"], ["c"]),
      Onnx.node("Pad", ["c", "p"], ["d"]), Onnx.node("Neg", ["d"], ["e"]), Onnx.node("Slice", ["e", "s", "t", "s"], ["y"]),
    ]
    let pads = [Onnx.tensor("p", [8], [0, 0, 1, 1, 0, 0, 1, 1]), Onnx.tensor("s", [1], [1]), Onnx.tensor("t", [1], [2])]
    let file = Onnx.model(
      cut, [Onnx.tensor("h", [], [0.5]), Onnx.tensor("w", [2, 1, 1, 1], [1, 2])] + pads, input: [0, 1, 2, 2])
    let bordered = try withModel(file) { try ImportedNetwork(contentsOf: $0).network }
    #expect(words(bordered) == ["input input", "a activation", "b convolution", "c activation", "d pad", "e activation", "y narrow"])
    // One channel, and one number in an axis of its own.
    let one = Onnx.model([Onnx.node("Add", ["x", "c"], ["y"])], [Onnx.tensor("c", [1, 1, 1], [2])], input: [0, 1, 2, 2])
    #expect(try withModel(one) { try ImportedNetwork(contentsOf: $0).network.nodes.last?.operation } == .activation(.affine(shift: 2)))
    let endless = Onnx.model([Onnx.node("Mul", ["x", "c"], ["a"]), Onnx.node("Relu", ["a"], ["y"])], [Onnx.tensor("c", [], [.infinity])])
    #expect(
      try problem(endless) == "1 operation is not understood (opset 17): Relu at \"y\" (a: scale must be finite, is inf)")
  }

  /// Places in all numbers of a batch are the value itself if they are all of them in their order, and nothing else.
  @Test func placesOfAllNumbersAreTheirValue() throws {
    for name in ["dynamo-mean-in-places", "dynamo-mean-in-places-of-two"] {
      #expect(
        try network(name).nodes.map(\.operation.kind)
          == ["input", "convolution", "adaptiveAveragePool", "channelNorm", "flatten", "linear"])
    }
    func refusal(step: Float, shift: [Float], axis: Float = 1, sizes: [Int64] = [1, 2]) throws -> String? {
      let nodes = [
        Onnx.node("Shape", ["x"], ["s"], [Onnx.attribute("end", 1)]), Onnx.node("Squeeze", ["s"], ["n"]),
        Onnx.node("Range", ["zero", "n", "one"], ["r"]), Onnx.node("Mul", ["r", "step"], ["m"]),
        Onnx.node("Unsqueeze", ["m", "axis"], ["u"]),
        Onnx.node("Add", ["shift", "u"], ["p"]), Onnx.node("Reshape", ["x", "row"], ["all"]), Onnx.node("Gather", ["all", "p"], ["g"]),
        Onnx.node("Relu", ["g"], ["y"]),
      ]
      let constants = [
        Onnx.tensor("zero", [], [0]), Onnx.tensor("one", [], [1]), Onnx.tensor("step", [], [step]), Onnx.tensor("axis", [1], [axis]),
        Onnx.tensor("shift", sizes, shift), Onnx.tensor("row", [1], [-1]),
      ]
      return try problem(Onnx.model(nodes, constants))
    }
    func said(_ node: String) -> String {
      "1 operation is not understood (opset 17): \(node) (its places are not those of all numbers of each example, one after another)"
    }
    #expect(try refusal(step: 2, shift: [0, 1]) == nil)
    #expect(try refusal(step: 2, shift: [1, 0]) == said("Gather at \"g\""))
    #expect(try refusal(step: 1, shift: [0, 1]) == said("Gather at \"g\""))
    #expect(try refusal(step: 1, shift: [0], sizes: [1]) == said("Gather at \"g\""))
    #expect(try refusal(step: 2, shift: [0, 1], axis: 0) == said("Unsqueeze at \"u\""))
    #expect(try refusal(step: 2, shift: [0, 1, 0, 1], sizes: [2, 2]) == said("Add at \"p\""))
  }

  @Test func reasonsOfLayersAreSaid() throws {
    func reason(_ node: ONNXNodeProto, _ constants: [ONNXTensorProto] = [], input: [Int64] = [0, 1, 4, 4]) throws -> String? {
      let words = try problem(Onnx.model([node], constants, input: input)) ?? ""
      let start = words.range(of: "(it"), end = words.lastIndex(of: ")")
      return start.flatMap { start in end.map { String(words[words.index(after: start.lowerBound)..<$0]) } } ?? words
    }
    let kernel = Onnx.tensor("w", [1, 1, 2, 2], [1, 2, 3, 4])
    #expect(
      try reason(Onnx.node("Conv", ["x", "w"], ["y"], [Onnx.attribute("strides", 1, 1, 1)]), [kernel])
        == "its strides [1, 1, 1] must be two sizes")
    #expect(
      try reason(Onnx.node("MaxPool", ["x"], ["y"], [Onnx.attribute("kernel_shape", 2, 2), Onnx.attribute("pads", 0, 0, 1, 1)]))
        == "its padding differs between opposite sides")
    #expect(
      try reason(Onnx.node("Mul", ["x", "m"], ["y"]), [Onnx.tensor("m", [4, 1], [1, 2, 3, 4])])
        == "it multiplies by a constant of shape [4, 1], and one number for each channel is possible")
    let heads = [Onnx.attribute("q_num_heads", 2), Onnx.attribute("kv_num_heads", 2)]
    #expect(
      try reason(
        Onnx.node("Attention", ["x", "x", "x", "m"], ["y"], heads), [Onnx.tensor("m", [3, 3], Array(repeating: 0, count: 9))],
        input: [0, 3, 4])
        == "it has a mask, a past or lengths, and none are possible")
    #expect(
      try reason(Onnx.node("Attention", ["x", "x", "x"], ["y"], heads + [Onnx.attribute("is_causal", 1)]), input: [0, 3, 4])
        == "its is_causal is not understood")
    #expect(
      try reason(Onnx.node("Attention", ["x", "x", "x"], ["y"], [heads[0], Onnx.attribute("kv_num_heads", 1)]), input: [0, 3, 4])
        == "its keys and values have other heads than its queries")
    let alpha = ONNXAttributeProto.with { ($0.name, $0.f) = ("alpha", -2) }
    #expect(try reason(Onnx.node("Celu", ["x"], ["y"], [alpha])) == "its alpha is -2.0, and a positive one is possible")
    #expect(
      try reason(Onnx.node("LpNormalization", ["x"], ["y"], [Onnx.attribute("axis", 2)]))
        == "it computes along axis 2 of (batch, 1, 4 positions, 4 positions), and all channels are possible")
    #expect(
      try reason(Onnx.node("ReduceL1", ["x"], ["y"]))
        == "it computes over all axes of (batch, 1, 4 positions, 4 positions), and all channels are possible")
    #expect(
      try reason(Onnx.node("ReduceMean", ["x"], ["y"], [Onnx.attribute("axes", 1, 2)]))
        == "it takes means over axes [1, 2] of (batch, 1, 4 positions, 4 positions), and those over all positions or all channels are possible"
    )
    #expect(
      try reason(Onnx.node("Max", ["x", "m"], ["y"]), [Onnx.tensor("m", [2], [0, 1])])
        == "it compares with a constant of shape [2], and one number is possible")
    #expect(
      try reason(Onnx.node("Pow", ["x", "m"], ["y"]), [Onnx.tensor("m", [2], [0, 1])])
        == "its exponent has several numbers, and one is possible")
    #expect(try reason(Onnx.node("Div", ["x", "m"], ["y"]), [Onnx.tensor("m", [1], [0])]) == "it divides by 0, or by a large constant")
    #expect(
      try reason(Onnx.node("Gather", ["x", "m"], ["y"]), [Onnx.tensor("m", [2], [0, 1])]) == "it cuts the batch")
    #expect(
      try reason(Onnx.node("Gather", ["x", "m"], ["y"], [Onnx.attribute("axis", 2)]), [Onnx.tensor("m", [2, 2], [1, 0, 2, 3])])
        == "it is understood as a choice of channels or positions")
    #expect(
      try reason(Onnx.node("Gemm", ["x", "m"], ["y"]), [Onnx.tensor("m", [4, 1], [1, 2, 3, 4])])
        == "it reads an image, 1×4×4, and must read a vector")
    #expect(
      try reason(Onnx.node("Flatten", ["x"], ["y"], [Onnx.attribute("axis", 2)]), input: [0, 2, 4, 4])
        == "its output \"y\" has the axes (batch·2 channels, 16 positions), and the batch must be the first of its own")
    #expect(
      try reason(Onnx.node("MatMul", ["x", "x"], ["y"]))
        == "it multiplies two computed values, which is understood within attention, softmax(q·kᵀ)·v in heads")
    #expect(
      try reason(Onnx.node("Add", ["x", "m"], ["y"]), [Onnx.tensor("m", [4, 1], [1, 2, 3, 4])])
        == "it adds a constant of shape [4, 1], and one number for each channel, at all positions or at each, is possible")
  }

  /// What runs without being understood is said, and does not keep the rest from being pruned.
  @Test func opaqueNodesAreNoted() throws {
    let golden = try #require(GoldenModel.all.first { $0.name == "torch-rms-norm" })
    try withFile(#require(Data(base64Encoded: golden.file))) { path in
      let imported = try ImportedNetwork(contentsOf: path)
      let note = try #require(imported.notes.first { $0.contains("opaque") })
      #expect(note.hasPrefix("4 nodes are opaque, and keep the channels that they read: channelMean "))
      #expect(note.hasSuffix("; inspect --groups lists them"))
      #expect(try imported.network.channelGroups().groups.map { "\($0.name) \($0.width)" } == ["up 6"])
    }
    #expect(try network("opaque-square").nodes.last?.operation == .multiply)
    #expect(try network("opaque-clip-below").nodes.last?.operation == .opaque(OpaqueFunction(.clip, -Lowering.bound, 0.75)))
    #expect(try words(network("opaque-spatial-gate")).suffix(2) == ["g activation", "y opaque"])
  }

  /// Where a file leaves height and width open, whoever has examples says them.
  @Test func openSizesComeFromExamples() throws {
    var model = Onnx.model([Onnx.node("GlobalAveragePool", ["x"], ["a"]), Onnx.node("Flatten", ["a"], ["y"])], input: [0, 3, 0, 0])
    model.graph.input[0].type.tensorType.shape.dim[2].value = nil
    try withModel(model) { path in
      #expect(
        try problem(path)
          == "its input \"x\" has shape [?, 3, ?, ?], whose sizes only images tell: train, prune, evaluate and inspect take them from --dataset, "
          + "compile from --image-size HEIGHTxWIDTH"
      )
      let imported = try ImportedNetwork(contentsOf: path, input: .image(channels: 3, height: 5, width: 7))
      #expect(try imported.network.inputShape == .image(channels: 3, height: 5, width: 7))
      // The file says how many channels there are.
      let sized = try ImportedNetwork(contentsOf: path, height: 5, width: 7, channels: nil)
      #expect(try sized.network.inputShape == .image(channels: 3, height: 5, width: 7))
    }
  }
}

extension Model {
  /// The first output for a batch.
  func evaluated(_ batch: Tensor) throws -> Tensor { try Executor(self).forward(batch, mode: .evaluation, observing: []) { _, _ in } }
}
