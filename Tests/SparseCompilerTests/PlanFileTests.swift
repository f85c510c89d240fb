import Networks
import Testing
import Torch
import TestSupport
import Training

@testable import SparseCompiler
@testable import SparseRuntime

/// What a plan's file holds, and what is not a plan.
struct PlanFileTests {
  private func plan(_ network: String = "lenet-5-bn") throws -> [UInt8] {
    let model = try randomized(Architecture.parse(network), density: 0.2, seed: 5)
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    guard network == "lenet-5-bn" else { return compiler.plan() }
    return compiler.plan(
      preparation: PlanPreparation(shape: [1, 28, 28], mean: [0.5], deviation: [0.25], resize: 32, isReversed: true),
      classes: (0..<10).map { "c\($0)" })
  }

  private func problem(_ bytes: [UInt8]) -> String {
    do {
      _ = try CompiledModel(bytes: bytes)
      return "none"
    } catch { return error.description }
  }

  @Test func aPlanHoldsWhatItWasMadeOf() throws {
    let model = try CompiledModel(bytes: plan())
    #expect(model.plan.name == "lenet-5-bn")
    #expect(model.plan.inputShape == [1, 28, 28])
    #expect(model.plan.outputCount == 10)
    #expect(model.plan.preparation == PlanPreparation(shape: [1, 28, 28], mean: [0.5], deviation: [0.25], resize: 32, isReversed: true))
    #expect(model.plan.classes == ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"])
    // Norms and activations are part of the layers: convolution, pooling, twice, and the two linear layers.
    let kinds = model.plan.steps.map(\.tag)
    #expect(kinds.count == 6)
    #expect(kinds.filter { $0 == .pool }.count == 2 && kinds.filter { $0 == .sparse || $0 == .dense }.count == 4)
    #expect(try model.input(of: Array(repeating: 255, count: 784)) == Array(repeating: 2, count: 784))
  }

  @Test func theSameModelGivesTheSameBytes() throws { #expect(try plan() == plan()) }

  @Test func whatIsNoPlanIsRefusedInOneLine() throws {
    let good = try plan()
    #expect(problem(good) == "none")
    #expect(problem([1, 2, 3]) == "not a usable plan: 3 bytes are too few for a plan")
    #expect(problem(Array(repeating: 7, count: 100)) == "not a usable plan: it does not begin with ESPPLAN; espalier compile makes plans")
    var other = good
    other[8] = 9
    #expect(problem(other) == "not a usable plan: it has version 9; this program reads version 3")
    #expect(problem(good.dropLast()) == "not a usable plan: it should have \(good.count) bytes and has \(good.count - 1)")
    other = good
    other[good.count / 2] ^= 1
    #expect(problem(other) == "not a usable plan: its checksum is wrong: the file is damaged")
    do {
      _ = try CompiledModel(contentsOf: "/no/such.plan")
      Issue.record("a missing file was read")
    } catch { #expect(error.description == "/no/such.plan: No such file or directory") }
  }

  @Test func examplesThatDoNotFitAreRefused() throws {
    let model = try CompiledModel(bytes: plan())
    do {
      _ = try model.run([1, 2, 3])
      Issue.record("3 values were taken")
    } catch { #expect(error.description == "3 values are not a number of examples of 1×28×28 = 784 values") }
    do {
      _ = try model.input(of: [1])
      Issue.record("1 byte was taken")
    } catch { #expect(error.description == "1 bytes are not an image of 784 values") }
  }

  /// Mutants of plans of all kinds of layers.
  @Test(arguments: 0..<7) func mutatedPlansAreRefusedOrHarmless(_ part: Int) throws {
    var graph = RandomNetwork(seed: UInt64(part + 20))
    let network = part == 3 ? try Transformers.windowed(isGrid: false) : try graph.network()
    let model = try randomized(network, density: 0.5, seed: 1)
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    // The last ones have blocks.
    let shapes: [BlockShape] = [.block(rows: 4, columns: 1), .block(rows: 1, columns: 4), .kernel]
    let kernels = part < 4 ? [] : compiler.layers.map { ($0.name, LayerKernel.blocks(shapes[part - 4])) }
    let good = compiler.plan(kernels: Dictionary(uniqueKeysWithValues: kernels), groups: 1 << (part % 3))
    let start = good.number(at: 24)
    let refused = try refusedMutants(2500, of: good, seed: part + 1) { draws in
      // The description decides most; numbers of weights' places are some of the rest.
      draws.next(4) > 0 ? start + draws.next(good.count - start) : PlanWriter.headerSize + draws.next(start - PlanWriter.headerSize)
    }
    #expect(refused > 1000)
  }
}

/// What a profile says of kernels, and when it is believed.
struct KernelProfileTests {
  @Test(arguments: [
    ("dense", LayerKernel.dense), ("sparse:all×8", .sparse(channels: nil)), ("sparse:24×16", .sparse(channels: 24, vectors: 16)),
    ("block:4×4", .blocks(.block(rows: 4, columns: 4))), ("block:2×1:24", .blocks(.block(rows: 2, columns: 1), channels: 24)),
    ("kernel", .blocks(.kernel)), ("kernel:7", .blocks(.kernel, channels: 7)),
  ]) func namesGoThereAndBack(_ name: String, _ kernel: LayerKernel) {
    #expect(kernel.description == name)
    #expect(LayerKernel(name) == kernel)
  }

  @Test(arguments: [
    "", "sparse", "sparse:8", "sparse:0×8", "sparse:8×29", "sparse:8×0", "sparse:x×8", "dense:1", "sparse:8×8×8", "block", "block:",
    "block:4×5", "block:4×4:0", "block:4×4:all", "block:4×4:8:8", "kernel:", "kernel:x",
  ])
  func otherNamesAreNone(_ name: String) { #expect(LayerKernel(name) == nil) }

  @Test(arguments: [
    ("dense", 1, "dense"), ("sparse:24×16", 25, "sparse:24×16"), ("sparse:24×16", 24, "sparse:all×16"), ("sparse:24×8", 3, "sparse:all×8"),
    ("sparse:all×8", 3, "sparse:all×8"), ("block:4×4:64", 65, "block:4×4:64"), ("block:4×4:64", 64, "block:4×4"), ("kernel:7", 3, "kernel"),
  ]) func channelsThatThereAreNotAreAll(_ name: String, _ channels: Int, _ expected: String) {
    #expect(LayerKernel(name)?.limited(to: channels).description == expected)
  }

  @Test func blocksCanBeTypedWithALetter() { #expect(LayerKernel("block:4x1:8") == .blocks(.block(rows: 4, columns: 1), channels: 8)) }

  @Test func examplesGoSideBySideWhereThatIsFaster() {
    func layout(_ lone: Double, _ times: Double..., batches: KernelTuner.Batches = .all) -> [Int] {
      let layout = KernelTuner.layout(batches, lone: lone, groups: zip([1, 2, 4], times).map { (groups: $0, seconds: $1) })
      return [layout.groups, layout.loneExamples]
    }
    // Four lone examples take as long as 16 side by side; 32 side by side are the fastest for each.
    #expect(layout(1, 4, 6, 14) == [2, 4])
    #expect(layout(1, 3.5, 8, 16) == [1, 4])
    // 16 side by side take longer than 16 lone ones, 64 do not.
    #expect(layout(1, 17, 30, 50) == [4, 16])
    #expect(layout(1, 17, 34, 70) == [1, 1 << 20])
    #expect(layout(1, 16, 32, 64) == [1, 1 << 20])
    #expect(layout(1, 17, 34, 70, batches: .many) == [1, 16] && layout(1, 17.7, 36, 72, batches: .many) == [1, 1 << 20])
  }

  @Test func aProfileHoldsForItsOwnLayersAlone() throws {
    func compiler(_ density: Double) throws -> PlanCompiler {
      let model = try randomized(Architecture.parse("mlp:20-16-10"), density: density, seed: 5)
      return try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    }
    let (sparse, full) = (try compiler(0.2), try compiler(1))
    #expect(sparse.layers.map(\.weights) == [320, 160] && full.layers.map(\.kept) == [320, 160])
    #expect(full.layers.map(\.usual) == [.dense, .dense])
    #expect(sparse.layers.allSatisfy { $0.usual == .sparse(channels: 128) })
    let profile = try KernelTuner(repetitions: 1).profile(of: sparse)
    #expect(profile.form == InferenceForm.fastest.rawValue && [1, 2, 4].contains(profile.groups) && profile.loneExamples >= 1)
    let kernels = try #require(profile.kernels(for: sparse.layers))
    #expect(Set(kernels.keys) == ["fc1", "fc2"])
    #expect(profile.kernels(for: full.layers) == nil)
    var other = profile
    other.layers[0].kernel = "fast"
    #expect(other.kernels(for: sparse.layers) == nil)
    #expect(profile.input == [20, 1, 1])
    other = profile
    other.groups = 3
    #expect(other.kernels(for: sparse.layers) == nil)
  }
}
