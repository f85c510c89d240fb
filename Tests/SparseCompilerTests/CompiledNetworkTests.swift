import Networks
import SparseCompiler
import SparseRuntime
import TestSupport
import Testing
import Torch
import Training

/// Compiled networks against the executor, which is libtorch's.
struct CompiledNetworkTests {
  @Test(arguments: ["lenet-300-100", "lenet-5-bn", "resnet-20"])
  func everyFormGivesTheExecutorsOutputs(_ name: String) throws {
    let model = try randomized(Architecture.parse(name), density: 0.3, seed: 1)
    for batch in [1, 19] { for form in InferenceForm.available { try expectEqual(model, batch: batch, form: form) } }
  }

  @Test(arguments: ["mobilenet-v3-small", "squeezenet-1.1", "shufflenet-v2", "googlenet"])
  func networksOfTheCatalogueGiveTheExecutorsOutputs(_ name: String) throws {
    let model = try randomized(Architecture.parse(name), density: 0.3, seed: 2)
    try expectEqual(model, batch: 2, loneExamples: 3, threads: 1)
    try expectEqual(model, batch: 2, loneExamples: 1, threads: 2)
  }

  @Test(arguments: [
    LayerKernel.dense, .sparse(channels: nil), .sparse(channels: 1), .sparse(channels: 7, vectors: 3), .sparse(channels: 24, vectors: 28),
  ])
  func everyKernelGivesTheExecutorsOutputs(_ kernel: LayerKernel) throws {
    let model = try randomized(Architecture.parse("lenet-5-bn"), density: 0.4, seed: 3)
    for batch in [1, 33] { try expectEqual(model, batch: batch, kernel: kernel) }
    let fully = try randomized(Architecture.parse("mlp:70-50-30-10"), density: 0.4, seed: 3)
    for batch in [1, 3, 70] { try expectEqual(fully, batch: batch, kernel: kernel) }
  }

  /// A fixture that is dead proves nothing: outputs of these graphs depend on their inputs.
  @Test func randomGraphsAreAlive() throws {
    let alive = try (0..<40).count { seed in
      var graph = RandomNetwork(seed: UInt64(seed))
      let network = try graph.network()
      let model = try randomized(network, density: [1, 0.6, 0.4, 0.2][seed % 4], seed: UInt64(seed))
      let input = try Tensor.normal([2] + network.inputShapes[0].dimensions, generator: Generator(seed: 7))
      let outputs = try Executor(model).forward(input).array(Float.self)
      return outputs.prefix(4) != outputs.suffix(4)
    }
    #expect(alive >= 36)
  }

  /// Random graphs of everything that is compiled, small enough for all forms and for several seeds.
  @Test(arguments: 0..<40) func randomGraphsGiveTheExecutorsOutputs(_ seed: Int) throws {
    var graph = RandomNetwork(seed: UInt64(seed))
    let network = try graph.network()
    let model = try randomized(network, density: [1, 0.6, 0.4, 0.2][seed % 4], seed: UInt64(seed))
    let kernel: LayerKernel? = [nil, .dense, .sparse(channels: nil), .sparse(channels: 3)][seed / 4 % 4]
    for form in InferenceForm.available {
      for (batch, lone, threads) in [(1, 8, 1), (5, 1, 2), (37, 8, 3)] {
        try expectEqual(model, batch: batch, kernel: kernel, loneExamples: lone, isLone: seed % 2 == 0, form: form, threads: threads)
      }
    }
  }
}

/// A network of random layers over a small image.
struct RandomNetwork {
  private var draws: SeededDraws
  private var nodes: [Network.Node] = []

  init(seed: UInt64) { draws = SeededDraws(seed: seed) }

  private mutating func draw(_ range: ClosedRange<Int>) -> Int { range.lowerBound + draws.next(range.count) }
  private mutating func pick<Value>(_ values: [Value]) -> Value { values[draws.next(values.count)] }

  private mutating func add(_ operation: Operation, _ inputs: String...) -> String {
    let name = "n\(nodes.count)"
    nodes.append(.init(name: name, operation: operation, inputs: inputs))
    return name
  }

  mutating func network() throws -> Network {
    var shape = (channels: draw(1...5), height: draw(5...13), width: draw(5...13))
    var last = add(.input(.image(channels: shape.channels, height: shape.height, width: shape.width)))
    for _ in 0..<draw(3...6) {
      let before = last
      switch draw(0...17) {
      case 0, 1, 2:
        let groups = shape.channels.isMultiple(of: 2) && draw(0...2) == 0 ? 2 : 1
        let outputs = groups * draw(1...5)
        let kernel = Extent(pick([1, 3, 5]), pick([1, 2, 3])), dilation = Extent(draw(1...2), 1)
        let stride = Extent(draw(1...2), draw(1...3)), padding = Extent(draw(0...2), draw(0...2))
        let height = (shape.height + 2 * padding.height - dilation.height * (kernel.height - 1) - 1) / stride.height + 1
        let width = (shape.width + 2 * padding.width - kernel.width) / stride.width + 1
        guard height > 0, width > 0, shape.height + 2 * padding.height > dilation.height * (kernel.height - 1),
          shape.width + 2 * padding.width >= kernel.width
        else { continue }
        last = add(
          .convolution(
            Convolution(
              shape.channels, outputs, kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups,
              bias: draw(0...1) == 0)), last)
        shape = (outputs, height, width)
        if draw(0...1) == 0 { last = add(.batchNorm(BatchNorm(outputs)), last) }
        if draw(0...1) == 0 { last = add(.activation(pick([.relu, .relu6, .hardSwish, .leakyReLU(slope: 0.1)])), last) }
      case 3:
        // A residual branch, whose sum is fused.
        last = add(.convolution(Convolution(shape.channels, shape.channels, kernel: Extent(3), padding: Extent(1))), last)
        last = add(.add, last, before)
        last = add(.activation(.relu), last)
      case 4 where min(shape.height, shape.width) >= 3:
        let isMean = draw(0...1) == 0, countsPadding = draw(0...1) == 0
        let pool = Pooling(
          kernel: Extent(3, 2), stride: Extent(draw(1...2), 2), padding: Extent(1, 0), ceilMode: draw(0...1) == 0,
          countsPadding: isMean ? countsPadding : true)
        last = add(isMean ? .averagePool(pool) : .maxPool(pool), last)
        guard let reached = try? partial(last), case .image(_, let height, let width) = reached else { continue }
        (shape.height, shape.width) = (height, width)
      case 5:
        let gate = add(.adaptiveAveragePool(height: 1, width: 1), last)
        let squeezed = add(.convolution(Convolution(shape.channels, shape.channels, kernel: Extent(1))), gate)
        last = add(.multiply, last, add(.activation(pick([.sigmoid, .hardSigmoid()])), squeezed))
      case 6:
        let other = add(.convolution(Convolution(shape.channels, 3, kernel: Extent(1))), last)
        last = add(.concat, last, other)
        shape.channels += 3
      case 7:
        last = add(
          .activation(pick([.tanh, .gelu, .tanhGELU, .silu, .elu(alpha: 0.7), .softplus, .mish, .affine(scale: 2, shift: 1)])), last)
      case 8:
        last = add(
          .convolution(Convolution(shape.channels, shape.channels, kernel: Extent(3), padding: Extent(1), groups: shape.channels)), last)
      case 9 where shape.channels.isMultiple(of: 2):
        last = add(.groupNorm(GroupNorm(groups: pick([1, 2]), shape.channels, absent: draw(0...2))), last)
      case 10: last = add(.channelNorm(ChannelNorm(shape.channels, absent: draw(0...2))), last)
      case 11: last = add(.localResponseNorm(LocalResponseNorm(draw(1...3), alpha: 0.5, beta: pick([0.75, 0.6]), k: 2)), last)
      case 12:
        (shape.height, shape.width) = (draw(3...12), draw(3...12))
        last = add(.resize(height: shape.height, width: shape.width, pick(Interpolation.allCases)), last)
      case 13: last = add(.softmax, add(.roll(down: draw(-2...3), right: draw(-3...2)), last))
      case 14 where !nodes.contains(where: { if case .classToken = $0.operation { true } else { false } }):
        last = add(.classToken(features: shape.channels), add(.arrange(height: 1, width: shape.height * shape.width), last))
        (shape.height, shape.width) = (1, shape.height * shape.width + 1)
        last = add(.positionEmbedding(PositionEmbedding(shape.channels, height: 1, width: shape.width)), last)
      case 15 where min(shape.height, shape.width) < 20:
        let stride = Extent(draw(1...2), draw(1...3)), kernel = Extent(draw(1...4), draw(1...3)), padding = Extent(draw(0...1), 0)
        let outputs = draw(1...4)
        let layer = Convolution(
          shape.channels, outputs, kernel: kernel, stride: stride, padding: padding,
          outputPadding: Extent(draw(0...stride.height - 1), draw(0...stride.width - 1)))
        last = add(.convolution(layer), last)
        guard let reached = try? partial(last), case .image(_, let height, let width) = reached else {
          nodes.removeLast()
          last = before
          continue
        }
        shape = (outputs, height, width)
      case 16, 17:
        let heads = draw(1...3), width = draw(1...4)
        let size = Extent(shape.height.isMultiple(of: 2) ? 2 : shape.height, shape.width.isMultiple(of: 3) ? 3 : shape.width)
        let isGrid = draw(0...2) == 0
        let shift = isGrid ? Extent(0) : Extent(draw(0...size.height - 1), draw(0...size.width - 1))
        let window = draw(0...2) > 0 ? Attention.Window(size, isGrid: isGrid, shift: shift) : nil
        let pixels = window == nil ? shape.height * shape.width : size.height * size.width
        let all = add(.convolution(Convolution(shape.channels, 3 * heads * width, kernel: Extent(1))), last)
        let parts = (0..<3).map { add(.narrow(start: $0 * heads * width, count: heads * width), all) }
        let layer = Attention(
          heads: heads, width: width, window: window, bias: draw(0...1) == 0 ? Extent(pixels) : nil, isCosine: draw(0...2) == 0)
        last = add(.attention(layer), parts[0], parts[1], parts[2])
        shape.channels = heads * width
      default:
        last = add(.pad(top: 1, bottom: 0, left: 2, right: draw(0...1)), last)
        guard let reached = try? partial(last), case .image(_, let height, let width) = reached else { continue }
        (shape.height, shape.width) = (height, width)
      }
    }
    if draw(0...1) == 0 {
      last = add(.adaptiveMaxPool(height: 2, width: 1), last)
      shape = (shape.channels, 2, 1)
    }
    last = add(.flatten, last)
    if draw(0...1) == 0 {
      last = add(.linear(Linear(shape.channels * shape.height * shape.width, 7)), last)
      last = add(.prelu(PReLU(7)), add(.dropout(0.5), add(.batchNorm(BatchNorm(7)), last)))
      last = add(.linear(Linear(7, 4)), last)
    } else {
      last = add(.linear(Linear(shape.channels * shape.height * shape.width, 4)), last)
    }
    let network = Network(name: "random", nodes: nodes, outputs: [last])
    try network.validate()
    return network
  }

  private func partial(_ last: String) throws -> FeatureShape? {
    try Network(name: "part", nodes: nodes, outputs: [last]).shapes()[last]
  }
}

/// Draws that a seed determines (an xorshift generator).
struct SeededDraws {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
  mutating func next(_ count: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state >> 33) % max(count, 1)
  }
}

/// Returns a network whose parameters are random, norms included, and whose weights are 0 but for a share of them.
func randomized(_ network: Network, density: Double, seed: UInt64) throws -> Model {
  let model = try Model(network, seed: seed)
  let generator = try Generator(seed: seed)
  var tensors = model.tensors
  for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
    switch name.role {
    case .runningMean, .bias: tensors[name] = try .normal(tensor.shape, deviation: 0.1, generator: generator)
    case .runningVariance: tensors[name] = try .uniform(tensor.shape, low: 0.5, high: 1.5, generator: generator)
    case .weight where tensor.rank == 1: tensors[name] = try .uniform(tensor.shape, low: 0.5, high: 1.5, generator: generator)
    case .weight:
      // The sums of fewer weights are smaller; deep networks would end in zeros.
      let kept = try Tensor.empty(tensor.shape)
      try kept.fillBernoulli(density, generator: generator)
      tensors[name] = try tensor.detached() * kept * Tensor.scalar(1 / density.squareRoot())
    }
  }
  return try Model(network: network, tensors: tensors)
}

func expectEqual(
  _ model: Model, batch: Int, kernel: LayerKernel? = nil, loneExamples: Int = 8, isLone: Bool? = nil, form: InferenceForm? = nil,
  threads: Int = 2
) throws {
  let shape = model.network.inputShapes[0].dimensions
  let input = try Tensor.normal([batch] + shape, generator: Generator(seed: 7))
  let expected = try Executor(model).forward(input).array(Float.self)
  let largest = expected.map(abs).max() ?? 0
  let compiler = try PlanCompiler(model.network, isLone: isLone) { try model.tensors[$0]?.detached().array(Float.self) }
  let chosen = Dictionary(uniqueKeysWithValues: compiler.layers.map { ($0.name, kernel ?? $0.usual) })
  let plan = compiler.plan(kernels: chosen, groups: batch > 32 ? 4 : 1, loneExamples: loneExamples)
  let result = try CompiledModel(bytes: plan, threads: threads, form: form).run(input.array(Float.self))
  #expect(result.count == expected.count)
  let difference = zip(result, expected).map { abs($0 - $1) }.max() ?? .infinity
  #expect(
    largest > 0 && difference <= 1e-5 * largest,
    "\(form?.rawValue ?? "") \(threads) threads, \(batch) examples: \(difference) of \(largest)")
}

/// Calls that come at the same time, or want something else of a model than the usual.
struct CompiledModelTests {
  private func compiled(_ network: String, density: Double, threads: Int) throws -> CompiledModel {
    let model = try randomized(Architecture.parse(network), density: density, seed: 9)
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    return try CompiledModel(bytes: compiler.plan(), threads: threads)
  }

  /// Callers that share a model do not see each other: each gets what it gets alone.
  @Test(arguments: [1, 2]) func concurrentCallersGetTheirOwnOutputs(_ threads: Int) async throws {
    let model = try compiled("lenet-5-bn", density: 0.2, threads: threads)
    let inputs = (0..<8).map { caller in (0..<(caller % 3 == 0 ? 1 : 20) * 784).map { Float(($0 * 31 + caller * 7) % 17) / 8 - 1 } }
    let alone = try inputs.map { try model.run($0) }
    #expect(Set(alone).count == 8)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for caller in 0..<8 {
        group.addTask {
          for _ in 0..<10 where try model.run(inputs[caller]) != alone[caller] { return false }
          return true
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }

  /// Weights in turns (a lone example's vectors) against weights one by one, in layers that fill their last 16 outputs and such that do not.
  @Test(arguments: ["mlp:700-130-40-10", "mlp:64-2000-3", "lenet-300-100"]) func turnsGiveWhatSingleWeightsGive(_ network: String) throws {
    for density in [0.5, 0.1, 0.02] {
      let model = try randomized(Architecture.parse(network), density: density, seed: 11)
      for threads in [1, 3] { try expectEqual(model, batch: 1, kernel: .sparse(channels: 128), threads: threads) }
    }
  }

  @Test func formsAndThreadsThatAreNotThereAreRefused() throws {
    let bytes: [UInt8] = {
      var writer = PlanWriter()
      let values = writer.add([Float](repeating: 1, count: 4))
      let taps = writer.add([UInt32(0)])
      let layer = PlanLayer(
        name: "fc", x: 0, y: 1, first: 0, bias: nil, weights: .dense(PlanMatrix(groups: 1, inputs: 2, block: 2, taps: taps, values: values))
      )
      return writer.file(
        name: "tiny", maps: [PlanMap(features: 2), PlanMap(features: 2)], steps: [.layer(layer)], outputs: [1], groups: 1, loneExamples: 2)
    }()
    #expect(try CompiledModel(bytes: bytes).run([3, 4]) == [7, 7])
    #expect(try CompiledModel(bytes: bytes).run([3, 4, 1, 1, 2, 0]) == [7, 7, 2, 2, 2, 2])
    do {
      _ = try CompiledModel(bytes: bytes, threads: 0)
      Issue.record("no threads were taken")
    } catch { #expect(error.description == "0 threads; possible are 1 to 1024") }
    let other: InferenceForm = InferenceForm.available.contains(.neon) ? .avx2 : .neon
    do {
      _ = try CompiledModel(bytes: bytes, form: other)
      Issue.record("\(other) was taken")
    } catch {
      #expect(
        error.description
          == "this machine has no \(other.rawValue) kernels; it has \(InferenceForm.available.map(\.rawValue).joined(separator: ", "))")
    }
  }
}
