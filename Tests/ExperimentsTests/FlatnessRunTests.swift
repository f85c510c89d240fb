import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

@testable import Experiments

/// Runs that end with a measurement of the loss around their weights.
@Suite(.serialized) struct FlatnessRunTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private let source = DataPlan(dataset: "digits", subset: 300, seed: 3)
  private let training = TrainingPlan(length: .epochs(3), batchSize: 60, learningRate: .init(base: 0.002), seed: 3)

  private func experiment(_ flatness: MeasureFlatness?, compact: Bool = true) -> Experiment {
    Experiment(
      start: .network("mlp:64-12-10", weights: nil), data: source, training: training,
      pruning: PruningPlan(
        criterion: .magnitude, granularity: .weight, allocation: .global, amount: .total(0.5), timing: .during(every: .epochs(1)),
        compact: compact, seed: 3), flatness: flatness)
  }

  private func row(_ experiment: Experiment) throws -> (runner: Runner, row: RunRecord) {
    let runner = try Runner(experiment)
    try runner.run()
    return (runner, try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: []))
  }

  /// Against the surface of the final model, its derivatives taken apart from the run.
  @Test func theRowHasTheFinalModelsFlatness() throws {
    let (runner, row) = try row(experiment(MeasureFlatness(examples: 100, probes: 30, eigenvalues: 3, draws: 4, seed: 3), compact: false))
    let found = try #require(row.flatness)
    let data = try source.load()
    let all = try runner.model.evaluate(data.evaluationBatches(data.training, channelsLast: false))
    #expect(found.training == Accuracy(correct: all.correct, count: 300, loss: all.loss) && row.data?.training == 300)
    let surface = try LossSurface(runner.model, on: data.examples(100, seed: 3, channelsLast: false))
    // 768 + 120 weights, half of them pruned, and 22 biases.
    #expect(found.examples == 100 && found.parameters == (768 + 120) / 2 + 22 && found.parameters == surface.parameters)
    #expect(try found.loss == surface.loss() && found.gradientCovariance == surface.gradientCovariance())
    let top = try Lanczos(
      3, from: surface.randomNormal(Generator(seed: 9)), tolerance: 1e-5, most: 200, product: surface.hessianProduct)
    #expect(relativeError(found.eigenvalues, top.values) < 1e-3 && found.eigenvalueResidual <= MeasureFlatness.tolerance)
    let error = try #require(found.hessianTrace.standardError)
    var trace = 0.0
    let stream = try Generator(seed: 4)
    for _ in 0..<300 {
      let signs = try surface.randomSigns(stream)
      trace += try (surface.hessianProduct(signs) * signs).sum().item() / 300
    }
    #expect(found.hessianTrace.count == 30 && abs(found.hessianTrace.mean - trace) < 4 * error, "\(found.hessianTrace) \(trace)")
    #expect(found.lossRise.count == 4 && found.lossRise.mean > 0 && found.noise == 0.1)
  }

  @Test func theSameSeedGivesTheSameBitsAlsoWhenResumed() throws {
    let flatness = MeasureFlatness(examples: 50, probes: 3, eigenvalues: 2, draws: 2, seed: 3)
    let whole = try row(experiment(flatness))
    let again = try BrokenOffRun(experiment(flatness), breakingAfter: [7])
    #expect(again.runner.state[MeasuredFlatness.self]?.flatness == whole.row.flatness && whole.row.flatness != nil)
    // It changes nothing.
    let without = try row(experiment(nil))
    #expect(without.row.flatness == nil && without.row.pruned?.accuracyAtEnd == whole.row.pruned?.accuracyAtEnd)
    let other = try row(experiment(MeasureFlatness(examples: 50, probes: 3, eigenvalues: 2, draws: 2, seed: 4)))
    #expect(other.row.flatness?.hessianTrace.mean != whole.row.flatness?.hessianTrace.mean)
    #expect(other.row.flatness?.training == whole.row.flatness?.training)
  }

  @Test func recipesKeepIt() throws {
    let run = experiment(MeasureFlatness(examples: 50, seed: 3))
    let json = try run.json
    #expect(
      json.contains("\"flatness\":{\"draws\":20,\"eigenvalues\":5,\"examples\":50,\"noise\":0.1,\"probes\":50,\"seed\":3}"), "\(json)")
    let without = try experiment(nil).json
    #expect(!json.contains("\"stages\"") && !without.contains("flatness"))
    let back = try JSONDecoder().decode(Experiment.self, from: Data(json.utf8))
    #expect(back == run && back.flatness?.examples == 50 && back != experiment(nil))
  }

  @Test func impossibleNumbersAreRefused() throws {
    func refused(_ flatness: MeasureFlatness, _ words: String) {
      #expect(throws: PlanError(words)) { try experiment(flatness).validate() }
    }
    refused(MeasureFlatness(examples: 1), "--flatness-examples 1 is impossible: give 2 to 10000000")
    refused(
      MeasureFlatness(probes: 0), "a flatness of 0 probes, 5 eigenvalues and 20 draws of noise 0.1 is impossible")
    refused(
      MeasureFlatness(noise: .infinity), "a flatness of 50 probes, 5 eigenvalues and 20 draws of noise inf is impossible")
    let bare = Experiment(start: .network("mlp:64-12-10", weights: nil), data: nil, training: nil, flatness: MeasureFlatness())
    #expect(throws: PlanError("--flatness needs training images: give --dataset")) { try Runner(bare) }
  }
}
