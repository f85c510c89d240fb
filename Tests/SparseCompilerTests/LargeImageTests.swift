import Networks
import SparseCompiler
import SparseRuntime
import TestSupport
import Testing
import Torch
import Training

/// Networks whose values are too large for 16 examples side by side.
struct LargeImageTests {
  private func node(_ name: String, _ operation: Operation, _ inputs: String...) -> Network.Node {
    Network.Node(name: name, operation: operation, inputs: inputs)
  }

  private func network(size: Int) throws -> Network {
    func convolution(_ inputs: Int, _ outputs: Int, _ kernel: Int, stride: Int = 1) -> Operation {
      .convolution(
        Convolution(inputs, outputs, kernel: Extent(kernel), stride: Extent(stride), padding: Extent(kernel / 2)))
    }
    let half = (size + 1) / 2, pool = Pooling(kernel: Extent(3), stride: Extent(2), padding: Extent(1))
    return try Network(
      name: "large",
      nodes: [
        node("input", .input(.image(channels: 3, height: size, width: size))),
        node("a", convolution(3, 8, 3), "input"),
        node("relu", .activation(.relu), "a"),
        node("b", convolution(8, 8, 1), "relu"),
        node("pool", .maxPool(pool), "b"),
        node("c", convolution(8, 20, 3, stride: 2), "pool"),
        node("mean", .averagePool(Pooling(kernel: Extent((half + 1) / 2))), "c"),
        node("flat", .flatten, "mean"),
        node("d", .linear(Linear(20, 5)), "flat"),
      ], outputs: ["d"])
  }

  private func plan(_ model: Model, isLone: Bool? = nil) throws -> Plan {
    let compiler = try PlanCompiler(model.network, isLone: isLone) { try model.tensors[$0]?.detached().array(Float.self) }
    return try CompiledModel(bytes: compiler.plan()).plan
  }

  private func filters(_ plan: Plan, _ name: String) -> PlanFilters? {
    for case .layer(let layer) in plan.steps where layer.name == name {
      if case .sparse(let filters) = layer.weights { return filters }
    }
    return nil
  }

  /// 8 channels of 128 · 128 positions are 2¹⁷, as many as may be; a row of zeros above and a column beside are more.
  @Test(arguments: [(126, false), (127, false), (128, true)]) func largeValuesAreLaidOutForLoneExamples(_ size: Int, _ isLone: Bool) throws
  {
    let model = try randomized(network(size: size), density: 0.4, seed: 1)
    let plan = try plan(model)
    #expect(plan.loneExamples == (isLone ? 1 << 20 : 8))
    for map in plan.maps where map.plane >= 64 {
      // Lines of the cache, but never 1 kB apart; or an odd number of positions of 64 bytes.
      #expect(isLone ? map.plane % 16 == 0 && map.plane % 256 != 0 : map.plane % 16 != 0, "\(map)")
    }
    // A 1×1 layer counts channels, one of 3×3 positions.
    let (a, b) = (try #require(filters(plan, "a")), try #require(filters(plan, "b")))
    let read = try #require(plan.steps.compactMap { if case .layer(let layer) = $0, layer.name == "b" { layer } else { nil } }.first)
    #expect(a.stride == 1 && b.stride == plan.maps[read.x].plane)
    #expect(plan.storage.array(b.offsets).allSatisfy { $0 < 8 } && plan.storage.array(b.offsets).contains(7))
  }

  /// What is laid out for lone examples keeps its choice of how many go side by side.
  @Test func smallValuesCanBeLaidOutForLoneExamples() throws {
    let model = try randomized(network(size: 32), density: 0.4, seed: 1)
    let (usual, lone) = (try plan(model), try plan(model, isLone: true))
    #expect(usual.loneExamples == 8 && lone.loneExamples == 8)
    let planes = [usual, lone].map { $0.maps.map(\.plane).filter { $0 >= 64 } }
    #expect(planes[0].allSatisfy { $0 % 16 != 0 } && planes[1].allSatisfy { $0 % 16 == 0 } && planes[1].count == planes[0].count)
  }

  @Test func theirOutputsAreTheExecutors() throws {
    let model = try randomized(network(size: 130), density: 0.4, seed: 2)
    for form in InferenceForm.available {
      for (lone, threads) in [(1 << 20, 1), (1, 3)] { try expectEqual(model, batch: 2, loneExamples: lone, form: form, threads: threads) }
    }
    // All of 600 channels at a time are further apart than 16 bits of positions reach.
    let wide = try Network(
      name: "wide",
      nodes: [
        node("input", .input(.image(channels: 600, height: 13, width: 11))),
        node("a", .convolution(Convolution(600, 7, kernel: Extent(1))), "input"), node("flat", .flatten, "a"),
        node("b", .linear(Linear(7 * 13 * 11, 3)), "flat"),
      ], outputs: ["b"])
    let sparse = try randomized(wide, density: 0.1, seed: 3)
    for channels in [nil, 599, 100] {
      for lone in [8, 1] { try expectEqual(sparse, batch: 3, kernel: .sparse(channels: channels), loneExamples: lone, isLone: lone == 8) }
    }
    let compiler = try PlanCompiler(sparse.network) { try sparse.tensors[$0]?.detached().array(Float.self) }
    let kernels = ["a": LayerKernel.sparse(channels: nil)]
    #expect(filters(try CompiledModel(bytes: compiler.plan(kernels: kernels)).plan, "a")?.bases.count == 1)
  }

  /// Packed places of a layer that counts channels are those of a layer of single positions.
  @Test(arguments: [WeightForm.compact, .float16, .int8]) func theyArePacked(_ form: WeightForm) throws {
    let model = try randomized(network(size: 130), density: 0.2, seed: 4)
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    let (plain, packed) = (try CompiledModel(bytes: compiler.plan()), try CompiledModel(bytes: compiler.plan(weights: form).bytes))
    let (offsets, unpacked) = (try #require(filters(plain.plan, "b")), try #require(filters(packed.plan, "b")))
    #expect(packed.plan.storage.array(unpacked.offsets) == plain.plan.storage.array(offsets.offsets))
    let input = (0..<plain.plan.inputCount).map { Float($0 % 13) / 6 - 1 }
    let (a, b) = (try plain.run(input), try packed.run(input))
    let largest = a.map(abs).max() ?? 0
    #expect(largest > 0 && zip(a, b).allSatisfy { abs($0 - $1) <= [.compact: 0, .float16: 0.01, .int8: 0.1][form, default: 0] * largest })
  }

  /// The mean of many pixels is as exact as sums of rows are: one sum of them all would be wrong in the fifth digit.
  @Test(arguments: [(1300, 1300, 1), (500, 900, 2), (40, 1300, 9)]) func meansOfManyPixelsAreExact(
    _ height: Int, _ width: Int, _ batch: Int
  ) throws {
    let network = try Network(
      name: "mean",
      nodes: [
        node("input", .input(.image(channels: 1, height: height, width: width))),
        node("mean", .averagePool(Pooling(kernel: Extent(height, width))), "input"), node("flat", .flatten, "mean"),
        node("fc", .linear(Linear(1, 2)), "flat"),
      ], outputs: ["mean"])
    let model = try randomized(network, density: 1, seed: 1)
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    let input = (0..<batch * height * width).map { Float($0 * 7919 % 1009) / 1009 }
    let sums = (0..<batch).map { input[$0 * height * width..<($0 + 1) * height * width].reduce(0.0) { $0 + Double($1) } }
    for form in InferenceForm.available {
      let means = try CompiledModel(bytes: compiler.plan(loneExamples: batch == 9 ? 1 : 16), form: form).run(input)
      #expect(zip(means, sums).allSatisfy { abs(Double($0) / ($1 / Double(height * width)) - 1) < 1e-6 }, "\(means)")
    }
  }

  /// Pools of a lone example whose windows are alike are combined 16 at once, others one by one, and copies take every pixel or every other.
  @Test(arguments: [(1, 3, 1), (2, 3, 1), (2, 2, 0), (3, 5, 2), (2, 7, 3)]) func loneExamplesArePooled(
    _ stride: Int, _ kernel: Int, _ padding: Int
  ) throws {
    for (height, width) in [(9, 33), (21, 16), (kernel, kernel)] {
      for isMean in [false, true] {
        let pool = Pooling(kernel: Extent(kernel), stride: Extent(stride), padding: Extent(padding))
        let (h, w) = ((height + 2 * padding - kernel) / stride + 1, (width + 2 * padding - kernel) / stride + 1)
        let network = try Network(
          name: "pooled",
          nodes: [
            node("input", .input(.image(channels: 3, height: height, width: width))),
            node("pool", isMean ? .averagePool(pool) : .maxPool(pool), "input"), node("flat", .flatten, "pool"),
            node("fc", .linear(Linear(3 * h * w, 2)), "flat"),
          ], outputs: ["pool"])
        let model = try randomized(network, density: 1, seed: 5)
        for form in InferenceForm.available { try expectEqual(model, batch: 2, loneExamples: 8, form: form, threads: 2) }
      }
    }
  }
}
