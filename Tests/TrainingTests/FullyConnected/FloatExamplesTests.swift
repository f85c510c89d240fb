import Datasets
import Networks
import TestSupport
import Testing
import Torch
import Training

/// Fully connected networks on float32 examples.
@Suite struct FloatExamplesTests {
  /// The same examples as bytes, and as float32 values that the normalisation maps to the same numbers.
  private func data(floats: Bool) throws -> TrainingData {
    func set(_ count: Int, _ seed: UInt64) throws -> ExampleSet {
      let images = try learnableImages(count, side: 6, classes: 4, seed: seed)
      guard floats else { return images }
      let values = try (0..<count).flatMap { try images.image(at: $0).map(Float.init) }
      return try ExampleSet(values: values, labels: images.labels, shape: images.shape, classNames: images.classNames)
    }
    // Powers of two, so that both are exact.
    let unit: Float = floats ? 255 : 1
    return TrainingData(
      training: try set(100, 1), validation: try set(40, 2), test: nil,
      normalization: Normalization(mean: [0.25 * unit], deviation: [0.5 * unit]))
  }

  private func trained(_ data: TrainingData, _ kernels: TrainingKernels) throws -> Trainer {
    let plan = TrainingPlan(length: .epochs(3), batchSize: 20, learningRate: LearningRateSchedule(base: 0.01), seed: 4)
    let model = try Model(Architecture.parse("mlp:36-20-4"), initialization: .kaimingUniform, seed: 4)
    let trainer = try Trainer(plan, model: model, data: data, kernels: kernels)
    try trainer.run()
    return trainer
  }

  /// Our own kernels compute scale·element + offset from either, to the last bit.
  @Test(arguments: [TrainingKernels.dense, .sparse]) func equalTheSameBytes(kernels: TrainingKernels) throws {
    try withThreads {
      let (floats, bytes) = (try trained(data(floats: true), kernels), try trained(data(floats: false), kernels))
      #expect(floats.usesOwnKernels && bytes.usesOwnKernels)
      #expect(floats.log.evaluations == bytes.log.evaluations)
      for (name, tensor) in floats.model.tensors { #expect(try tensor.bytes() == bytes.model.tensor(name).bytes(), "\(name)") }
    }
  }

  /// libtorch takes them from assembled batches.
  @Test func agreeWithLibtorch() throws {
    try withThreads {
      let (own, torch) = (try trained(data(floats: true), .dense), try trained(data(floats: true), .libtorch))
      #expect(!torch.usesOwnKernels)
      for (a, b) in zip(own.log.evaluations, torch.log.evaluations) { #expect(abs(a.trainingLoss - b.trainingLoss) < 1e-4) }
    }
  }

  /// Vectors, each feature with a mean and a deviation of its own.
  @Test func vectorsTrain() throws {
    try withThreads {
      var generator = SeededGenerator(seed: 3)
      func set(_ count: Int) throws -> ExampleSet {
        let labels = (0..<count).map { Int64($0 % 3) }
        let values = labels.flatMap { label in
          (0..<5).map { feature in Float(100 * feature) + Float(feature + 1) * (Float(label) + Float(generator.nextUnit())) }
        }
        return try ExampleSet(values: values, labels: labels, shape: [5], classNames: ["a", "b", "c"])
      }
      let training = try set(300)
      let data = TrainingData(
        training: training, validation: try set(90), test: nil, normalization: try training.meanAndDeviation())
      let plan = TrainingPlan(length: .epochs(20), batchSize: 20, learningRate: LearningRateSchedule(base: 0.01), seed: 4)
      let network = try Architecture.parse("lenet-300-100", input: .vector(5), classes: 3)
      let trainer = try Trainer(plan, model: Model(network, initialization: .kaimingUniform, seed: 4), data: data)
      try trainer.run()
      #expect(trainer.usesOwnKernels && trainer.log.evaluations.last?.validation?.accuracy ?? 0 > 0.95)
      #expect(data.preprocessing.elementType == .float32 && data.preprocessing.inputShape == [5] && data.preprocessing.mean.count == 5)
    }
  }
}
