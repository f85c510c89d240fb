import Foundation
import Networks
import SwiftProtobuf
import TestSupport
import Testing
import Torch
import Training

@testable import Interchange

/// Attention within windows, as torchvision's Swin and MaxViT have it.
@Suite struct WindowTests {
  private func imported<Result>(_ name: String, _ body: (ImportedNetwork) throws -> Result) throws -> Result {
    let golden = try #require(GoldenModel.all.first { $0.name == name })
    return try withFile(#require(Data(base64Encoded: golden.file))) { try body(ImportedNetwork(contentsOf: $0)) }
  }

  private func operations(_ name: String, _ kinds: Set<String>) throws -> [Networks.Operation] {
    try imported(name) { $0.network.nodes.map(\.operation).filter { kinds.contains($0.kind) } }
  }

  /// Patches of 4×5 pixels in windows of 2×3: a border of one column, and in the second block a roll there and back.
  @Test(arguments: ["torch-swin", "dynamo-swin"]) func shiftedWindows(name: String) throws {
    let plain = Attention(heads: 2, width: 2, scale: 0.5.squareRoot(), window: .init(Extent(2, 3)), bias: Extent(6))
    var shifted = plain
    shifted.window?.shift = Extent(1)
    let found = try operations(name, ["attention", "roll"]).map { operation -> Networks.Operation in
      guard case .attention(var layer) = operation else { return operation }
      #expect(abs(layer.scale - plain.scale) < 1e-7)
      layer.scale = plain.scale
      return .attention(layer)
    }
    #expect(
      found == [
        .attention(plain), .roll(down: -1, right: 0), .roll(down: 0, right: -1), .attention(shifted), .roll(down: 1, right: 0),
        .roll(down: 0, right: 1),
      ])
    let border = Networks.Operation.pad(top: 0, bottom: 0, left: 0, right: 1)
    let cut = Networks.Operation.pad(top: 0, bottom: 0, left: 0, right: -1)
    #expect(try operations(name, ["pad"]).filter { $0 == border }.count == 3)
    #expect(try operations(name, ["pad"]).filter { $0 == cut }.count >= 2)
    // Two by two pixels as channels, by four shortcuts without zeros.
    #expect(try operations(name, ["subsamplePad"]) == Array(repeating: .subsamplePad(stride: 2, before: 0, after: 0), count: 4))
    #expect(try operations(name, ["opaque"]).isEmpty)
  }

  /// An image of 4×2 patches is as wide as its windows: it is rolled down alone.
  @Test func windowsShiftedInOneDirection() throws {
    let found = try operations("dynamo-swin-rows", ["attention", "roll"])
    #expect(found.first == .roll(down: -1, right: 0) && found.last == .roll(down: 1, right: 0) && found.count == 3)
    guard case .attention(let layer) = found[1] else {
      Issue.record("no attention")
      return
    }
    #expect(layer.window == Attention.Window(Extent(2), shift: Extent(1, 0)))
  }

  @Test(arguments: ["torch-swin-v2", "dynamo-swin-v2"]) func cosines(name: String) throws {
    let window = Attention.Window(Extent(2), shift: Extent(1))
    #expect(
      try operations(name, ["attention"]) == [
        .attention(Attention(heads: 2, width: 2, scale: 1, window: window, bias: Extent(4), isCosine: true))
      ])
    #expect(try operations(name, ["opaque"]).isEmpty)
  }

  @Test(arguments: ["torch-maxvit", "dynamo-maxvit"]) func grids(name: String) throws {
    let found = try operations(name, ["attention"]).map { operation -> Attention? in
      if case .attention(let layer) = operation { layer } else { nil }
    }
    #expect(found.map { $0?.window } == [Attention.Window(Extent(2)), Attention.Window(Extent(2), isGrid: true)])
    #expect(found.allSatisfy { $0?.heads == 2 && $0?.bias == Extent(4) && $0?.isCosine == false })
  }

  /// What is written is read as the same network, and computes the same.
  @Test(arguments: GoldenModel.all.filter { $0.name.contains("swin") || $0.name.contains("maxvit") })
  func comesBack(golden: GoldenModel) throws {
    try imported(golden.name) { imported in
      let model = try imported.model()
      try withFile(ONNXExport(model, writer: ("Espalier", "1.2")).data()) { path in
        let back = try ImportedNetwork(contentsOf: path).model()
        func attention(_ network: Network) -> [Attention] {
          network.nodes.compactMap { if case .attention(let layer) = $0.operation { layer } else { nil } }
        }
        // The file holds the scale in float32.
        func rounded(_ layers: [Attention]) -> [Attention] {
          layers.map { layer in
            var layer = layer
            layer.scale = Double(Float(layer.scale))
            return layer
          }
        }
        #expect(rounded(attention(back.network)) == rounded(attention(model.network)))
        #expect(back.network.nodes.filter { $0.operation.kind == "opaque" }.isEmpty)
        let batch = try imported.networksInput(Tensor(golden.input, shape: golden.shape))
        #expect(relativeError(try back.evaluated(batch).doubles(), try model.evaluated(batch).doubles()) < 1e-6)
      }
    }
  }

  /// Three rows of two columns at equal distances over 6×4 pixels, and zeros beside a vector.
  @Test func whatNoExporterWritesComesBack() throws {
    var builder = NetworkBuilder("grid", input: .image(channels: 4, height: 6, width: 4))
    let window = Attention.Window(Extent(3, 2), isGrid: true)
    builder.append("grid", .attention(Attention(heads: 2, width: 2, window: window, bias: Extent(6))), from: ["input", "input", "input"])
    builder.append("rolled", .roll(down: 2, right: -1), from: ["grid"])
    builder.append("pool", .adaptiveAveragePool(height: 1, width: 1), from: ["rolled"])
    builder.flatten("flat")
    builder.append("norm", .channelNorm(ChannelNorm(4, absent: 3)), from: ["flat"])
    builder.append("longer", .subsamplePad(stride: 1, before: 2, after: 1), from: ["norm"])
    let model = try Model(builder.network(), seed: 1)
    try withFile(ONNXExport(model, writer: ("Espalier", "1.2")).data()) { path in
      let back = try ImportedNetwork(contentsOf: path).model()
      let operations = back.network.nodes.map(\.operation)
      #expect(operations.contains { if case .attention(let layer) = $0 { layer.window == window } else { false } })
      #expect(operations.filter { $0.kind == "roll" } == [.roll(down: 2, right: 0), .roll(down: 0, right: -1)])
      #expect(operations.last == .subsamplePad(stride: 1, before: 2, after: 1))
      let batch = try Tensor.normal([3, 4, 6, 4], generator: Generator(seed: 1))
      let (expected, found) = (try model.evaluated(batch).doubles(), try back.evaluated(batch).doubles())
      #expect(relativeError(found, expected) < 1e-6)
      #expect(found.count == 21 && Array(found[0..<2]) == [0, 0] && found[6] == 0 && Set(found).count == 13)
    }
    let facts = PyTorchModule.Facts(writer: "Espalier 1.2", program: "grid", weights: "grid.safetensors")
    let source = try PyTorchModule(model.network, facts).source
    #expect(source.contains("WindowAttention(heads=2, scale=\(1 / 2.0.squareRoot()), window=(3, 2), grid=True, bias=(6, 6))\n"))
    #expect(source.contains(" rolled = grid.roll((2, -1), (2, 3))\n"))
    #expect(source.contains(" longer = F.pad(norm, (2, 1))\n"))
    #expect(source.components(separatedBy: "class WindowAttention(nn.Module):").count == 2 && !source.contains("def attend("))
    var shifted = NetworkBuilder("shifted", input: .image(channels: 4, height: 2, width: 3))
    let layer = Attention(heads: 1, width: 4, window: .init(Extent(2, 3), shift: Extent(1, 2)), isCosine: true)
    shifted.append("op", .attention(layer), from: ["input", "input", "input"])
    #expect(
      try PyTorchModule(shifted.network(), facts).source.contains(
        "WindowAttention(heads=1, scale=1.0, window=(2, 3), shift=(1, 2), cosine=True)\n"))
  }

  /// Also where one head is left, whose channels are all.
  @Test func cosinesOfOneHeadComeBack() throws {
    var builder = NetworkBuilder("one", input: .image(channels: 3, height: 2, width: 2))
    let layer = Attention(heads: 1, width: 3, bias: Extent(4), isCosine: true)
    builder.append("op", .attention(layer), from: ["input", "input", "input"])
    let model = try Model(builder.network(), seed: 1)
    try withFile(ONNXExport(model, writer: ("Espalier", "1.2")).data()) { path in
      let back = try ImportedNetwork(contentsOf: path).network
      #expect(back.nodes.last?.operation == .attention(layer))
    }
  }

  /// Four parts of an image side by side, in the order in which the exporter has them.
  @Test(arguments: ["torch-merging", "dynamo-merging"]) func squaresBecomeChannels(name: String) throws {
    #expect(try operations(name, ["subsamplePad"]) == Array(repeating: .subsamplePad(stride: 2, before: 0, after: 0), count: 8))
    #expect(
      try operations(name, ["indexSelect"]) == [
        .indexSelect([0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11]), .indexSelect([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]),
      ])
  }

  /// A head leaves with its row of the bias and its number, and the rest computes what the whole did with that head silent.
  @Test func headsLeaveWithTheirBias() throws {
    try imported("dynamo-swin-v2") { imported in
      let network = imported.network
      let group = try #require(
        network.channelGroups().groups.first { group in
          group.dependents.contains { network.node(named: $0.node)?.operation.kind == "attention" }
        })
      #expect(group.width == 2)
      let (smaller, slices) = try network.removing([group.name: [0]])
      let node = try #require(smaller.nodes.first { $0.operation.kind == "attention" })
      #expect(slices.filter { $0.parameter.module == node.module }.map(\.keep) == [[1], [1]])
      #expect(
        try smaller.parameterShapes().filter { $0.name.module == node.module }.map(\.dimensions) == [[1], [1, 4, 4]])
    }
  }

  /// Of 2×2 pixels as two heads of two channels, `a`, and for two windows of two pixels queries, keys and scores, `q`, `k` and `s`.
  private func reason(_ nodes: [ONNXNodeProto], _ constants: [ONNXTensorProto] = []) throws -> String {
    let before = [
      Onnx.node("Reshape", ["x", "cut"], ["a"]), Onnx.node("Transpose", ["a"], ["q"], [Onnx.attribute("perm", 0, 3, 1, 4, 2)]),
      Onnx.node("Transpose", ["a"], ["k"], [Onnx.attribute("perm", 0, 3, 1, 2, 4)]),
      Onnx.node("MatMul", ["q", "k"], ["s"], name: "scores"),
    ]
    let shapes: [(String, [Int64])] = [
      ("cut", [0, 2, 2, 2, 2]), ("other", [0, 2, 2, 4, 1]), ("pixels", [0, 2, 4, 2]), ("channels", [0, 2, 2, 4]),
    ]
    let model = Onnx.model(before + nodes, constants + shapes.map { Onnx.integers($0, $1) }, input: [0, 4, 2, 2])
    return try withFile(try model.serializedBytes() as Data) { path in
      do {
        _ = try ImportedNetwork(contentsOf: path)
        return "nothing"
      } catch {
        let words = "\(error)"
        return words.range(of: "(").flatMap { _ in words.components(separatedBy: "\" (").last.map { String($0.dropLast()) } } ?? words
      }
    }
  }

  /// Keys row by row, and values as they are or column by column.
  @Test func valuesInAnotherOrderAreRefused() throws {
    func reason(_ order: [Int64]) throws -> String {
      let other = ONNXAttributeProto.with { ($0.name, $0.ints) = ("perm", order) }
      return try self.reason([
        Onnx.node("Transpose", ["a"], ["b"], [Onnx.attribute("perm", 0, 1, 3, 4, 2)]), Onnx.node("Reshape", ["b", "pixels"], ["queries"]),
        Onnx.node("Reshape", ["a", "channels"], ["keys"]), Onnx.node("Transpose", ["a"], ["c"], [other]),
        Onnx.node("Reshape", ["c", "pixels"], ["values"]), Onnx.node("MatMul", ["queries", "keys"], ["products"]),
        Onnx.node("Softmax", ["products"], ["weights"]), Onnx.node("MatMul", ["weights", "values"], ["y"]),
      ])
    }
    #expect(try reason([0, 1, 3, 4, 2]) == "nothing")
    #expect(
      try reason([0, 1, 4, 3, 2])
        == "it multiplies two computed values, which is understood within attention, softmax(q·kᵀ)·v in heads")
  }

  @Test func otherConstantsAreRefused() throws {
    let added = """
      it adds a constant of shape [2, 1, 1, 2] to the scores of attention, and a number of each head for each query and key, or −100 between \
      what shifted windows brought together, are possible
      """
    let add = Onnx.node("Add", ["s", "c"], ["y"])
    #expect(try reason([add], [Onnx.tensor("c", [2, 1, 1, 2], [1, 2, 3, 4])]) == added)
    // By window, but no mask of shifted ones.
    #expect(
      try reason([add], [Onnx.tensor("c", [2, 1, 2, 2], [0, -1, 0, 0, 0, 0, 0, 0])])
        == added.replacingOccurrences(of: "[2, 1, 1, 2]", with: "[2, 1, 2, 2]"))
    #expect(
      try reason([Onnx.node("Mul", ["s", "c"], ["y"])], [Onnx.tensor("c", [2, 1, 1], [1, 2])])
        == "it multiplies the scores of attention by a constant of shape [2, 1, 1], and one number is possible")
    #expect(
      try reason([Onnx.node("Reshape", ["s", "other"], ["y"])]) == "it reshapes the scores of attention across queries or keys")
    #expect(
      try reason([Onnx.node("Einsum", ["q", "k"], ["y"], [Onnx.text("equation", "bwhqd,bwhdk->bwhkq")])])
        == "its equation is \"bwhqd,bwhdk->bwhkq\", and products of matrices as attention has them are possible")
  }
}
