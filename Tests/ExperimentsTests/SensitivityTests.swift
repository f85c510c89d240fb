import Experiments
import Networks
import Pruning
import Testing
import Torch
import Training

@Suite struct SensitivityTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  /// Validation images judge a scan where there are any, else test images do.
  @Test(arguments: [(nil as Int?, "validation", 143), (0, "test", 360)]) func whoJudges(validation: Int?, judges: String, images: Int)
    throws
  {
    let plan = DataPlan(dataset: "digits", validation: validation, seed: 2)
    let scan = SensitivityScan(.magnitude, granularity: .weight, fractions: [0.5])
    let result = try Experiment.sensitivity(
      .network("mlp:64-12-10", weights: nil), on: plan, scan: scan, ignoring: [], examples: 100)
    #expect(result.judges == judges && result.images == images)
    let data = try plan.load()
    let judge = try #require(validation == 0 ? data.test : data.validation)
    let model = try Model(
      Architecture.parse("mlp:64-12-10"), seed: SeedPurpose.initialization.seed(from: 2))
    let whole = try model.evaluate(data.evaluationBatches(judge, channelsLast: false))
    #expect(result.loss == whole.loss && result.accuracy == whole.accuracy)
    #expect(result.points.map(\.layer) == ["fc1", "fc2"] && result.points.map(\.total) == [768, 120])
    #expect(result.points.map(\.removed) == [384, 60] && result.points[0].loss != whole.loss)
  }
}
