import Experiments
import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

/// Masks on the linear layers of a convolutional network alone, below a threshold or of the smallest, kept through recovery.
@Suite(.serialized) struct ClassifierMaskTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func model() throws -> Model {
    var builder = NetworkBuilder("classified", input: .image(channels: 1, height: 8, width: 8))
    builder.convolution("conv1", 4, kernel: 3)
    builder.relu()
    builder.maxPool(2)
    builder.flatten()
    builder.linear("fc1", 12)
    builder.relu()
    builder.linear("fc2", 10)
    return try Model(builder.network(), seed: 3)
  }

  @Test(arguments: [PruningPlan.Amount.threshold(0.1), .total(0.3)])
  func convolutionsAreLeftAloneAndMasksStay(amount: PruningPlan.Amount) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("start.safetensors")
    let start = try model()
    try ModelFile(model: start).write(to: path)
    let isThreshold = if case .threshold = amount { true } else { false }
    let recovery = TrainingPlan(length: .epochs(2), batchSize: 30, learningRate: .init(base: 0.01), seed: 3)
    let runner = try Runner(
      Experiment(
        start: .file(path), data: DataPlan(dataset: "digits", subset: 300, seed: 3), training: nil,
        pruning: PruningPlan(
          criterion: isThreshold ? .threshold : .magnitude, granularity: .weight, allocation: .layer, amount: amount,
          timing: .rounds(1, recovery: .epochs(2)), ignored: ["conv*"], compact: false, seed: 3), recovery: recovery))
    try runner.run()
    #expect(runner.model.masks[ParameterName("conv1", .weight)] == nil)
    #expect(try runner.model.tensor(ParameterName("conv1", .weight)).nonZeroCount() == 36)
    var removed = 0
    for layer in ["fc1", "fc2"] {
      let name = ParameterName(layer, .weight)
      let weights = try start.tensor(name).array(Float.self).map(abs)
      let expected = isThreshold ? weights.count { $0 < 0.1 } : Int((0.3 * Double(weights.count) + 0.5).rounded(.down))
      let mask = try #require(runner.model.masks[name]).array(Bool.self)
      let after = try runner.model.tensor(name).array(Float.self)
      #expect(mask.count { !$0 } == expected && expected > 0 && expected < weights.count, "\(layer)")
      #expect(zip(mask, after).allSatisfy { $0 || $1 == 0 } && zip(mask, weights).contains { !$0 && $1 > 0 })
      // What was removed was smallest.
      let (gone, kept) = (zip(mask, weights).filter { !$0.0 }.map(\.1), zip(mask, weights).filter { $0.0 }.map(\.1))
      #expect((gone.max() ?? 0) <= (kept.min() ?? 0))
      removed += expected
    }
    #expect(runner.state.events.first?.removed == removed)
  }
}
