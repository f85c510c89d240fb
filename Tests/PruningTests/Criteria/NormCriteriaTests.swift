import Datasets
import Networks
import Pruning
import Testing
import Torch
import Training

/// conv1 → bn1 → conv2 → bn2 → out on 2×3×3 images; with `bare`, conv2 has no norm.
private func network(bare: Bool = false) throws -> Network {
  var builder = NetworkBuilder("normed", input: .image(channels: 2, height: 3, width: 3))
  builder.convolution("conv1", 3, kernel: 1, bias: false)
  builder.batchNorm("bn1")
  builder.relu()
  builder.convolution("conv2", 2, kernel: 1)
  if !bare { builder.batchNorm("bn2") }
  builder.relu()
  builder.flatten()
  builder.linear("out", 2)
  return try builder.network()
}

private func model(bare: Bool = false) throws -> Model {
  var model = try network(bare: bare).randomModel(seed: 1)
  model.tensors[ParameterName("bn1", .weight)] = try Tensor([1, -2, 0] as [Double])
  model.tensors[ParameterName("bn1", .bias)] = try Tensor([0, 0, 3] as [Double])
  return model
}

struct NormCriteriaTests {
  @Test func scalesOfTheNormBehindTheLayer() throws {
    let layers = try model().unitScores(.normScale, granularity: .filter)
    #expect(layers.map(\.name) == ["conv1", "conv2"])
    #expect(try layers[0].scores.array(Double.self) == [1, 2, 0])
  }

  @Test func expectedOutputsByHand() throws {
    // φ(0) = 0.39894; 2·φ(0); max(3, 0).
    let scores = try model().unitScores(.expectedNormOutput, granularity: .unit)[0].scores.array(Double.self)
    #expect(zip(scores, [0.3989422804014327, 0.7978845608028654, 3]).allSatisfy { abs($0 - $1) < 1e-15 }, "\(scores)")
    // φ(1) + Φ(1) = 0.24197 + 0.84134; −1: φ(1) − Φ(−1) = 0.24197 − 0.15866; far above, β; far below, nothing, and never less.
    let more = try ExpectedNormOutput().unitScores(
      scale: Tensor([1, -1, 1e-300, 1, 0, 0] as [Double]), shift: Tensor([1, -1, 5, -30, -3, 0] as [Double]))
    let found = try more.array(Double.self)
    #expect(abs(found[0] - 1.0833154705876864) < 1e-15 && abs(found[1] - 0.0833154705876864) < 1e-15)
    #expect(found[2] == 5 && found[3] >= 0 && found[3] < 1e-100 && found[4] == 0 && found[5] == 0)
    let undefined = try ExpectedNormOutput().unitScores(scale: Tensor([.nan, 0] as [Float]), shift: Tensor([0, .nan] as [Float]))
    #expect(try undefined.array(Double.self).allSatisfy { $0.isNaN })
  }

  @Test func aLayerWithoutNormIsNamed() throws {
    for criterion in [Criterion.normScale, .expectedNormOutput] {
      let error = #expect(throws: PruningError.self) { try model(bare: true).unitScores(criterion, granularity: .unit) }
      #expect(
        error?.description == "criterion \(criterion) reads the batch norm after a layer, and there is none after conv2: "
          + "leave such layers alone with --ignore, or choose another criterion")
      #expect(try model(bare: true).unitScores(criterion, granularity: .unit, ignoring: ["conv2"]).map(\.name) == ["conv1"])
    }
  }
}

/// Copies the gradients of bn1's and bn2's scales.
private final class GradientReader: TrainingHook {
  let name: String
  var gradients: [[Float]] = []
  init(_ name: String) { self.name = name }
  func didComputeGradients(_ trainer: Trainer) throws {
    for module in ["bn1", "bn2"] {
      gradients.append(try trainer.model.tensor(ParameterName(module, .weight)).gradient?.array(Float.self) ?? [])
    }
  }
}

struct SlimmingPenaltyTests {
  @Test func addsTheSignOfEachScale() throws {
    var random = Seeded(3)
    let images = try ExampleSet(
      bytes: (0..<8 * 18).map { _ in UInt8(random.below(256)) }, labels: (0..<8).map { $0 % 2 }, channels: 2, height: 3, width: 3,
      classNames: ["a", "b"])
    let data = TrainingData(
      training: images, validation: nil, test: nil, normalization: Normalization(mean: [0.5, 0.5], deviation: [1, 1]))
    let start = try model().cast(to: .float32)
    let (before, after) = (GradientReader("before"), GradientReader("after"))
    let penalty = try SlimmingPenalty(strength: 0.25, network: start.network)
    let plan = TrainingPlan(
      length: .iterations(2), batchSize: 8, optimizer: .sgd(momentum: 0, weightDecay: 0, nesterov: false),
      learningRate: LearningRateSchedule(base: 1e-9))
    try Trainer(plan, model: start, data: data, hooks: [before, penalty, after]).run()
    #expect(before.gradients.count == 4 && after.gradients.count == 4)
    // bn1's scales are 1, −2 and 0: λ, −λ and nothing; after a step the last one is 0 no more.
    for step in [0, 2] {
      let difference = zip(after.gradients[step], before.gradients[step]).map { $0 - $1 }
      let expected: [Float] = step == 0 ? [0.25, -0.25, 0] : [0.25, -0.25]
      #expect(zip(difference, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(difference)")
    }
    let signs = try start.tensor(ParameterName("bn2", .weight)).array(Float.self).map { $0 > 0 ? 0.25 : -0.25 as Float }
    #expect(zip(zip(after.gradients[1], before.gradients[1]), signs).allSatisfy { abs($0.0 - $0.1 - $1) < 1e-6 })
    // 0.25·(1 + 2 + 0 + Σ|γ| of bn2).
    let rest = try start.tensor(ParameterName("bn2", .weight)).array(Float.self).reduce(0) { $0 + Double(abs($1)) }
    #expect(try abs(penalty.value(for: start) - 0.25 * (3 + rest)) < 1e-6)
    #expect(try penalty.state().isEmpty && penalty.name == "slimming" && penalty.strength == 0.25)
  }

  @Test func impossibleOnesGetAnAnswer() throws {
    for strength in [-1e-4, .nan, .infinity] {
      let error = #expect(throws: PlanError.self) { try SlimmingPenalty(strength: strength, network: network()) }
      #expect(error?.description == "a slimming penalty of \(strength) is impossible: give 0 or a positive number, e.g. 1e-4")
    }
    let bare = #expect(throws: PlanError.self) { try SlimmingPenalty(strength: 1e-4, network: TinyNetworks.mlp([2, 3, 2])) }
    #expect(bare?.description == "the slimming penalty needs batch norms with a scale: mlp has none")
  }
}
