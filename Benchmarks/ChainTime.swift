internal import Datasets
internal import Foundation
internal import Networks
internal import Results
internal import Torch
internal import Training

/// Training steps of a fully connected network through `Trainer`, as `espalier train` takes them.
struct ChainTime {
  private struct Pause: Error {}

  private let trainer: Trainer

  /// Prepares the training of a network of 28×28 or `1×n` inputs on images of random bytes.
  ///
  /// - Parameter sparsity: the fraction that random masks remove from every layer's weights.
  init(
    _ network: Network, _ kernels: TrainingKernels, sparsity: Double = 0, batch: Int, optimizer: OptimizerPlan, examples: Int,
    validation: Int = 0
  ) throws {
    let size = try network.inputShape.dimensions.reduce(1, *)
    let (height, classes) = (size == 784 ? 28 : 1, try network.classes)
    func images(_ count: Int, seed: UInt64) throws -> ImageSet {
      var random = SeededGenerator(seed: seed)
      // Three quarters of a digit's image are black.
      let bytes = (0..<count * size).map { _ in random.next() % 4 == 0 ? UInt8(truncatingIfNeeded: random.next()) : 0 }
      return try ImageSet(
        bytes: bytes, labels: (0..<count).map { Int64($0 % classes) }, channels: 1, height: height, width: size / height,
        classNames: (0..<classes).map(String.init))
    }
    let data = TrainingData(
      training: try images(examples, seed: 1), validation: validation == 0 ? nil : try images(validation, seed: 2), test: nil,
      normalization: Normalization(mean: [0.13], deviation: [0.31]))
    let never = Step.iterations(1_000_000_000)
    let plan = TrainingPlan(
      length: never, batchSize: batch, optimizer: optimizer, learningRate: .init(base: 1e-3), evaluateEvery: never, seed: 1)
    var model = try Model(network, seed: 1)
    let generator = try Generator(seed: 2)
    for name in sparsity == 0 ? [] : network.prunableWeights {
      let keep = try Tensor.empty(model.tensor(name).shape)
      try keep.fillBernoulli(1 - sparsity, generator: generator)
      model.masks[name] = try keep.notEqual(0)
    }
    trainer = try Trainer(plan, model: model, data: data, kernels: kernels)
  }

  /// Returns steps per second over about `seconds`.
  func rate(seconds: Double) throws -> Double {
    let (start, before) = (Date(), trainer.iteration)
    do { try trainer.run(afterStep: { _ in if -start.timeIntervalSinceNow > seconds { throw Pause() } }) } catch is Pause {}
    return Double(trainer.iteration - before) / -start.timeIntervalSinceNow
  }

  /// Returns the seconds of one evaluation of the validation images.
  func evaluationSeconds() throws -> Double {
    let start = Date()
    _ = try trainer.evaluateValidation()
    return -start.timeIntervalSinceNow
  }
}
