import Networks
import SparseCompiler
import SparseRuntime
import Testing
import Torch
import Training

/// The maximum of each 2 × 2 pixels, which a sparse layer takes itself where 16 examples lie side by side.
struct PoolFusionTests {
  /// A convolution to `size` × `size` pixels, ReLU and a pooling, which a fully connected layer follows.
  private func network(
    _ size: Int, kernel: Int = 3, stride: Int = 1, pool: Pooling = Pooling(kernel: Extent(2)), isMean: Bool = false,
    outputs: [String] = ["fc"]
  ) throws
    -> Network
  {
    let pooled = (size + 2 * pool.padding.height - pool.kernel.height) / pool.stride.height + 1
    func node(_ name: String, _ operation: Operation, _ inputs: String...) -> Network.Node {
      Network.Node(name: name, operation: operation, inputs: inputs)
    }
    return try Network(
      name: "pooled",
      nodes: [
        node("input", .input(.image(channels: 3, height: size * stride, width: size * stride))),
        node(
          "conv",
          .convolution(Convolution(3, 9, kernel: Extent(kernel), stride: Extent(stride), padding: Extent(kernel == 3 ? 1 : 0))), "input"),
        node("relu", .activation(.relu), "conv"),
        node("pool", isMean ? .averagePool(pool) : .maxPool(pool), "relu"),
        node("flat", .flatten, "pool"),
        node("fc", .linear(Linear(9 * pooled * pooled, 5)), "flat"),
      ], outputs: outputs)
  }

  private func compiled(_ network: Network, groups: Int = 1, vectors: Int = 8) throws -> CompiledModel {
    let model = try randomized(network, density: 0.3, seed: 4)
    let compiler = try PlanCompiler(network) { try model.tensors[$0]?.detached().array(Float.self) }
    let kernels = Dictionary(uniqueKeysWithValues: compiler.layers.map { ($0.name, LayerKernel.sparse(channels: 2, vectors: vectors)) })
    return try CompiledModel(bytes: compiler.plan(kernels: kernels, groups: groups))
  }

  /// Whether the pooling takes no time of its own.
  private func isFused(_ network: Network, groups: Int = 1, planned: Int = 1, vectors: Int = 8) throws -> Bool {
    let model = try compiled(network, groups: planned, vectors: vectors)
    let pool = try #require(model.plan.steps.firstIndex { $0.kernelName.hasSuffix("pool") })
    return try model.stepSeconds(groups: groups, repetitions: 1, minimum: 0)[pool] == 0
  }

  /// Sides that tiles of 4, 2 and 1 row, and of several columns, divide and do not.
  @Test(arguments: [2, 4, 6, 10, 14, 18]) func aPoolingInTheLayerGivesTheExecutorsOutputs(_ size: Int) throws {
    let model = try randomized(network(size), density: 0.3, seed: 4)
    for vectors in [1, 4, 7, 8, 16, 28] {
      for form in InferenceForm.available {
        try expectEqual(model, batch: 18, kernel: .sparse(channels: 2, vectors: vectors), loneExamples: 1, form: form, threads: 1)
        try expectEqual(model, batch: 37, kernel: .sparse(channels: nil, vectors: vectors), form: form, threads: 3)
      }
    }
  }

  /// Layers whose windows do not overlap, and whose other tiles are rows of pixels.
  @Test(arguments: [1, 2]) func soDoesAPoolingAfterWindowsThatDoNotOverlap(_ kernel: Int) throws {
    for size in [4, 6, 8, 12, 18] {
      let model = try randomized(network(size, kernel: kernel, stride: kernel), density: 0.6, seed: 4)
      for vectors in [4, 5, 7, 8, 12, 15, 16, 28] {
        try expectEqual(model, batch: 18, kernel: .sparse(channels: 2, vectors: vectors), loneExamples: 1, threads: 1)
        try expectEqual(model, batch: 37, kernel: .sparse(channels: nil, vectors: vectors), threads: 3)
      }
      for form in InferenceForm.available { try expectEqual(model, batch: 18, loneExamples: 1, form: form, threads: 2) }
    }
  }

  @Test func onlyWhatIsTheMaximumOfTwoByTwoPixelsIsPartOfALayer() throws {
    let overlapping = Pooling(kernel: Extent(3), stride: Extent(2), padding: Extent(1))
    let (even, small) = (try network(8), try network(2))
    let found = [
      try isFused(even), try isFused(even, vectors: 4), try isFused(small),
      // A lone example's pixels lie along a vector; small images of several groups are tiles of several groups' rows.
      try isFused(even, groups: 0), try isFused(small, groups: 4, planned: 4), try isFused(even, vectors: 3),
      // Somebody else wants the pixels.
      try isFused(network(8, outputs: ["fc", "relu"])),
      // An odd side, a mean, and windows that overlap.
      try isFused(network(9)), try isFused(network(8, isMean: true)), try isFused(network(8, pool: overlapping)),
    ]
    #expect(found == [true, true, true, false, false, false, false, false, false, false])
  }

  /// A broken input shows in every output that it reaches, and only there.
  @Test func aNumberThatIsNoneWinsAMaximum() throws {
    let model = try compiled(network(8))
    var input = (0..<16 * 3 * 64).map { Float($0 % 13) / 13 }
    let whole = try model.run(input)
    input[5 * 3 * 64 + 64 + 9] = .nan
    let broken = try model.run(input)
    #expect(whole.count { $0.isFinite } == 80)
    #expect(broken[25..<30].count { $0.isNaN } == 5)
    #expect(broken[..<25] == whole[..<25] && broken[30...] == whole[30...])
  }
}
