import Datasets
import Networks
import Testing
import Torch
import Training

/// input → convolution 1→2 (2×2) → relu → max pooling → flatten → linear.
private let small = Network(
  name: "small",
  nodes: [
    .init(name: "input", operation: .input(.image(channels: 1, height: 3, width: 3)), inputs: []),
    .init(name: "conv", operation: .convolution(Convolution(1, 2, kernel: Extent(2))), inputs: ["input"]),
    .init(name: "relu", operation: .activation(.relu), inputs: ["conv"]),
    .init(name: "pool", operation: .maxPool(Pooling(kernel: Extent(2))), inputs: ["relu"]),
    .init(name: "flatten", operation: .flatten, inputs: ["pool"]),
    .init(name: "fc", operation: .linear(Linear(2, 2)), inputs: ["flatten"]),
  ], outputs: ["fc"])

private func model() throws -> Model {
  try Model(
    network: small,
    tensors: [
      ParameterName("conv", .weight): Tensor([1, 0, 0, 1, -1, 0, 0, 0] as [Float], shape: [2, 1, 2, 2]),
      ParameterName("conv", .bias): Tensor([0, 2] as [Float]),
      ParameterName("fc", .weight): Tensor([1, 2, -1, 1] as [Float], shape: [2, 2]),
      ParameterName("fc", .bias): Tensor([0.5, 0] as [Float]),
    ])
}

@Suite struct ExecutorTests {
  private let image: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9]

  @Test func computesByHand() throws {
    // conv channel 0: x[i,j] + x[i+1,j+1] → [6, 8; 12, 14], its maximum 14; channel 1: 2 − x[i,j] → [1, 0; −2, −3], after ReLU 1.
    let output = try Executor(model()).forward(Tensor(image, shape: [1, 1, 3, 3]))
    #expect(try output.array(Float.self) == [14 + 2 + 0.5, -14 + 1])
  }

  @Test func batchesBecomeWhatTheTensorsAre() throws {
    let output = try Executor(model().cast(to: .float64)).forward(Tensor(image, shape: [1, 1, 3, 3]))
    #expect(output.elementType == .float64)
    #expect(try output.array(Double.self) == [14 + 2 + 0.5, -14 + 1])
  }

  @Test func showsObservedValues() throws {
    var seen: [String: [Float]] = [:]
    _ = try Executor(model()).forward(Tensor(image, shape: [1, 1, 3, 3]), mode: .evaluation, observing: ["relu", "pool"]) {
      seen[$0] = try $1.array(Float.self)
    }
    #expect(seen == ["relu": [6, 8, 12, 14, 1, 0, 0, 0], "pool": [14, 1]])
  }

  @Test func aPausedPassGoesOnWithWhatItHolds() throws {
    let model = try model()
    let executor = try Executor(model)
    let input = try Tensor(image, shape: [1, 1, 3, 3])
    var pass = PausedPass()
    func value(_ node: String) throws -> [Float] { try executor.value(of: node, in: &pass, over: input).array(Float.self) }
    #expect(try value("pool") == [14, 1] && pass.byteCount == 8)
    // What is behind it has changed: it counts only where the pass has not been yet.
    let weight = try model.tensor(ParameterName("conv", .weight))
    try weight.copy(from: weight.zerosLike())
    try model.tensor(ParameterName("fc", .weight)).copy(from: Tensor([2, 4, -2, 2] as [Float], shape: [2, 2]))
    #expect(try executor.forward(input).array(Float.self) == [8.5, 4])
    #expect(try value("pool") == [14, 1])
    #expect(try value("fc") == [28 + 4 + 0.5, -28 + 2] && pass.byteCount == 8)
    // What it holds no more is computed from the beginning.
    #expect(try value("relu") == [0, 0, 0, 0, 2, 2, 2, 2] && pass.byteCount == 32)
    #expect(try value("fc") == [8.5, 4])
    #expect(throws: TorchError("forward: network small has no node gone")) { try value("gone") }
  }

  @Test func aPausedPassThatFailsBeginsAnew() throws {
    let executor = try Executor(model())
    var pass = PausedPass()
    let input = try Tensor(image, shape: [1, 1, 3, 3])
    _ = try executor.value(of: "pool", in: &pass, over: input)
    #expect(throws: ModelError.input(network: "small", expected: [1, 3, 3], given: [1, 4, 4])) {
      try executor.value(of: "conv", in: &pass, over: .zeros([1, 1, 4, 4]))
    }
    #expect(pass.byteCount == 0)
    #expect(try executor.value(of: "pool", in: &pass, over: input).array(Float.self) == [14, 1])
  }

  @Test func refusesAnotherShape() throws {
    #expect(throws: ModelError.input(network: "small", expected: [1, 3, 3], given: [1, 4, 4])) {
      try Executor(model()).forward(Tensor.zeros([1, 1, 4, 4]))
    }
  }

  @Test func evaluationCountsTheRightOnes() throws {
    let images = try Tensor.zeros([3, 1, 3, 3])
    // Zero images give channel values 0 and 2, so logits 4.5 and 2: class 0 wins.
    let evaluation = try Executor(model()).evaluate(Batch(inputs: images, labels: Tensor([0, 0, 1] as [Int64])))
    #expect(evaluation.correct == 2)
    #expect(evaluation.count == 3)
    #expect(abs(evaluation.loss - (2 * 0.0788894 + 2.5788894) / 3) < 1e-5)
  }

  @Test func optimizerKeepsPrunedWeightsAtZero() throws {
    var model = try model()
    let weight = ParameterName("fc", .weight)
    model.masks[weight] = try Tensor([true, false, true, true], shape: [2, 2])
    for name in model.tensors.keys { try model.tensor(name).requireGradient() }
    let optimizer = try Optimizer(.adam(), model: model)
    let executor = try Executor(model)
    for _ in 0..<3 {
      let logits = try executor.forward(Tensor(image, shape: [1, 1, 3, 3]))
      try logits.crossEntropy(Tensor([1] as [Int64])).backward()
      try optimizer.step(learningRate: 0.1)
    }
    let values = try model.tensor(weight).detached().array(Float.self)
    #expect(values[1] == 0)
    #expect(values[0] != 1)
    for moment in try #require(optimizer.state.moments[weight]) { #expect(try moment.array(Float.self)[1] == 0) }
  }

  @Test func initialisationHasTheVarianceOfItsPaper() throws {
    let network = Network(
      name: "wide",
      nodes: [
        .init(name: "input", operation: .input(.vector(400)), inputs: []),
        .init(name: "fc", operation: .linear(Linear(400, 600)), inputs: ["input"]),
      ], outputs: ["fc"])
    let expected: [Initialization: Double] = [
      .kaimingNormal: 2.0 / 400, .kaimingUniform: 2.0 / 400, .glorotNormal: 2.0 / 1000, .glorotUniform: 2.0 / 1000,
      .pytorch: 1.0 / 1200,
    ]
    for (initialization, variance) in expected {
      let model = try Model(network, initialization: initialization, seed: 1)
      let weight = try model.tensor(ParameterName("fc", .weight))
      #expect(abs(try weight.variance().item() / variance - 1) < 0.02, "\(initialization)")
      let again = try Model(network, initialization: initialization, seed: 1).tensor(ParameterName("fc", .weight))
      #expect(try weight.bytes() == again.bytes())
    }
  }
}
