import Networks
import SparseRuntime
import TestSupport
import Testing
import Torch
import Training

@testable import SparseCompiler

/// Weights that are left in patterns, and the kernels for them.
struct BlockKernelTests {
  static let kernels: [LayerKernel] =
    [.dense, .sparse(channels: 3)] + BlockShape.allCases.enumerated().map { .blocks($1, channels: [nil, 3, 8][$0 % 3]) }

  /// Each pattern of weights with each kernel, whether it suits the pattern or not, over small random graphs, in all forms in turn.
  @Test(arguments: Mask.allCases, 0..<4) func randomGraphsGiveTheExecutorsOutputs(_ mask: Mask, _ seed: Int) throws {
    var graph = RandomNetwork(seed: UInt64(seed + 100))
    let model = try masked(graph.network(), mask, density: [0.5, 0.3][seed % 2], seed: UInt64(seed))
    let forms = InferenceForm.available
    for (i, kernel) in Self.kernels.enumerated() {
      for (j, (batch, lone, threads)) in [(1, 8, 1), (5, 1, 2), (37, 8, 3)].enumerated() {
        try expectEqual(
          model, batch: batch, kernel: kernel, loneExamples: lone, form: forms[(i + j + seed) % forms.count], threads: threads)
      }
    }
  }

  /// Larger layers: several blocks of each output, images that are flattened, strides, groups, a branch.
  @Test(arguments: Mask.allCases, ["lenet-5-bn", "mlp:70-50-30-10", "branches"])
  func networksGiveTheExecutorsOutputs(_ mask: Mask, _ name: String) throws {
    let network = name == "branches" ? Self.branches : try Architecture.parse(name)
    let model = try masked(network, mask, density: 0.3, seed: 3)
    for (i, shape) in BlockShape.allCases.enumerated() {
      for form in InferenceForm.available {
        for batch in [1, 33] { try expectEqual(model, batch: batch, kernel: .blocks(shape, channels: i % 2 == 0 ? nil : 16), form: form) }
      }
    }
  }
  static var branches: Network {
    func convolution(_ inputs: Int, _ outputs: Int, stride: Int = 1, groups: Int = 1) -> Operation {
      .convolution(Convolution(inputs, outputs, kernel: Extent(3), stride: Extent(stride), padding: Extent(1), groups: groups))
    }
    return Network(
      name: "branches",
      nodes: [
        .init(name: "x", operation: .input(.image(channels: 8, height: 9, width: 11)), inputs: []),
        .init(name: "c1", operation: convolution(8, 18), inputs: ["x"]),
        .init(name: "r1", operation: .activation(.relu), inputs: ["c1"]),
        .init(name: "c2", operation: convolution(18, 12, stride: 2, groups: 2), inputs: ["r1"]),
        .init(name: "c3", operation: convolution(12, 12), inputs: ["c2"]),
        .init(name: "sum", operation: .add, inputs: ["c3", "c2"]),
        .init(name: "r2", operation: .activation(.relu), inputs: ["sum"]),
        .init(name: "flat", operation: .flatten, inputs: ["r2"]),
        .init(name: "fc", operation: .linear(Linear(360, 10)), inputs: ["flat"]),
      ], outputs: ["fc"])
  }

  /// A whole kernel of more taps than a block may have is left as single weights.
  @Test func imagesThatAreReadWholeMayBeLarge() throws {
    let network = Network(
      name: "large",
      nodes: [
        .init(name: "x", operation: .input(.image(channels: 2, height: 65, width: 65)), inputs: []),
        .init(name: "flat", operation: .flatten, inputs: ["x"]),
        .init(name: "fc", operation: .linear(Linear(8450, 6)), inputs: ["flat"]),
      ], outputs: ["fc"])
    let model = try randomized(network, density: 1, seed: 3)
    var weights = try #require(model.tensors[ParameterName("fc", .weight)]).detached().array(Float.self)
    // Planes of an output and a channel that are gone.
    for plane in [0, 3, 5, 6, 9] { for i in plane * 4225..<(plane + 1) * 4225 { weights[i] = 0 } }
    var tensors = model.tensors
    tensors[ParameterName("fc", .weight)] = try Tensor(weights, shape: [6, 8450])
    let dead = try Model(network: network, tensors: tensors)
    for batch in [1, 18] { try expectEqual(dead, batch: batch) }
  }

  /// Blocks of 2 × 2 in a layer of 4 inputs and 4 outputs: two blocks of four weights, one of which is 0.
  @Test func sizesCountBlocks() throws {
    let weights: [Float] = [1, 2, 0, 0, 3, 0, 0, 0, 0, 0, 5, 6, 0, 0, 7, 8]
    let compiler = try PlanCompiler(linear(4, 4)) { $0.role == .weight ? weights : nil }
    let shape = BlockShape.block(rows: 2, columns: 2)
    let plan = try CompiledModel(bytes: compiler.plan(kernels: [compiler.layers[0].name: .blocks(shape)])).plan
    #expect(plan.keptWeights(of: plan.steps[0]) == 7)
    // Eight values, two deltas, one base and three starts of 4 bytes, and two offsets of 2.
    #expect(plan.fileBytes(of: plan.steps[0]) == 4 * (8 + 2 + 1 + 3) + 2 * 2)
  }

  /// What a layer's blocks are in its plan.
  private func blocks(_ network: Network, _ weights: [Float], _ shape: BlockShape, channels: Int? = nil) throws -> Stored {
    let compiler = try PlanCompiler(network) { $0.role == .weight ? weights : nil }
    let plan = compiler.plan(
      kernels: Dictionary(uniqueKeysWithValues: compiler.layers.map { ($0.name, .blocks(shape, channels: channels)) }))
    let compiled = try CompiledModel(bytes: plan).plan
    let found = compiled.steps.compactMap { step -> PlanBlocks? in
      if case .layer(let layer) = step, case .blocks(let blocks) = layer.weights { blocks } else { nil }
    }
    let blocks = try #require(found.first)
    let storage = compiled.storage
    return Stored(
      rows: blocks.rows, deltas: storage.array(blocks.deltas), bases: storage.array(blocks.bases), starts: storage.array(blocks.starts),
      offsets: storage.array(blocks.offsets), values: storage.array(blocks.values))
  }
  private struct Stored: Equatable {
    var rows: Int, deltas: [UInt32], bases: [UInt32], starts: [UInt32], offsets: [UInt16], values: [Float]
  }
  private func linear(_ inputs: Int, _ outputs: Int) -> Network {
    Network(
      name: "linear",
      nodes: [
        .init(name: "x", operation: .input(.vector(inputs)), inputs: []),
        .init(name: "fc", operation: .linear(Linear(inputs, outputs, bias: false)), inputs: ["x"]),
      ], outputs: ["fc"])
  }

  @Test func blocksAreStoredPointByPoint() throws {
    let weights: [Float] = [
      1, 2, 0, 0,
      3, 0, 0, 0,
      0, 0, 5, 6,
    ]
    #expect(
      try blocks(linear(4, 3), weights, .block(rows: 2, columns: 2))
        == Stored(rows: 2, deltas: [0, 1], bases: [0], starts: [0, 1, 2], offsets: [0, 2], values: [1, 3, 2, 0, 5, 0, 6, 0]))
    #expect(
      try blocks(linear(4, 3), weights, .block(rows: 4, columns: 1), channels: 2)
        == Stored(
          rows: 4, deltas: [0], bases: [0, 2], starts: [0, 2, 4], offsets: [0, 1, 0, 1],
          values: [1, 3, 0, 0, 2, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6, 0]))
  }

  @Test func aLastBlockOverlapsTheOneBefore() throws {
    #expect(
      try blocks(linear(5, 1), [1, 2, 3, 4, 5], .block(rows: 1, columns: 4))
        == Stored(rows: 1, deltas: [0, 1, 2, 3], bases: [0], starts: [0, 2], offsets: [0, 1], values: [1, 2, 3, 4, 0, 0, 0, 5]))
  }

  @Test func aKernelHasOnePlaceForAllItsTaps() throws {
    let network = Network(
      name: "taps",
      nodes: [
        .init(name: "x", operation: .input(.image(channels: 2, height: 1, width: 3)), inputs: []),
        .init(name: "c", operation: .convolution(Convolution(2, 2, kernel: Extent(1, 2), bias: false)), inputs: ["x"]),
      ], outputs: ["c"])
    // A channel takes 16 positions.
    #expect(
      try blocks(network, [0, 0, 7, 8, 1, 2, 0, 3], .kernel)
        == Stored(rows: 1, deltas: [0, 1], bases: [0], starts: [0, 1, 3], offsets: [16, 0, 16], values: [7, 8, 1, 2, 0, 3]))
  }

  @Test func shapesAreFoundWhereWeightsAreLeftInThem() throws {
    func shapes(_ inputs: Int, _ weights: [Float]) throws -> [String] {
      try PlanCompiler(linear(inputs, weights.count / inputs)) { $0.role == .weight ? weights : nil }.layers[0].shapes.map(\.description)
    }
    var weights = [Float](repeating: 0, count: 64)
    for o in 0..<4 { for i in 4..<8 { weights[o * 8 + i] = 1 } }
    #expect(try shapes(8, weights) == ["block:4×4", "block:4×1", "block:2×4", "block:2×2", "block:2×1", "block:1×4"])
    // A zero within a block of 16 is 7 % of what is left, two are 14 %; a row of four then holds one zero too many as well.
    weights[4] = 0
    #expect(try shapes(8, weights).contains("block:4×4"))
    weights[9 + 4] = 0
    #expect(try shapes(8, weights) == [])
    weights = [Float](repeating: 0, count: 64)
    for i in 0..<4 { weights[3 * 8 + i] = 1 }
    #expect(try shapes(8, weights) == ["block:1×4"])
    #expect(try shapes(8, [Float](repeating: 1, count: 64)) == [])
  }

  @Test func blocksAreTheUsualKernelsWhereTheySuit() throws {
    let model = try masked(Architecture.parse("mlp:64-32-16"), .block4x4, density: 0.3, seed: 1)
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    #expect(compiler.layers.map(\.usual.description) == ["block:4×4", "block:4×4"])
    let profile = try KernelTuner(repetitions: 1).profile(of: compiler)
    #expect(profile.kernels(for: compiler.layers)?.count == 2)
    let plan = try CompiledModel(bytes: compiler.plan()).plan
    #expect(plan.steps.map(\.kernelName) == ["blocks", "blocks"])
    // 614 of 2048 weights in blocks of 16, at 4 bytes each; a block has 2 bytes more, 8 groups of outputs 9 numbers of 4.
    guard case .layer(let layer) = plan.steps[0], case .blocks(let blocks) = layer.weights else { return }
    #expect(plan.work(of: plan.steps[0]).weightBytes == 66 * blocks.offsets.count + 4 * (9 + 1 + 4))
    #expect(plan.work(of: plan.steps[0]).products == compiler.layers[0].kept)
  }
}

/// Patterns in which weights are left.
enum Mask: String, CaseIterable, Sendable {
  case weight, block1x4, block4x4, block2x2, kernel, nm2of4, nm1of4
}

/// Returns a network of random parameters whose weights are left in a pattern.
func masked(_ network: Network, _ mask: Mask, density: Double, seed: UInt64) throws -> Model {
  let model = try randomized(network, density: 1, seed: seed)
  var draws = SeededDraws(seed: seed + 17)
  var tensors = model.tensors
  for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where name.role == .weight && tensor.rank > 1 {
    let (outputs, inputs) = (tensor.shape[0], tensor.shape[1])
    let taps = tensor.shape.dropFirst(2).reduce(1, *)
    var values = try tensor.detached().array(Float.self)
    var isKept: [Int: Bool] = [:]
    let isNM = mask == .nm2of4 || mask == .nm1of4
    for o in 0..<outputs {
      for i in 0..<inputs {
        for t in 0..<taps {
          let place = (o * inputs + i) * taps + t
          let cell =
            switch mask {
            case .weight: place
            case .block1x4: (o * inputs + i / 4) * taps + t
            case .block4x4: (o / 4 * inputs + i / 4) * taps + t
            case .block2x2: (o / 2 * inputs + i / 2) * taps + t
            case .kernel: o * inputs + i
            // The first of each four inputs that is kept.
            case .nm2of4, .nm1of4: (o * inputs + i / 4) * taps + t
            }
          let kept: Bool
          if isNM {
            let first = isKept[2 * cell].map { $0 ? 1 : 0 } ?? draws.next(2)
            isKept[2 * cell] = first == 1
            kept = mask == .nm1of4 ? i % 4 == 2 * first : i % 4 == first || i % 4 == 3 - first
          } else {
            kept = isKept[cell] ?? (Double(draws.next(1000)) < 1000 * density)
            isKept[cell] = kept
          }
          values[place] = kept ? values[place] / Float(density.squareRoot()) : 0
        }
      }
    }
    tensors[name] = try Tensor(values, shape: tensor.shape)
  }
  return try Model(network: network, tensors: tensors)
}
