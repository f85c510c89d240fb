import Foundation
import Interchange
import Networks
import SparseCompiler
import SparseRuntime
import TestSupport
import Testing
import Torch
import Training

/// Attention in compiled networks, against the executor and by hand.
struct AttentionTests {
  /// 31 positions, of which the last of two vectors lack one; heads of 4 channels.
  @Test func aTransformerGivesTheExecutorsOutputs() throws {
    let model = try randomized(Transformers.vision(), density: 0.4, seed: 1)
    for form in InferenceForm.available {
      for (batch, threads) in [(1, 1), (1, 3), (5, 2), (19, 2)] {
        for kernel: LayerKernel? in [nil, .sparse(channels: 3)] {
          try expectEqual(model, batch: batch, kernel: kernel, loneExamples: 4, form: form, threads: threads)
        }
      }
    }
    // Queries, keys and values are read where the layer before has written them.
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    let plan = try CompiledModel(bytes: compiler.plan()).plan
    let read = plan.steps.compactMap { if case .attention(let step) = $0 { [step.queries, step.keys, step.values] } else { nil } }
    #expect(read.count == 2 && read.allSatisfy { $0.map(\.channel) == [0, 12, 24] && Set($0.map(\.map)).count == 1 })
    // Of the patches' stride, and of the class token.
    let copies = plan.steps.filter { if case .copy = $0 { true } else { false } }
    #expect(copies.count == 2)
  }

  /// Plain windows, shifted ones, cosines, and a grid, each with numbers for pairs of positions.
  @Test(arguments: 0..<4) func windowsGiveTheExecutorsOutputs(_ seed: Int) throws {
    let model = try randomized(Transformers.windowed(isGrid: seed == 3), density: [1, 0.5, 0.3, 0.5][seed], seed: UInt64(seed))
    for form in InferenceForm.available {
      for (batch, lone, threads) in [(1, 8, 1), (5, 1, 3), (37, 8, 2)] {
        try expectEqual(model, batch: batch, loneExamples: lone, form: form, threads: threads)
      }
    }
  }

  /// More queries than are compared at a time, more channels than a tile has, keys and values at other positions than queries, values of another
  /// width, and rows with zeros between them.
  @Test(arguments: [0, 1]) func otherKeysGiveTheExecutorsOutputs(_ seed: Int) throws {
    let model = try randomized(Transformers.crossed(isCosine: seed == 1), density: 0.6, seed: UInt64(seed))
    for form in InferenceForm.available {
      for (batch, lone, threads) in [(1, 8, 1), (2, 8, 3), (3, 1, 2)] {
        try expectEqual(model, batch: batch, loneExamples: lone, form: form, threads: threads)
      }
    }
  }

  /// What PyTorch's exporters write, of models that are trained by nobody.
  @Test(arguments: ["windows", "sequences", "models", "operations"]) func importedNetworksGiveTheExecutorsOutputs(_ file: String) throws {
    struct Golden: Decodable {
      var name: String, file: String
    }
    let data = try Data(contentsOf: reference("onnx_\(file).json"))
    var (compiled, attending, refused) = (0, 0, 0)
    for golden in try JSONDecoder().decode([Golden].self, from: data) {
      let bytes = try #require(Data(base64Encoded: golden.file))
      let model = try withTemporaryDirectory { folder in
        try bytes.write(to: URL(fileURLWithPath: folder + "/model.onnx"))
        return try ImportedNetwork(contentsOf: folder + "/model.onnx").model()
      }
      let kinds = Set(model.network.nodes.map { $0.operation.kind })
      guard model.network.inputShapes.count == 1, !kinds.contains("opaque") else {
        #expect(throws: CompilationError.self) { _ = try PlanCompiler(model.network) { _ in nil } }
        refused += 1
        continue
      }
      try expectEqual(model, batch: 1, threads: 1)
      try expectEqual(model, batch: 3, loneExamples: 1, threads: 2)
      compiled += 1
      attending += kinds.contains("attention") ? 1 : 0
    }
    #expect("\(compiled) compiled, \(attending) of them attend; \(refused) refused" == Self.counts[file])
  }
  private static let counts = [
    "windows": "15 compiled, 9 of them attend; 2 refused", "sequences": "35 compiled, 9 of them attend; 0 refused",
    "models": "48 compiled, 0 of them attend; 0 refused", "operations": "29 compiled, 0 of them attend; 0 refused",
  ]

  /// Two positions and one head of width 1: queries 1 and 0, keys ln 2 and 0, values 3 and 6.
  ///
  /// The first query's shares are 2/3 and 1/3, so its value is 4; the second's are equal, 4.5. A bias of ln 3 for the second query and the first
  /// key makes its shares 3/4 and 1/4, its value 3.75. Where the positions are of different parts each query sees its own value alone, for
  /// e⁻¹⁰⁰ is nothing; in windows of one position too. As cosines the first query's product is 1, times ln 2 as the head's scale: shares 2/3 and
  /// 1/3 if the second key's is 0.
  @Test(
    arguments: [
      (false, nil, nil, 1, [4, 4.5]), (false, [0, 1.0986123, 0, 0], nil, 1, [4, 3.75]), (false, nil, [0, 1], 1, [3, 6]),
      (false, nil, nil, 2, [3, 6]), (true, nil, nil, 1, [4, 4.5]),
    ] as [(Bool, [Float]?, [Int32]?, Int, [Float])])
  func twoPositions(_ isCosine: Bool, _ bias: [Float]?, _ parts: [Int32]?, _ windows: Int, _ expected: [Float]) throws {
    var writer = PlanWriter()
    let more = PlanAttention.padding
    let scale: Float = isCosine ? 0.6931472 : 1
    let step = PlanAttention(
      name: "attention", queries: .init(map: 0), keys: .init(map: 0, channel: 1), values: .init(map: 0, channel: 2), y: 1, heads: 1,
      keyWidth: 1, valueWidth: 1, isCosine: isCosine, scales: writer.add([scale]), windows: windows,
      places: parts == nil && windows == 1 ? nil : writer.add([UInt32(0), 1]),
      parts: parts.map { writer.add($0 + Array(repeating: 0, count: more)) },
      bias: bias.map { writer.add($0 + Array(repeating: 0, count: more)) })
    let map = PlanMap(channels: 3, height: 1, width: 2, above: 0, beside: 0, row: 2, plane: 16)
    var output = map
    output.channels = 1
    let bytes = writer.file(
      name: "tiny", maps: [map, output], steps: [.attention(step)], outputs: [1], groups: 1, loneExamples: 2)
    let example: [Float] = [isCosine ? 7 : 1, 0, isCosine ? 5 : 0.6931472, 0, 3, 6]
    for form in InferenceForm.available {
      let model = try CompiledModel(bytes: bytes, form: form)
      for count in [1, 3] {
        let result = try model.run(Array(repeating: example, count: count).flatMap { $0 })
        let all = Array(repeating: expected, count: count).flatMap { $0 }
        #expect(result.count == 2 * count && zip(result, all).allSatisfy { abs($0 - $1) < 1e-5 }, "\(form) \(result)")
      }
    }
  }

  /// Plans that would read or write beyond their maps and numbers, or let two threads write one place.
  @Test func whatDoesNotFitIsRefused() throws {
    func problem(_ change: (inout PlanAttention, inout PlanWriter) -> Void) throws -> String {
      var writer = PlanWriter()
      let tables = Array(repeating: Float(0), count: 4 * 16 + PlanAttention.padding)
      var step = PlanAttention(
        name: "a", queries: .init(map: 0), keys: .init(map: 0, channel: 2), values: .init(map: 0, channel: 4), y: 1, heads: 2, keyWidth: 1,
        valueWidth: 1, scales: writer.add([1, 1]), windows: 2, places: writer.add([UInt32(0), 2, 1, 3]),
        parts: writer.add(Array(repeating: Int32(0), count: 4 + PlanAttention.padding)),
        bias: writer.add(Array(tables.prefix(8 + PlanAttention.padding))))
      change(&step, &writer)
      let map = PlanMap(channels: 6, height: 1, width: 4, above: 0, beside: 0, row: 4, plane: 16)
      var output = map
      output.channels = 2
      let bytes = writer.file(name: "tiny", maps: [map, output], steps: [.attention(step)], outputs: [1], groups: 1, loneExamples: 2)
      do {
        _ = try CompiledModel(bytes: bytes)
        return "none"
      } catch { return error.description }
    }
    func expect(_ words: String, _ change: @escaping (inout PlanAttention, inout PlanWriter) -> Void) throws {
      let found = try problem(change)
      #expect(found == (words.isEmpty ? "none" : "not a usable plan: step \"a\" \(words)"))
    }
    try expect("") { _, _ in }
    try expect("has impossible heads or windows") { step, _ in step.heads = 0 }
    try expect("has impossible heads or windows") { step, _ in step.windows = -1 }
    try expect("reads channels that are not there") { step, _ in step.values.channel = 5 }
    try expect("reads channels that are not there") { step, _ in step.queries.channel = .min }
    try expect("reads channels that are not there") { step, _ in step.keyWidth = 1 << 24 }
    try expect("does not fit its inputs and its output") { step, _ in (step.heads, step.valueWidth) = (1, 1) }
    try expect("does not have 2 scales") { step, writer in step.scales = writer.add([1]) }
    try expect("has windows that do not fit") { step, _ in step.windows = 3 }
    try expect("has windows that do not fit") { step, writer in step.places = writer.add([UInt32(0), 1, 2, 3, 3]) }
    try expect("has windows that overlap, or positions out of order") { step, writer in step.places = writer.add([UInt32(0), 1, 1, 3]) }
    try expect("has windows that overlap, or positions out of order") { step, writer in step.places = writer.add([UInt32(2), 0, 1, 3]) }
    try expect("has windows that overlap, or positions out of order") { step, writer in step.places = writer.add([UInt32(0), 1, 2, 4]) }
    try expect("has windows without places") { step, _ in step.places = nil }
    try expect("does not have a part for each position") { step, writer in step.parts = writer.add([0, 0, 0, 0]) }
    try expect("does not have a bias for each pair of positions") { step, writer in step.bias = writer.add([0, 0, 0, 0, 0, 0, 0, 0]) }
    try expect("does not have a bias for each pair of positions") { step, _ in step.bias?.offset = 1 << 40 }
  }

  @Test func functionsWithoutARuleAreRefusedByName() throws {
    let network = Network(
      name: "odd",
      nodes: [
        .init(name: "x", operation: .input(.vector(3)), inputs: []), .init(name: "fc", operation: .linear(Linear(3, 2)), inputs: ["x"]),
        .init(name: "root", operation: .opaque(OpaqueFunction(.sqrt)), inputs: ["fc"]),
      ], outputs: ["root"])
    #expect(
      throws: CompilationError.unsupported(network: "odd", nodes: ["opaque (root)"]),
      performing: { _ = try PlanCompiler(network) { _ in nil } })
    #expect(
      CompilationError.unsupported(network: "odd", nodes: ["opaque (root)"]).description
        == "odd cannot be compiled: the sparse runtime has no opaque (root)")
  }
}

/// Small networks with attention.
enum Transformers {
  /// Two blocks of a vision transformer over 30 patches and a class token.
  static func vision() throws -> Network {
    var builder = Chain(.image(channels: 3, height: 12, width: 10))
    builder.add(.convolution(Convolution(3, 12, kernel: Extent(2), stride: Extent(2))))
    builder.add(.arrange(height: 1, width: 30))
    builder.add(.classToken(features: 12))
    builder.add(.positionEmbedding(PositionEmbedding(12, height: 1, width: 31)))
    for _ in 0..<2 {
      let entry = builder.last
      builder.add(.channelNorm(ChannelNorm(12)))
      builder.attend(12, 36, Attention(heads: 3, width: 4))
      builder.add(.convolution(Convolution(12, 12, kernel: Extent(1))))
      builder.add(.add, builder.last, entry)
      let attended = builder.last
      builder.add(.channelNorm(ChannelNorm(12)))
      builder.add(.convolution(Convolution(12, 24, kernel: Extent(1))))
      builder.add(.activation(.gelu))
      builder.add(.convolution(Convolution(24, 12, kernel: Extent(1))))
      builder.add(.add, builder.last, attended)
    }
    builder.add(.pad(top: 0, bottom: 0, left: 0, right: -30))
    return try builder.classifier(12)
  }

  /// Windows of 3×4 pixels, plain, shifted (by rows and columns, then by columns alone), with cosines, and as a grid.
  static func windowed(isGrid: Bool) throws -> Network {
    var builder = Chain(.image(channels: 4, height: 6, width: 12))
    var window = Attention.Window(Extent(3, 4), isGrid: isGrid)
    for (shift, isCosine) in [(Extent(0), false), (Extent(1, 2), false), (Extent(0, 1), true)] {
      let entry = builder.last
      if !isGrid { window.shift = shift }
      builder.add(.channelNorm(ChannelNorm(4)))
      builder.add(.roll(down: -window.shift.height, right: -window.shift.width))
      builder.attend(4, 12, Attention(heads: 2, width: 2, window: window, bias: Extent(12), isCosine: isCosine))
      builder.add(.convolution(Convolution(4, 4, kernel: Extent(1))))
      builder.add(.roll(down: window.shift.height, right: window.shift.width))
      builder.add(.add, builder.last, entry)
    }
    builder.add(.adaptiveAveragePool(height: 2, width: 3))
    return try builder.classifier(24)
  }

  /// 15×14 queries of 18 channels in two heads, 8×7 keys and values of 19.
  static func crossed(isCosine: Bool) throws -> Network {
    var builder = Chain(.image(channels: 2, height: 15, width: 14))
    let image = builder.last
    let queries = builder.add(.convolution(Convolution(2, 36, kernel: Extent(3), padding: Extent(1))), image)
    let small = builder.add(.maxPool(Pooling(kernel: Extent(2), ceilMode: true)), image)
    let keys = builder.add(.convolution(Convolution(2, 36, kernel: Extent(3), padding: Extent(1))), small)
    let values = builder.add(.convolution(Convolution(2, 38, kernel: Extent(1))), small)
    var layer = Attention(heads: 2, width: 18, valueWidth: 19, bias: Extent(210, 56), isCosine: isCosine)
    layer.unit = .width
    builder.add(.attention(layer), queries, keys, values)
    builder.add(.convolution(Convolution(38, 3, kernel: Extent(3), padding: Extent(1))))
    return try builder.classifier(630)
  }
}

/// Nodes one after another.
struct Chain {
  private(set) var nodes: [Network.Node] = []
  var last: String { nodes[nodes.count - 1].name }

  init(_ input: FeatureShape) { nodes.append(.init(name: "n0", operation: .input(input), inputs: [])) }

  @discardableResult mutating func add(_ operation: Networks.Operation, _ inputs: String...) -> String {
    nodes.append(.init(name: "n\(nodes.count)", operation: operation, inputs: inputs.isEmpty ? [last] : inputs))
    return last
  }

  /// Queries, keys and values from one layer.
  mutating func attend(_ inputs: Int, _ outputs: Int, _ layer: Attention) {
    let all = add(.convolution(Convolution(inputs, outputs, kernel: Extent(1))))
    let parts = (0..<3).map { add(.narrow(start: $0 * outputs / 3, count: outputs / 3), all) }
    add(.attention(layer), parts[0], parts[1], parts[2])
  }

  mutating func classifier(_ features: Int) throws -> Network {
    add(.flatten)
    add(.linear(Linear(features, 5)))
    let network = Network(name: "chain", nodes: nodes, outputs: [last])
    try network.validate()
    return network
  }
}
