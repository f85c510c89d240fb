import Datasets
import Networks
import Pruning
import Testing
import Torch
import Training

/// What the lines say when a sweep cannot be.
struct SweepErrorTests {
  private func model() throws -> Model {
    var builder = NetworkBuilder("small", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 3, kernel: 3)
    builder.relu()
    builder.convolution("conv2", 2, kernel: 2)
    builder.flatten()
    builder.linear("fc", 2)
    return try builder.network().randomModel(seed: 5)
  }

  private func batch(_ value: Double = 1) throws -> Batch {
    Batch(inputs: try .full([2, 1, 4, 4], value, type: .float64), labels: try Tensor([0, 1] as [Int64]))
  }

  private func message(_ body: () throws -> Void) -> String? { #expect(throws: PruningError.self) { try body() }?.description }

  @Test func dataIsAskedFor() throws {
    let model = try model()
    for name in ["rs", "mrs", "abs-rs", "abs-mrs", "taylor", "taylor-activation", "gradient-norm", "apoz", "entropy", "obd"] {
      let text = message { _ = try model.layerScores(Criterion(named: name), batches: nil) }
      #expect(text == "criterion \(name) needs data: give --dataset")
    }
    #expect(message { _ = try model.sweep([], statistics: [.zeroCounts]) } == "a sweep needs examples, and there is none")
  }

  @Test(arguments: [Double.nan, .infinity]) func brokenWeightsAreFound(value: Double) throws {
    for (layer, statistics) in [("conv2", [SweepStatistic.gradientSums]), ("conv1", [.zeroCounts]), ("fc", [])] {
      let model = try model()
      try model.tensor(ParameterName(layer, .bias)).fill(value)
      #expect(
        message { _ = try model.sweep([batch(), batch()], statistics: Set(statistics)) }
          == "no unit can be scored: the activations of \(layer) are not all finite numbers (NaN or infinity)")
    }
  }

  @Test func brokenExamplesAreFound() throws {
    #expect(
      message { _ = try model().sweep([batch(), batch(.nan)], statistics: [.activationSums]) }
        == "no unit can be scored: the examples' inputs are not all finite numbers (NaN or infinity)")
  }

  @Test func whatWasNotGatheredIsNamed() throws {
    let result = try model().sweep([batch()], statistics: [.gradientSums])
    #expect(
      message { _ = try result.scores(Criterion(named: "apoz")) } == "conv1: the sweep over the examples has not gathered zero counts")
    #expect(
      message { _ = try result.weightScores(Criterion(named: "rs")) } == "criterion rs does not score by weight: choose unit or filter")
    #expect(
      message { _ = try result.scores(.activation) }
        == "criterion activation sums over training steps and has seen none: prune during training, or choose l1, l2 or random")
  }

  @Test func unknownNamesAreNamed() throws {
    let model = try model()
    #expect(
      message { _ = try model.sweep([batch()], statistics: [], layers: ["conv1", "conv9"]) }
        == "there is no layer \"conv9\" to score: choose from conv1, conv2, fc")
    #expect(message { _ = try model.sweep([batch()], statistics: [], meanMaps: ["relu9"]) } == "there is no node \"relu9\" to average")
    #expect(
      message { _ = try model.sweep([batch()], statistics: [.hessianDiagonal], probes: HessianProbes(.hutchinson, count: 0)) }
        == "0 probes of the Hessian: at least 1 is needed")
  }

  @Test func otherShapesAreRefused() throws {
    let batch = Batch(inputs: try .ones([1, 1, 5, 5], type: .float64), labels: try Tensor([0] as [Int64]))
    let error = #expect(throws: ModelError.self) { try model().sweep([batch], statistics: []) }
    #expect(error?.description == "network small takes examples of shape [1, 4, 4], not [1, 5, 5]")
  }
}
