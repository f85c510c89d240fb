import Datasets
import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Pruning

struct SNIPTests {
  /// One input of 1 and weights (ln 3, 0), label 0: softmax (3/4, 1/4), gradient (−1/4, 1/4).
  @Test func theProductOfWeightAndGradient() throws {
    let l: Double = Foundation.log(3.0)
    let weight = try Tensor([l, 0], shape: [2, 1])
    let model = try Model(network: TinyNetworks.mlp([1, 2], bias: false), tensors: [ParameterName("fc1", .weight): weight])
    let one = Batch(inputs: try .ones([1, 1], type: .float64), labels: try Tensor([0] as [Int64]))
    // Of label 1 the gradient is (3/4, −3/4); the mean of both (1/4, −1/4).
    let other = Batch(inputs: one.inputs, labels: try Tensor([1] as [Int64]))
    let cases: [(batches: [Batch], expected: Double)] = [([one], l / 4), ([other], l * 3 / 4), ([one, other], l / 4)]
    for (batches, expected) in cases {
      let swept = try model.sweep(batches, statistics: Criterion.snip.statistics(for: .weight))
      #expect(relativeError(try #require(swept.weightScores(.snip)["fc1"]).doubles(), [expected, 0]) < 1e-12)
      #expect(relativeError(try #require(swept.scores(.snip)["fc1"]).doubles(), [expected, 0]) < 1e-12)
    }
  }

  @Test func wantsAHundredExamplesOrTenOfEachClass() throws {
    var plan = PruningPlan(
      criterion: .snip, granularity: .weight, scope: .global, amount: .total(0.5), timing: .atStart(rounds: 1))
    #expect([2, 10, 26].map { plan.exampleCount(classes: $0) } == [100, 100, 260])
    plan.criterion = .grasp
    #expect([2, 10, 26].map { plan.exampleCount(classes: $0) } == [20, 100, 260])
    plan.repairs = [.batchNorms]
    #expect(plan.exampleCount(classes: 10) == 1000)
    plan.criterion = try Criterion(named: "taylor")
    #expect(plan.exampleCount(classes: 10) == 1000 && plan.exampleCount(classes: 1000) == 1000)
    plan.examples = 37
    #expect(plan.exampleCount(classes: 10) == 37)
  }
}

struct GraSPTests {
  /// L = ½wᵀAw, A = (2 1; 1 3), w = (1, −2): g = (0, −5), Hg = (−5, −15), w⊙Hg = (−5, 30). Without w₁ gᵀg grows from 25 to 40, without
  /// w₂ it falls to 5: the first may leave.
  @Test func aQuadraticByHand() throws {
    let weight = try Tensor([1, -2] as [Double])
    let matrix = try Tensor([2, 1, 1, 3] as [Double], shape: [2, 2])
    try weight.requireGradient()
    func loss() throws -> Tensor { try (weight * matrix.matmul(weight.reshaped([2, 1])).flattened()).sum() * 0.5 }
    let whole = try GraSP.hessianGradientProducts(by: [weight], masks: [nil]) { try $0(loss()) }
    #expect(try whole[0].doubles() == [-5, -15])
    // Of a sum of two such losses both g and H double.
    let sum = try GraSP.hessianGradientProducts(by: [weight], masks: [nil]) { body in for _ in 0..<2 { try body(loss()) } }
    #expect(try sum[0].doubles() == [-20, -60])
    // g of what is not there is 0: H·(0, 0).
    let masked = try GraSP.hessianGradientProducts(by: [weight], masks: [Tensor([true, false])]) { try $0(loss()) }
    #expect(try masked[0].doubles() == [0, 0])
  }

  /// The lowest scores are those without which the gradient grows most.
  @Test(arguments: 0..<5 as Range<UInt64>) func theSignIsThatOfTheFlow(seed: UInt64) throws {
    let model = try TinyNetworks.mlp([5, 6, 3]).randomModel(seed: seed)
    let generator = try Generator(seed: seed)
    let batch = Batch(
      inputs: try .normal([8, 5], type: .float64, generator: generator), labels: try Tensor([0, 1, 2, 0, 1, 2, 0, 1] as [Int64]))
    func flow(_ model: Model) throws -> Double {
      let (own, _, weights) = try model.differentiable()
      let logits = try withGradients { try Executor(own).forward(batch.inputs) / GraSP.temperature }
      let found = try Tensor.gradients(of: [withGradients { try logits.crossEntropy(batch.labels) }], by: weights)
      return try found.reduce(0) { try $0 + ($1.map { try $0.squared().sum().item() } ?? 0) }
    }
    let name = ParameterName("fc1", .weight)
    let scores = try #require(try GraSP().weightScores(of: model) { try $0(batch) }[name]).doubles()
    let whole = try flow(model)
    // A small step along −w of one weight changes gᵀg by −2·step·score.
    for index in [0, 7, 29] {
      var changed = try model.copied()
      var values = try model.tensor(name).doubles()
      values[index] *= 1 - 1e-5
      changed.tensors[name] = try Tensor(values, shape: [6, 5])
      let slope = try (flow(changed) - whole) / 1e-5
      #expect(abs(slope + 2 * scores[index]) <= 1e-3 * abs(slope) + 1e-12, "seed \(seed), weight \(index): \(slope), \(scores[index])")
    }
  }

  @Test func needsData() throws {
    let model = try TinyNetworks.mlp([3, 2]).randomModel(seed: 1)
    let error = #expect(throws: PruningError.self) { try model.weightScores(.grasp) }
    #expect(error?.description == "criterion grasp needs data: give --dataset")
  }

  @Test func whatIsNoNumberIsNamed() throws {
    var model = try TinyNetworks.mlp([1, 2], bias: false).randomModel(seed: 1)
    model.tensors[ParameterName("fc1", .weight)] = try Tensor([Double.nan, 1], shape: [2, 1])
    let batch = Batch(inputs: try .ones([1, 1], type: .float64), labels: try Tensor([0] as [Int64]))
    let error = #expect(throws: PruningError.self) { try GraSP().weightScores(of: model) { try $0(batch) } }
    #expect(
      error?.description
        == "no unit can be scored: the scores that grasp gives fc1.weight are not all finite numbers (NaN or infinity)")
  }
}

struct SynFlowTests {
  /// Two inputs, two hidden units, one output; |W₁| = (1 2; 3 4), |W₂| = (5 6). R = 5·3 + 6·7 = 57.
  @Test func aChainByHand() throws {
    var model = try TinyNetworks.mlp([2, 2, 1]).randomModel(seed: 1)
    model.tensors[ParameterName("fc1", .weight)] = try Tensor([1, -2, -3, 4] as [Float], shape: [2, 2])
    model.tensors[ParameterName("fc2", .weight)] = try Tensor([-5, 6] as [Float], shape: [1, 2])
    let layers = try model.weightScores(.synflow)
    #expect(try layers.map { try $0.scores.doubles() } == [[5, 10, 18, 24], [15, 42]])
    #expect(layers.allSatisfy { $0.scores.elementType == .float64 })
  }

  /// |W| = 2 and 3, γ = 4, 5: a difference adds and a rectifier passes on, so that R = (2 + 3)·4·5 = 100.
  @Test func differencesAdd() throws {
    var builder = NetworkBuilder("difference", input: .vector(1))
    let (one, other) = (builder.linear("one", 1), builder.linear("other", 1, from: "input"))
    builder.append("difference", .subtract, from: [one, other])
    builder.append("slope", .prelu(PReLU()), from: ["difference"])
    builder.append("norm", .channelNorm(ChannelNorm(1)), from: ["slope"])
    builder.linear("out", 1)
    var model = try builder.network().randomModel(seed: 1)
    for (module, weight) in [("one", 2), ("other", -3), ("out", 5)] as [(String, Float)] {
      model.tensors[ParameterName(module, .weight)] = try Tensor([weight], shape: [1, 1])
    }
    model.tensors[ParameterName("norm", .weight)] = try Tensor([-4] as [Float])
    let scores = try model.weightScores(.synflow).map { try $0.scores.doubles() }
    #expect(relativeError(scores.flatMap { $0 }, [40, 60, 100]) < 1e-12)
  }

  /// Numbers of the graph multiply too, and nothing else: 2·|−3|·5 and 4·|−3|·7.
  @Test func fixedNumbersMultiply() throws {
    var builder = NetworkBuilder("numbers", input: .vector(1))
    builder.linear("fc1", 2, bias: false)
    builder.activation(.affine(scale: -3, shift: 11))
    builder.linear("fc2", 1)
    var model = try builder.network().randomModel(seed: 1)
    model.tensors[ParameterName("fc1", .weight)] = try Tensor([2, 4] as [Float], shape: [2, 1])
    model.tensors[ParameterName("fc2", .weight)] = try Tensor([-5, 7] as [Float], shape: [1, 2])
    #expect(try model.weightScores(.synflow).map { try $0.scores.doubles() } == [[30, 84], [30, 84]])
  }

  /// A norm multiplies by |γ|/√(σ² + ε), whatever its mean and shift; a group norm by |γ|.
  @Test func normsScale() throws {
    var builder = NetworkBuilder("norms", input: .image(channels: 1, height: 1, width: 1))
    builder.convolution("conv", 2, kernel: 1)
    builder.batchNorm("bn", epsilon: 0.5)
    builder.groupNorm("gn", groups: 1)
    builder.flatten()
    builder.linear("out", 1)
    var model = try builder.network().randomModel(seed: 3)
    let values: [(String, ParameterName.Role, [Double], [Int])] = [
      ("conv", .weight, [2, -1], [2, 1, 1, 1]), ("bn", .weight, [-3, 4], [2]), ("bn", .runningVariance, [0.5, 3.5], [2]),
      ("gn", .weight, [1, -0.5], [2]), ("out", .weight, [-1, 10], [1, 2]),
    ]
    for (module, role, numbers, shape) in values { model.tensors[ParameterName(module, role)] = try Tensor(numbers, shape: shape) }
    // 2·3/1·1·1 = 6 and 1·4/2·0.5·10 = 10.
    for layer in try model.weightScores(.synflow) { #expect(relativeError(try layer.scores.doubles(), [6, 10]) < 1e-12, "\(layer.name)") }
  }

  /// Without biases the scores of every layer of a chain sum up to R (Tanaka et al. 2020), also through norms and maxima.
  @Test(arguments: 0..<12 as Range<UInt64>) func layersSumUpToTheFlow(seed: UInt64) throws {
    var random = Seeded(seed)
    let model = try TinyNetworks.sequential(&random).randomModel(seed: seed)
    let (flow, scores) = try SynFlow.flow(SynFlow.linearized(model))
    #expect(flow > 0)
    for (name, layer) in scores { #expect(abs(try layer.sum().item() - flow) <= 1e-9 * flow, "seed \(seed), \(name)") }
  }

  /// 60 layers that multiply by 10⁶ or 10⁻⁶ each leave float64; the ranking is that of layers that do not.
  @Test(arguments: [1e6, 1e-6]) func beyondFloat64(factor: Double) throws {
    var model = try TinyNetworks.mlp(Array(repeating: 3, count: 61), bias: false).randomModel(seed: 5)
    let plain = try SynFlow().weightScores(of: model, examples: nil)
    for (name, tensor) in model.tensors { model.tensors[name] = try tensor * factor }
    let scaled = try SynFlow().weightScores(of: model, examples: nil)
    let (first, second) = (ParameterName("fc1", .weight), ParameterName("fc40", .weight))
    let ratio = try #require(scaled[first]).sum().item() / #require(plain[first]).sum().item()
    #expect(ratio.isFinite && ratio > 0)
    for name in [first, second] {
      #expect(relativeError(try #require(scaled[name]).doubles(), try #require(plain[name]).doubles().map { $0 * ratio }) < 1e-9)
    }
  }

  @Test func tooFarBeyondIsNamed() throws {
    var model = try TinyNetworks.mlp(Array(repeating: 2, count: 12), bias: false).randomModel(seed: 5)
    for (name, tensor) in model.tensors { model.tensors[name] = try tensor.fullLike(1e100) }
    let error = #expect(throws: PruningError.self) { try model.weightScores(.synflow) }
    #expect(
      error?.description
        == "no unit can be scored: the flows of ones through the absolute weights of mlp are not all finite numbers (NaN or infinity)")
  }

  @Test func weightsOnly() throws {
    let model = try TinyNetworks.mlp([3, 4, 2]).randomModel(seed: 1)
    for name in ["synflow", "grasp"] {
      let error = #expect(throws: PruningError.self) { try model.unitScores(Criterion(named: name), granularity: .unit) }
      #expect(error?.description == "criterion \(name) does not score by unit: choose weight")
    }
  }

  /// Pooling, sums, concatenations, splits, grouped convolutions: every layer of the catalogue's kinds of networks gets a score.
  @Test(arguments: ["lenet-5", "resnet-8", "mobilenet-v2", "squeezenet-1.1"]) func theCatalogue(name: String) throws {
    let model = try Model(Architecture.parse(name), seed: 1)
    for layer in try model.weightScores(.synflow) {
      #expect(try layer.scores.isFinite().logicalNot().sum().item() == 0 && layer.scores.max().item() > 0, "\(name) \(layer.name)")
      #expect(try layer.scores.min().item() >= 0)
    }
  }
}
