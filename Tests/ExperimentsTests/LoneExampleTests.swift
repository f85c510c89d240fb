import Datasets
import Experiments
import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

/// Batches of one example have no variance for batch norms that hear one value per channel of it.
@Suite struct LoneExampleTests {
  private func network(_ input: FeatureShape = .vector(64), kernel: Int? = nil) throws -> Network {
    var builder = NetworkBuilder("normed", input: input)
    if let kernel { builder.convolution("conv1", 4, kernel: kernel) } else { builder.linear("fc1", 4) }
    builder.batchNorm("bn1")
    builder.relu()
    if kernel != nil { builder.flatten() }
    builder.linear("fc2", 10)
    return try builder.network()
  }

  @Test func normsOfVectors() throws {
    let image = FeatureShape.image(channels: 1, height: 8, width: 8)
    #expect(try network().batchNormsOfVectors() == ["bn1"])
    #expect(try network(image, kernel: 8).batchNormsOfVectors() == ["bn1"], "a map of one position")
    #expect(try network(image, kernel: 7).batchNormsOfVectors() == [])
    #expect(try Architecture.parse("mlp:64-4-10").batchNormsOfVectors() == [])
  }

  private func words(
    batch: Int = 64, subset: Int = 40, steps: Int = 1, repairs: [PruningPlan.Repair] = [], examples: Int? = nil
  ) throws -> String? {
    let folder = try TemporaryDirectory()
    let path = folder.file("m.st")
    try ModelFile(model: Model(network(), seed: 1)).write(to: path)
    let recovery = TrainingPlan(length: .iterations(steps), batchSize: batch, learningRate: LearningRateSchedule(base: 1e-3))
    let experiment = Experiment(
      start: .file(path), data: DataPlan(dataset: "digits", subset: subset, validation: 0, seed: 3), training: nil,
      pruning: PruningPlan(
        criterion: .l2, granularity: .unit, allocation: .layer, amount: .perEvent(0.25), timing: .rounds(1, recovery: .iterations(steps)),
        examples: examples, repairs: repairs), recovery: steps > 0 ? recovery : nil)
    do { _ = try Runner(experiment) } catch { return "\(error)" }
    return nil
  }

  @Test func refusedBeforeAnyWork() throws {
    let start = "batches of one example leave a batch norm on vectors (bn1) nothing to average: "
    #expect(try words(batch: 1) == start + "give --batch-size 2 or more")
    #expect(try words(subset: 1) == start + "give more training images")
    #expect(try words(batch: 2) == nil && words(batch: 39) == nil, "a last batch of one is left out")
    #expect(try words(batch: 1, steps: 0) == nil)
    #expect(
      try words(repairs: [.batchNorms], examples: 1)
        == "--repair batch-norm: bn1 sees one value per channel of one example, which has no variance; give more --examples")
    #expect(try words(repairs: [.batchNorms], examples: 2) == nil)
  }

  @Test func theTrainerRefusesItToo() throws {
    let set = try Dataset.load(name: "digits").train.subset(5, seed: 1)
    let data = TrainingData(training: set, validation: nil, test: nil, normalization: try Dataset.named("digits").normalization)
    let plan = TrainingPlan(length: .iterations(1), batchSize: 1, learningRate: LearningRateSchedule(base: 1e-3))
    #expect(
      throws: PlanError("batches of one example leave a batch norm on vectors (bn1) nothing to average: give --batch-size 2 or more")
    ) { try Trainer(plan, model: Model(network(), seed: 1), data: data) }
  }
}
