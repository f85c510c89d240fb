import Foundation
import SwiftProtobuf
import TestSupport
import Testing

@testable import Interchange

@Suite struct HostileFileTests {
  private let relu = [Onnx.node("Relu", ["x"], ["y"])]

  @Test func whatIsNoModelIsRefused() throws {
    #expect(try withFile(Data()) { try problem($0) } == "it is empty")
    for bytes in [Data("a text".utf8), Data([0x08]), Data([0x08, 0x07]), Data(repeating: 0xFF, count: 100), Data([0x3A, 0x7F, 0x0A])] {
      #expect(try withFile(bytes) { try problem($0) } == "it is no ONNX model, or a damaged one")
    }
  }

  /// No beginning of a sound file is one, and none brings the reader down.
  @Test func cutFilesAreRefused() throws {
    let whole = try Onnx.model(
      [Onnx.node("Gemm", ["x", "w"], ["y"])], [Onnx.tensor("w", [2, 2], [1, 2, 3, 4])]
    ).serializedData()
    #expect(try withFile(whole) { try problem($0) } == nil)
    for length in 1..<whole.count {
      _ = try withFile(whole.prefix(length)) { path in
        do { _ = try ImportedNetwork(contentsOf: path).model() } catch is InterchangeError {}
      }
    }
  }

  @Test func flippedBytesTrapNowhere() throws {
    let whole = try Onnx.model(
      [
        Onnx.node("Conv", ["x", "w"], ["a"], [Onnx.attribute("pads", 1, 1, 1, 1), Onnx.attribute("group", 1)]),
        Onnx.node("MaxPool", ["a"], ["b"], [Onnx.attribute("kernel_shape", 2, 2)]),
        Onnx.node("Shape", ["b"], ["s"]), Onnx.node("Gather", ["s", "i"], ["n"]), Onnx.node("Reshape", ["b", "r"], ["y"]),
      ],
      [
        Onnx.tensor("w", [1, 1, 3, 3], [Float](repeating: 1, count: 9)), Onnx.tensor("i", [1], [0]),
        .with { ($0.name, $0.dims, $0.dataType, $0.int64Data) = ("r", [2], 7, [0, -1]) },
      ], input: [0, 1, 4, 4]
    ).serializedData()
    #expect(try withFile(whole) { try problem($0) } == nil)
    var random = RandomStream(seed: 3)
    for _ in 0..<400 {
      var damaged = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      _ = try withFile(damaged) { path in
        do { _ = try ImportedNetwork(contentsOf: path).model() } catch is InterchangeError {}
      }
    }
  }

  @Test func graphsThatAreNoneAreRefused() throws {
    #expect(
      try problem(Onnx.model([Onnx.node("Relu", ["b"], ["a"]), Onnx.node("Relu", ["a"], ["b"]), Onnx.node("Relu", ["b"], ["y"])]))
        == "node \"a\" reads \"b\", which is written only later: its nodes form a cycle, or are not in order")
    #expect(try problem(Onnx.model([Onnx.node("Relu", ["z"], ["y"], name: "r")])) == "node \"r\" reads \"z\", which nothing writes")
    #expect(try problem(Onnx.model(relu + relu)) == "two values are named \"y\"")
    #expect(try problem(Onnx.model([Onnx.node("Relu", ["x"], ["x"])])) == "two values are named \"x\"")
    #expect(try problem(Onnx.model([])) == "its output \"y\" is written by no node")
    let constant = Onnx.tensor("w", [1], [1])
    #expect(try problem(Onnx.model(relu, [constant, constant])) == "two constants are named \"w\"")
    var silent = Onnx.model(relu)
    silent.graph.output = []
    #expect(try problem(silent) == "it has no outputs")
    silent.graph.input = []
    silent.graph.node = []
    #expect(try problem(silent) == "it has no outputs")
  }

  @Test func impossibleSizesAreRefused() throws {
    func tensor(_ dimensions: [Int64], _ bytes: Int = 4) throws -> String? {
      try problem(
        Onnx.model(relu, [.with { ($0.name, $0.dims, $0.dataType, $0.rawData) = ("w", dimensions, 1, Data(count: bytes)) }]))
    }
    #expect(try tensor([.max, 2]) == "constant \"w\": its shape [9223372036854775807, 2] is impossible")
    #expect(try tensor([-1]) == "constant \"w\": its shape [-1] is impossible")
    #expect(try tensor([1 << 20, 1 << 20]) == "constant \"w\": its shape [1048576, 1048576] is impossible")
    #expect(try tensor([2], 9) == "constant \"w\": 2 elements of float32 need 8 bytes, and there are 9")
    #expect(try tensor([1 << 30]) == "constant \"w\": 1073741824 elements of float32 need 4294967296 bytes, and there are 4")
    #expect(try tensor(Array(repeating: 1, count: 9)) == "constant \"w\": it has 9 dimensions, and at most 8 are possible")
    #expect(try problem(Onnx.model(relu, input: [0, .max])) == "input: input shape 9223372036854775807 is out of range")
    #expect(
      try problem(Onnx.model(relu, [.with { ($0.name, $0.dims, $0.dataType) = ("w", [2], 20) }]))
        == "constant \"w\": its elements have type 20 of ONNX, which is not understood; use float32")
    #expect(
      try problem(Onnx.model([Onnx.node("Gemm", ["x", "w"], ["y"])], [Onnx.tensor("w", [2, 2], [1, 2, .nan, 4])]))
        == "1 of the 4 elements of y.weight is NaN or infinite")
  }

  @Test func tooManyNodesAreRefusedBeforeTheyAreRead() throws {
    let node = try Onnx.node("Relu", ["x"], ["y"]).serializedData()
    let field = Data([0x0A, UInt8(node.count)]) + node
    var graph = Data()
    for _ in 0..<1000 { graph += field }
    graph = (0..<150).reduce(into: Data()) { all, _ in all += graph }
    var length = Data()
    var rest = graph.count
    repeat {
      length.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
      rest >>= 7
    } while rest > 0
    #expect(try withFile(Data([0x3A]) + length + graph) { try problem($0) } == "it has more than 100000 nodes")
  }

  /// Graphs within attributes are not declared, so that nesting costs nothing.
  @Test func deepNestingIsSkipped() throws {
    var inner = Data()
    for _ in 0..<5000 {
      var length = Data()
      var rest = inner.count
      repeat {
        length.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
        rest >>= 7
      } while rest > 0
      // An attribute's graph is its field 6; a node's attribute 5; a graph's node 1.
      inner = Data([0x32]) + length + inner
    }
    var model = Onnx.model([Onnx.node("If", ["x"], ["y"], [.with { $0.name = "then_branch" }])])
    model.graph.node[0].attribute[0].unknownFields = UnknownStorage()
    let attribute = try model.graph.node[0].attribute[0].serializedData() + inner
    model.graph.node[0].attribute[0] = try ONNXAttributeProto(serializedBytes: attribute)
    #expect(
      try problem(model)
        == "1 operation is not understood (opset 17): If at \"y\" (it runs a graph of its own: export the model with that graph in its place)"
    )
  }
}
