internal import Datasets
internal import Foundation
internal import Networks
internal import Pruning
internal import Torch
internal import Training

/// Training steps of a network through `Trainer`, as `espalier train` takes them.
struct TrainingTime {
  private struct Pause: Error {}

  private let trainer: Trainer

  /// Prepares the training of a network.
  ///
  /// - Parameters:
  ///   - sparsity: the fraction that random masks remove from every layer's weights.
  ///   - hasGates: whether gates multiply units, filters and inputs.
  init(
    _ network: Network, _ kernels: TrainingKernels, sparsity: Double, hasGates: Bool, batch: Int, optimizer: OptimizerPlan,
    learningRate: Double,
    on data: TrainingData
  ) throws {
    let never = Step.iterations(1_000_000_000)
    let plan = TrainingPlan(
      length: never, batchSize: batch, optimizer: optimizer, learningRate: .init(base: learningRate), evaluateEvery: never, seed: 1)
    let model = try Model.random(network, sparsity: sparsity)
    let gates = PruningPlan(
      method: "l0", criterion: .magnitude, granularity: .unit, allocation: .global, amount: .learned, timing: .everyStep, gates: GatePlan())
    let hooks = try hasGates ? [HardConcreteGates(gates, model: model, examples: data.training.count)] : []
    trainer = try Trainer(plan, model: model, data: data, hooks: hooks, kernels: kernels)
  }

  /// Returns steps per second over about `seconds`, of one step at least.
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

/// Evaluations of a network as `espalier evaluate` makes them, again and again on the same batches.
struct EvaluationTime {
  private let executor: Executor
  private let batches: EvaluationBatches

  /// Examples per batch.
  var batchSize: Int { batches.batchSize }

  /// Prepares the evaluation of a network on images of random bytes.
  init(_ network: Network, sparsity: Double, examples: Int) throws {
    let data = try TrainingData.random(for: network, examples: examples)
    executor = try Executor(Model.random(network, sparsity: sparsity).laidOutForInference())
    batches = try data.evaluationBatches(data.training, for: network)
  }

  /// Returns images per second over about `seconds`, of one evaluation at least.
  func rate(seconds: Double) throws -> Double {
    let start = Date()
    var count = 0
    repeat { count += try executor.evaluate(batches).count } while -start.timeIntervalSinceNow < seconds
    return Double(count) / -start.timeIntervalSinceNow
  }
}

extension TrainingData {
  /// Returns images of random bytes, with their normalisation.
  ///
  /// - Parameter validation: the number of images in the validation part; none for 0.
  static func random(for network: Network, examples: Int, validation: Int = 0) throws -> TrainingData {
    let images = try ExampleSet.random(examples, for: network, seed: 1)
    // Those of uniform numbers between 0 and 1.
    let (mean, deviation): (Float, Float) = (0.5, 0.289)
    return TrainingData(
      training: images, validation: validation == 0 ? nil : try .random(validation, for: network, seed: 2), test: nil,
      normalization: Normalization(
        mean: Array(repeating: mean, count: images.channels), deviation: Array(repeating: deviation, count: images.channels)))
  }
}

extension ExampleSet {
  /// Returns images of uniform random bytes of the shape that a network takes, labelled with its classes in turn.
  fileprivate static func random(_ count: Int, for network: Network, seed: UInt64) throws -> ExampleSet {
    let sides = try network.inputShape.dimensions
    let (channels, height, width) = sides.count == 3 ? (sides[0], sides[1], sides[2]) : (1, 1, sides.reduce(1, *))
    var random = SeededGenerator(seed: seed)
    let bytes = [UInt8](unsafeUninitializedCapacity: count * channels * height * width) { bytes, filled in
      for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
      filled = bytes.count
    }
    let classes = try network.classes
    return try ExampleSet(
      bytes: bytes, labels: (0..<count).map { Int64($0 % classes) }, channels: channels, height: height, width: width,
      classNames: (0..<classes).map(String.init))
  }
}

extension Model {
  /// Returns a freshly initialised model whose random masks remove a fraction of every layer's weights.
  fileprivate static func random(_ network: Network, sparsity: Double) throws -> Model {
    var model = try Model(network, seed: 1)
    let generator = try Generator(seed: 2)
    for name in sparsity == 0 ? [] : network.prunableWeights {
      let keep = try Tensor.empty(model.tensor(name).shape)
      try keep.fillBernoulli(1 - sparsity, generator: generator)
      model.masks[name] = try keep.notEqual(0)
    }
    return model
  }
}
