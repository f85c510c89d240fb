import Foundation
import Networks
import SwiftProtobuf
import TestSupport
import Testing
import Torch

@testable import Interchange

/// Short files that ask for much time or memory.
@Suite struct BombTests {
  /// A sound model, after which a graph's fields go on.
  private func problem(graph fields: Data) throws -> String? {
    let model = Onnx.model([Onnx.node("Relu", ["x"], ["y"])])
    return try withFile(model.serializedData() + protobufField(7, fields)) { try InterchangeTests.problem($0) }
  }

  private func repeated(_ bytes: [UInt8], _ count: Int) -> Data {
    var data = Data(capacity: bytes.count * count)
    for _ in 0..<count { data.append(contentsOf: bytes) }
    return data
  }

  @Test func fieldsAreCounted() throws {
    let words = "it has more than 524288 fields"
    // Half a million inputs of a node, attributes, attributes' numbers, and declared values, each of two bytes.
    #expect(try problem(graph: protobufField(1, repeated([0x0A, 0], 1 << 19))) == words)
    #expect(try problem(graph: protobufField(1, repeated([0x2A, 0], 1 << 19))) == words)
    #expect(try problem(graph: protobufField(1, protobufField(5, repeated([0x40, 1], 1 << 19)))) == words)
    #expect(try problem(graph: repeated([0x5A, 0], 1 << 19)) == words)
  }

  @Test func inputsAreFew() throws {
    let inputs = (0..<1025).map { protobufField(11, (try? Onnx.value("x\($0)", [0, 2]).serializedData()) ?? Data()) }
    #expect(try problem(graph: inputs.reduce(Data(), +)) == "it has more than 1024 inputs")
    let large = Onnx.value("x1", Array(repeating: 1, count: 1 << 15))
    let bytes = try large.serializedData()
    #expect(try problem(graph: protobufField(11, bytes)) == "an input or output has a description of \(bytes.count) bytes")
  }

  /// Numbers of a byte each, which are eight in memory.
  @Test func packedNumbersAreFew() throws {
    #expect(
      try problem(graph: protobufField(1, protobufField(5, protobufField(8, Data(count: 1 << 25)))))
        == "without its weights it has more than 33554432 bytes")
    // Weights within a node's attribute are none of them.
    let tensor =
      try ONNXTensorProto.with { ($0.dims, $0.dataType) = ([1 << 25], 2) }.serializedData() + protobufField(9, Data(count: 1 << 25))
    let node = try Onnx.node("Constant", [], ["c"]).serializedData()
    let attribute = try ONNXAttributeProto.with { $0.name = "value" }.serializedData() + protobufField(5, tensor)
    #expect(try problem(graph: protobufField(1, node + protobufField(5, attribute))) == nil)
  }

  /// Groups within groups, which no reader may follow by calling itself.
  @Test func nestedGroupsAreNoModel() throws {
    for depth in [20, 200_000] {
      let groups = repeated([0x7B], depth) + repeated([0x7C], depth)
      #expect(try problem(graph: groups) == "it is no ONNX model, or a damaged one")
      #expect(try problem(graph: protobufField(1, protobufField(5, groups))) == "it is no ONNX model, or a damaged one")
      let inValue = try problem(graph: protobufField(11, protobufField(2, groups.prefix(1 << 15))))
      #expect(inValue?.contains("\n") != true)
      let inVersion = try withFile(Onnx.model([Onnx.node("Relu", ["x"], ["y"])]).serializedData() + protobufField(8, groups)) {
        try InterchangeTests.problem($0)
      }
      #expect(inVersion?.contains("\n") != true)
    }
  }

  /// Branches of an If within branches, as deep as nobody writes them.
  @Test(arguments: [10, 5_000]) func nestedGraphsEnd(depth: Int) throws {
    let branch = try ONNXAttributeProto.with { ($0.name, $0.type) = ("then_branch", 5) }.serializedData()
    let node = try Onnx.node("If", ["x"], ["z"]).serializedData()
    let nodes = (0..<depth).reduce(Data()) { inner, _ in
      protobufField(1, node + protobufField(5, branch + (inner.isEmpty ? Data() : protobufField(6, inner))))
    }
    let found = try problem(graph: nodes)
    #expect(found?.hasPrefix("1 operation is not understood (opset 17): If at \"z\"") == true, "\(found ?? "read")")
  }

  /// A constant of 65,536 numbers that is computed with again and again.
  @Test func computingWithConstantsEnds() throws {
    let constant = Onnx.tensor("c", [65_536], [Float](repeating: 1, count: 65_536))
    let steps = (0..<40).map { Onnx.node("Neg", [$0 == 0 ? "c" : "s\($0 - 1)"], ["s\($0)"]) }
    let words = try InterchangeTests.problem(Onnx.model(steps + [Onnx.node("Mul", ["x", "s39"], ["y"])], [constant]))
    #expect(words == "1 operation is not understood (opset 17): Neg at \"s32\" (its file computes with more than 4194304 numbers)")
    let pads = (0..<80).map { Onnx.node("Pad", ["x", "c"], ["p\($0)"]) }
    #expect(
      try InterchangeTests.problem(Onnx.model(pads + [Onnx.node("Relu", ["x"], ["y"])], [constant]))?.hasSuffix(
        "more than 4194304 numbers)") == true)
  }

  @Test func axesAreFew() throws {
    let axes: ONNXTensorProto = .with { ($0.name, $0.dims, $0.dataType, $0.int64Data) = ("a", [17], 7, (0..<17).map { $0 }) }
    let nodes = [Onnx.node("Unsqueeze", ["c", "a"], ["u"]), Onnx.node("Mul", ["x", "u"], ["y"])]
    #expect(
      try InterchangeTests.problem(Onnx.model(nodes, [axes, Onnx.tensor("c", [1], [2])]))
        == "1 operation is not understood (opset 17): Unsqueeze at \"u\" (its constants do not fit each other)")
  }

  /// Parameters are tensors of their own, and a file may name one constant thousands of times.
  @Test func sharedConstantsDoNotFillTheMemory() throws {
    let layers = (0..<100).map { Onnx.node("Gemm", [$0 == 0 ? "x" : "v\($0 - 1)", "w"], [$0 == 99 ? "y" : "v\($0)"]) }
    let weights = Onnx.tensor("w", [600, 600], [Float](repeating: 0, count: 360_000))
    #expect(
      try InterchangeTests.problem(Onnx.model(layers, [weights], input: [0, 600]))
        == "its layers share constants of 1440000 bytes, which would be 144000000 as parameters of each")
    let few = (0..<3).map { Onnx.node("Gemm", [$0 == 0 ? "x" : "v\($0 - 1)", "w"], [$0 == 2 ? "y" : "v\($0)"]) }
    #expect(try InterchangeTests.problem(Onnx.model(few, [weights], input: [0, 600])) == nil)
  }

  @Test func equalNumbersTakeThePlaceOfOne() throws {
    let ones = ONNXTensor("one", repeating: 1.5, count: 6)
    #expect(ones.dimensions == [6])
    #expect(try ones.numbers() == Array(repeating: 1.5, count: 6))
    #expect(try ones.tensor().shape == [6] && ones.tensor().doubles() == Array(repeating: 1.5, count: 6))
    // Ten thousand layers with 65,536 ones each, which would be five gigabytes.
    let layers = (0..<10_000).map { Onnx.node("Add", [$0 == 0 ? "x" : "v\($0 - 1)", "c"], [$0 == 9999 ? "y" : "v\($0)"]) }
    let constant = Onnx.tensor("c", [65_536], [Float](repeating: 0, count: 65_536))
    #expect(
      try InterchangeTests.problem(Onnx.model(layers, [constant], input: [0, 65_536]))
        == "its layers share constants of 524288 bytes, which would be 5242880000 as parameters of each")
  }

  @Test func reasonsStayShort() throws {
    let strides: ONNXAttributeProto = .with { ($0.name, $0.ints) = ("strides", Array(repeating: 7, count: 100_000)) }
    let words = try InterchangeTests.problem(
      Onnx.model([Onnx.node("Conv", ["x", "w"], ["y"], [strides])], [Onnx.tensor("w", [1, 1, 1, 1], [1])], input: [0, 1, 4, 4]))
    #expect((words?.count ?? .max) < 500 && words?.hasSuffix("7, ...)") == true)
  }

  @Test func namesCannotWriteOnATerminal() throws {
    let name = "a\u{1B}[2J\nb\u{202E}"
    #expect(
      try InterchangeTests.problem(Onnx.model([Onnx.node("LSTM", ["x"], [name]), Onnx.node("Relu", [name], ["y"])]))
        == "1 operation is not understood (opset 17): LSTM at \"a\\u001b[2J\\nb\\u202e\" (a layer that goes from step to step would be needed)"
    )
    let network = try withModel(Onnx.model([Onnx.node("Relu", ["x"], [name]), Onnx.node("Relu", [name], ["y"])])) {
      try ImportedNetwork(contentsOf: $0).network
    }
    #expect(network.nodes.map(\.name) == ["input", "a_[2J_b_", "y"])
    // Not UTF-8, as all texts of the format must be.
    #expect(try problem(graph: protobufField(1, protobufField(1, Data([0xFF, 0xFE])))) == "it is no ONNX model, or a damaged one")
  }
}
