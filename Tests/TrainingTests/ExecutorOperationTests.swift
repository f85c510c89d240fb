import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

/// The value of a network of one operation after its input, on one example.
private func value(
  _ input: FeatureShape, _ x: [Float], parameters: [(ParameterName.Role, [Float], [Int])] = [], mode: ExecutionMode = .evaluation,
  _ build: (inout NetworkBuilder) -> Void
) throws -> [Double] {
  var builder = NetworkBuilder("one", input: input)
  build(&builder)
  let network = try builder.network()
  var tensors: [ParameterName: Tensor] = [:]
  for (role, values, shape) in parameters { tensors[ParameterName("op", role)] = try Tensor(values, shape: shape) }
  let executor = try Executor(Model(network: network, tensors: tensors))
  return try executor.forward(Tensor(x, shape: [1] + input.dimensions), mode: mode).doubles()
}

private func grey(_ height: Int, _ width: Int) -> FeatureShape { .image(channels: 1, height: height, width: width) }

@Suite struct ExecutorOperationTests {
  private let count: [Float] = (1...16).map(Float.init)

  @Test func linear() throws {
    let weights: [(ParameterName.Role, [Float], [Int])] = [(.weight, [1, 2, 3, 4, 5, 6], [2, 3])]
    #expect(try value(.vector(3), [1, 10, 100], parameters: weights) { $0.linear("op", 2, bias: false) } == [321, 654])
    #expect(
      try value(.vector(3), [1, 10, 100], parameters: weights + [(.bias, [-1, 1], [2])]) { $0.linear("op", 2) } == [320, 655])
  }

  @Test func convolutionWithStridePaddingDilationAndGroups() throws {
    // Sums of the 3×3 windows around (0, 0), (0, 2), (2, 0) and (2, 2) of 1 … 16 in rows of four.
    let ones = [(ParameterName.Role.weight, [Float](repeating: 1, count: 9), [1, 1, 3, 3])]
    #expect(
      try value(grey(4, 4), count, parameters: ones) { $0.convolution("op", 1, kernel: 3, stride: 2, padding: 1, bias: false) }
        == [14, 30, 57, 99])
    let dilated = Operation.convolution(Convolution(1, 1, kernel: Extent(2), dilation: Extent(3), bias: false))
    #expect(
      try value(grey(4, 4), count, parameters: [(.weight, [1, 10, 100, 1000], [1, 1, 2, 2])]) { $0.append("op", dilated, from: ["input"]) }
        == [1 + 40 + 1300 + 16000])
    // Each of two groups sees one of the two channels.
    #expect(
      try value(
        .image(channels: 2, height: 1, width: 1), [3, 5], parameters: [(.weight, [10, 100], [2, 1, 1, 1]), (.bias, [1, 2], [2])]
      ) { $0.convolution("op", 2, kernel: 1, groups: 2) } == [31, 502])
  }

  @Test func pooling() throws {
    #expect(try value(grey(4, 4), count) { $0.maxPool(2) } == [6, 8, 14, 16])
    #expect(try value(grey(4, 4), count) { $0.maxPool(3, stride: 1) } == [11, 12, 15, 16])
    #expect(try value(grey(4, 4), count) { $0.averagePool(2) } == [3.5, 5.5, 11.5, 13.5])
    #expect(try value(grey(4, 4), count) { $0.adaptiveAveragePool(1) } == [8.5])
    #expect(try value(grey(4, 4), count) { $0.append("op", .adaptiveAveragePool(height: 2, width: 1), from: ["input"]) } == [4.5, 12.5])
    // The third window hangs over the edge.
    let ceiling = Operation.maxPool(Pooling(kernel: Extent(2), ceilMode: true))
    #expect(
      try value(grey(1, 3), [1, 2, 3]) { $0.append("op", .maxPool(Pooling(kernel: Extent(1, 2), ceilMode: true)), from: ["input"]) } == [
        2, 3,
      ])
    #expect(try value(grey(3, 3), Array(count.prefix(9))) { $0.append("op", ceiling, from: ["input"]) } == [5, 6, 8, 9])
  }

  @Test func activations() throws {
    let x: [Float] = [-2, -0.5, 0, 0.5, 2]
    func expect(_ activation: Activation, _ expected: [Double]) throws {
      let found = try value(.vector(5), x) { $0.activation(activation) }
      #expect(relativeError(found, expected) < 1e-6, "\(activation)")
    }
    try expect(.relu, [0, 0, 0, 0.5, 2])
    #expect(try value(.vector(5), [-7, 0, 2.5, 6, 7]) { $0.activation(.relu6) } == [0, 0, 2.5, 6, 6])
    try expect(.tanh, [-0.9640275801, -0.4621171573, 0, 0.4621171573, 0.9640275801])
    // x·Φ(x) and x/(1 + e⁻ˣ).
    try expect(.gelu, [-0.0455002639, -0.1542687694, 0, 0.3457312306, 1.9544997361])
    // x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))).
    try expect(.tanhGELU, [-0.0454023059, -0.1542859902, 0, 0.3457140098, 1.9545976941])
    try expect(.silu, [-0.2384058440, -0.1887703344, 0, 0.3112296656, 1.7615941560])
    try expect(.sigmoid, [0.1192029220, 0.3775406688, 0.5, 0.6224593312, 0.8807970780])
    try expect(.hardSigmoid(), [1 / 6, 5 / 12, 0.5, 7 / 12, 5 / 6])
    try expect(.hardSigmoid(slope: 0.25), [0, 0.375, 0.5, 0.625, 1])
    try expect(.hardSwish, [-1 / 3, -5 / 24, 0, 7 / 24, 5 / 3])
    try expect(.leakyReLU(slope: 0.25), [-0.5, -0.125, 0, 0.5, 2])
    // 2·(e⁻² − 1) and 2·(e^−½ − 1).
    try expect(.elu(alpha: 2), [-1.7293294335, -0.7869386806, 0, 0.5, 2])
    try expect(.softplus, [0.1269280110, 0.4740769842, 0.6931471806, 0.9740769842, 2.1269280110])
    try expect(.mish, [-0.2525014823, -0.2207444866, 0, 0.3752448455, 1.9439589595])
    try expect(.affine(scale: -2, shift: 0.5), [4.5, 1.5, 0.5, -0.5, -3.5])
    try expect(.affine(scale: 0.25), [-0.5, -0.125, 0, 0.125, 0.5])
    try expect(.affine(shift: 3), [1, 2.5, 3, 3.5, 5])
    for function in Activation.allCases {
      #expect(try Tensor([0] as [Double]).activated(by: function).array(Double.self) == [function.valueAtZero], "\(function)")
    }
    // One slope for each channel, and one for both.
    let image = FeatureShape.image(channels: 2, height: 1, width: 2)
    func prelu(_ features: Int, _ slopes: [Float]) throws -> [Double] {
      try value(image, [-1, 2, -3, 4], parameters: [(.weight, slopes, [features])]) {
        $0.append("op", .prelu(PReLU(features)), from: ["input"])
      }
    }
    #expect(try prelu(2, [0.5, 2]) == [-0.5, 2, -6, 4])
    #expect(try prelu(1, [0.5]) == [-0.5, 2, -1.5, 4])
  }

  @Test func productsAndDifferences() throws {
    let image = FeatureShape.image(channels: 2, height: 1, width: 2)
    #expect(try value(image, [1, 2, 3, 4]) { $0.multiply("input", by: "input") } == [1, 4, 9, 16])
    // The means are 1.5 and 3.5: as an image of one pixel, and as a vector.
    let gated = try value(image, [1, 2, 3, 4]) { $0.multiply("input", by: $0.adaptiveAveragePool(1)) }
    #expect(gated == [1.5, 3, 10.5, 14])
    let byVector = try value(image, [1, 2, 3, 4]) {
      $0.adaptiveAveragePool(1)
      $0.multiply("input", by: $0.flatten())
    }
    #expect(byVector == gated)
    #expect(try value(image, [1, -2, 3, -4]) { $0.append("op", .subtract, from: [$0.relu(), "input"]) } == [0, 2, 0, 4])
  }

  @Test func whatChangesAnImagesSize() throws {
    func one(_ operation: Networks.Operation, _ shape: FeatureShape, _ x: [Float]) throws -> [Double] {
      try value(shape, x) { $0.append("op", operation, from: ["input"]) }
    }
    #expect(
      try one(.pad(top: 0, bottom: 1, left: 2, right: 0), grey(2, 2), [1, 2, 3, 4]) == [0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0])
    #expect(try one(.adaptiveMaxPool(height: 1, width: 1), grey(4, 4), count) == [16])
    #expect(try one(.resize(height: 2, width: 4, .nearest), grey(2, 2), [1, 2, 3, 4]) == [1, 1, 2, 2, 3, 3, 4, 4])
    #expect(try one(.resize(height: 1, width: 4, .bilinear), grey(1, 2), [0, 4]) == [0, 1, 3, 4])
    #expect(try one(.resize(height: 1, width: 5, .bilinearAligned), grey(1, 2), [0, 4]) == [0, 1, 2, 3, 4])
    // Windows of 2 from pixel −1 on: a half of the first and last is padding.
    func mean(_ countsPadding: Bool) throws -> [Double] {
      let pool = Pooling(kernel: Extent(1, 2), padding: Extent(0, 1), countsPadding: countsPadding)
      return try one(.averagePool(pool), grey(1, 4), [2, 4, 6, 8])
    }
    #expect(try mean(true) == [1, 5, 4])
    #expect(try mean(false) == [2, 5, 8])
  }

  /// Two positions, one channel in each of two heads. In the first head both keys are alike, so that the weights are halves; in the second the
  /// scores differ by ln 3, so that they are ¼ and ¾.
  @Test func attention() throws {
    let image = FeatureShape.image(channels: 6, height: 1, width: 2)
    let third = Float(log(3.0) / 2)
    let x: [Float] = [5, 7, 1, 1, 0, 0, 0, third, 2, 4, 8, 16]
    let found = try value(image, x) {
      let parts = $0.split([2, 2, 2], from: "input")
      // The second head's queries are 1: those of the first head are 5 and 7.
      $0.append("op", .attention(Attention(heads: 2, width: 1, scale: 2)), from: parts)
    }
    #expect(relativeError(found, [3, 3, 14, 14]) < 1e-6)
    let token = try value(.image(channels: 2, height: 1, width: 2), [1, 2, 3, 4], parameters: [(.weight, [10, 20], [2])]) {
      $0.append("op", .classToken(features: 2), from: ["input"])
    }
    #expect(token == [10, 1, 2, 20, 3, 4])
    let places = try value(.image(channels: 2, height: 1, width: 2), [1, 2, 3, 4], parameters: [(.weight, [10, 20, 30, 40], [2, 1, 2])]) {
      $0.append("op", .positionEmbedding(PositionEmbedding(2, height: 1, width: 2)), from: ["input"])
    }
    #expect(places == [11, 22, 33, 44])
    let cut = try value(grey(2, 3), [1, 2, 3, 4, 5, 6]) { $0.append("op", .pad(top: -1, bottom: 1, left: 0, right: -2), from: ["input"]) }
    #expect(cut == [4, 0])
  }

  @Test func normsOverChannels() throws {
    // At one position channels 1 and 3, mean 2 and variance 1; at the other 5 and 5.
    let image = FeatureShape.image(channels: 2, height: 1, width: 2)
    let affine: [(ParameterName.Role, [Float], [Int])] = [(.weight, [2, 3], [2]), (.bias, [10, 20], [2])]
    let one = 1 / (1 + 1e-5).squareRoot()
    let whole = try value(image, [1, 5, 3, 5], parameters: affine) {
      $0.append("op", .channelNorm(ChannelNorm(2)), from: ["input"])
    }
    #expect(relativeError(whole, [10 - 2 * one, 10, 20 + 3 * one, 20]) < 1e-6)
    // Two channels that are gone count as zeros: mean 1, variance (1 + 9)/4 − 1 = 1.5; mean 2.5, variance 50/4 − 6.25 = 6.25.
    let less = try value(image, [1, 5, 3, 5], parameters: affine) {
      $0.append("op", .channelNorm(ChannelNorm(2, absent: 2)), from: ["input"])
    }
    #expect(relativeError(less, [10, 10 + 2 * 1, 20 + 3 * 2 / (1.5 + 1e-5).squareRoot(), 20 + 3 * 1]) < 1e-5)
    #expect(
      try value(image, [1, 5, 3, 5], parameters: affine) { $0.append("op", .channelAffine(ChannelAffine(2)), from: ["input"]) }
        == [12, 20, 29, 35])
    #expect(
      try value(.vector(2), [1, 5], parameters: [affine[0]]) {
        $0.append("op", .channelAffine(ChannelAffine(2, bias: false)), from: ["input"])
      } == [2, 15])
    // Each channel with its left and right neighbour: x/(1 + 3·mean of squares).
    let three = FeatureShape.image(channels: 3, height: 1, width: 1)
    let local = try value(three, [1, 2, 3]) {
      $0.append("op", .localResponseNorm(LocalResponseNorm(3, alpha: 3, beta: 1, k: 1)), from: ["input"])
    }
    #expect(relativeError(local, [1.0 / 6, 2.0 / 15, 3.0 / 14]) < 1e-6)
    let shares = try value(image, [0, 0, Float(log(3.0)), 0]) { $0.append("op", .softmax, from: ["input"]) }
    #expect(relativeError(shares, [0.25, 0.5, 0.75, 0.5]) < 1e-6)
  }

  @Test func batchNorm() throws {
    let parameters: [(ParameterName.Role, [Float], [Int])] = [
      (.weight, [2, 3], [2]), (.bias, [1, -1], [2]), (.runningMean, [1, 0], [2]), (.runningVariance, [4, 0.25], [2]),
    ]
    let shape = FeatureShape.image(channels: 2, height: 1, width: 2)
    // γ(x − μ)/√(σ² + ε) + β with the running statistics.
    let still = try value(shape, [1, 5, 0, 1], parameters: parameters) { $0.batchNorm("op") }
    #expect(relativeError(still, [1, 5, -1, 5]) < 1e-4)
    // With the batch's: channel 0 has mean 3 and variance 4, channel 1 mean 0.5 and variance 0.25.
    let moving = try value(shape, [1, 5, 0, 1], parameters: parameters, mode: .training(Generator(seed: 1))) { $0.batchNorm("op") }
    #expect(relativeError(moving, [-1, 3, -4, 2]) < 1e-3)
  }

  @Test func trainingMovesRunningStatisticsAndEvaluationDoesNot() throws {
    var builder = NetworkBuilder("norm", input: .image(channels: 1, height: 1, width: 2))
    builder.batchNorm("op")
    let model = try Model(builder.network(), seed: 1)
    let executor = try Executor(model)
    let mean = try model.tensor(ParameterName("op", .runningMean))
    let variance = try model.tensor(ParameterName("op", .runningVariance))
    let x = try Tensor([1, 5] as [Float], shape: [1, 1, 1, 2])
    _ = try executor.forward(x)
    #expect(try mean.doubles() + variance.doubles() == [0, 1])
    _ = try executor.forward(x, mode: .training(Generator(seed: 1)))
    // A tenth of the way to the mean 3 and the unbiased variance 8.
    #expect(relativeError(try mean.doubles() + variance.doubles(), [0.3, 1.7]) < 1e-6)
  }

  @Test func dropoutScalesWhatItKeepsAndOnlyInTraining() throws {
    let x = [Float](repeating: 3, count: 1000)
    #expect(try value(.vector(1000), x) { $0.dropout(0.75) } == x.map(Double.init))
    let dropped = try value(.vector(1000), x, mode: .training(Generator(seed: 1))) { $0.dropout(0.75) }
    #expect(Set(dropped) == [0, 12])
    #expect((200..<300).contains(dropped.count { $0 != 0 }))
    #expect(try value(.vector(1000), x, mode: .training(Generator(seed: 1))) { $0.dropout(0) } == x.map(Double.init))
  }

  @Test func groupNorms() throws {
    let epsilon = 1e-5
    // Mean 2, variance 1; then mean 30, variance 100.
    let plain = [(ParameterName.Role.weight, [1, 1, 1, 1] as [Float], [4]), (.bias, [0, 0, 0, 0], [4])]
    let two = try value(.vector(4), [1, 3, 20, 40], parameters: plain) { $0.groupNorm("op", groups: 2) }
    let (one, ten) = (1 / (1 + epsilon).squareRoot(), 10 / (100 + epsilon).squareRoot())
    #expect(relativeError(two, [-one, one, -ten, ten]) < 1e-6)
    // Two channels that are gone count as zeros: mean 1, variance (1 + 9)/4 − 1 = 1.5.
    let layer = try value(.vector(2), [1, 3], parameters: [(.weight, [2, 3], [2]), (.bias, [5, 6], [2])]) {
      $0.append("op", .groupNorm(GroupNorm(groups: 1, 2, absent: 2)), from: ["input"])
    }
    #expect(relativeError(layer, [5, 6 + 3 * 2 / (1.5 + epsilon).squareRoot()]) < 1e-6)
    // The same with positions, and without scale.
    let image = FeatureShape.image(channels: 2, height: 1, width: 2)
    let unscaled = try value(image, [1, 1, 3, 3]) {
      $0.append("op", .groupNorm(GroupNorm(groups: 1, 2, affine: false, absent: 2)), from: ["input"])
    }
    #expect(relativeError(unscaled, [0, 0, 2 / (1.5 + epsilon).squareRoot(), 2 / (1.5 + epsilon).squareRoot()]) < 1e-6)
  }

  @Test func splits() throws {
    #expect(try value(.vector(3), [1, 2, 3]) { _ = $0.split([1, 2]) } == [2, 3])
    let image = FeatureShape.image(channels: 3, height: 1, width: 2)
    #expect(try value(image, [1, 2, 3, 4, 5, 6]) { _ = $0.split([1, 1]) } == [3, 4])
    #expect(try value(.vector(3), [1, 2, 3]) { $0.indexSelect([0, 2]) } == [1, 3])
    #expect(try value(image, [1, 2, 3, 4, 5, 6]) { $0.indexSelect([0, 2]) } == [1, 2, 5, 6])
    #expect(try value(image, [1, 2, 3, 4, 5, 6]) { $0.indexSelect([2, 0]) } == [5, 6, 1, 2])
    #expect(try value(.vector(6), [1, 2, 3, 4, 5, 6]) { $0.channelShuffle(groups: 2) } == [1, 4, 2, 5, 3, 6])
  }

  @Test func severalInputsAndOutputs() throws {
    var builder = NetworkBuilder("two", input: .vector(2))
    let first = builder.relu("a")
    let second = builder.input("other", .vector(2))
    let sum = builder.add([first, second])
    let network = try builder.network(outputs: [sum, first])
    let executor = try Executor(Model(network: network, tensors: [:]))
    let (x, y) = (try Tensor([1, -2] as [Float], shape: [1, 2]), try Tensor([10, 20] as [Float], shape: [1, 2]))
    #expect(try executor.outputs(of: [x, y]).map { try $0.doubles() } == [[11, 20], [1, 0]])
    #expect(throws: ModelError.inputs(network: "two", expected: 2, given: 1)) { try executor.forward(x) }
    #expect(
      ModelError.inputs(network: "two", expected: 2, given: 1).description
        == "network two has 2 inputs and takes a batch for each, not 1")
  }

  @Test func branches() throws {
    let sum = try value(.vector(2), [1, -2]) { $0.add(["input", $0.relu(), $0.activation(.tanh, from: "input")]) }
    #expect(relativeError(sum, [2 + 0.7615941560, -2 - 0.9640275801]) < 1e-6)
    let shape = FeatureShape.image(channels: 2, height: 1, width: 2)
    #expect(
      try value(shape, [1, -2, 3, -4]) { $0.concat([$0.relu(), "input"]) } == [1, 0, 3, 0, 1, -2, 3, -4])
    #expect(try value(shape, [1, -2, 3, -4]) { $0.flatten() } == [1, -2, 3, -4])
    // Every second pixel, a channel of zeros before and two after.
    #expect(
      try value(grey(3, 3), Array(count.prefix(9))) { $0.subsamplePad(stride: 2, before: 1, after: 2) } == [
        0, 0, 0, 0, 1, 3, 7, 9, 0, 0, 0, 0, 0, 0, 0, 0,
      ])
  }

  @Test func aModuleMayStandTwice() throws {
    let twice = try value(.vector(1), [3], parameters: [(.weight, [2], [1, 1]), (.bias, [1], [1])]) { builder in
      builder.append("op", .linear(Linear(1, 1)), from: ["input"])
      builder.append("again", .linear(Linear(1, 1)), from: ["op"], module: "op")
    }
    #expect(twice == [15])
  }

  @Test func vectorsTakeImagesOfAsManyElements() throws {
    var builder = NetworkBuilder("vector", input: .vector(4))
    builder.relu()
    let executor = try Executor(Model(builder.network(), seed: 1))
    #expect(try executor.forward(Tensor([-1, 2, 3, 4] as [Float], shape: [1, 1, 2, 2])).shape == [1, 4])
    #expect(throws: ModelError.input(network: "vector", expected: [4], given: [1, 3, 2])) { try executor.forward(.zeros([1, 1, 3, 2])) }
  }

  @Test func theFirstOutputIsTheClassifier() throws {
    var builder = NetworkBuilder("outputs", input: .vector(2))
    builder.relu("first")
    builder.activation(.tanh, "second")
    let network = try builder.network(outputs: ["first", "second"])
    #expect(try Executor(Model(network, seed: 1)).forward(Tensor([7, -7] as [Float], shape: [1, 2])).doubles() == [7, 0])
  }

  @Test func anErrorLeavesTheExecutorUsable() throws {
    struct Refusal: Error {}
    var builder = NetworkBuilder("errors", input: .vector(2))
    builder.relu("op")
    let executor = try Executor(Model(builder.network(), seed: 1))
    let x = try Tensor([1, -1] as [Float], shape: [1, 2])
    #expect(throws: Refusal.self) { try executor.forward(x, mode: .evaluation, observing: ["op"]) { _, _ in throw Refusal() } }
    #expect(try executor.forward(x).doubles() == [1, 0])
  }
}
