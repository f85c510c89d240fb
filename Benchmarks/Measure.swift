internal import Foundation
internal import Networks
internal import Results
internal import Torch
internal import Training

/// A benchmark of training steps: a network, a batch size and an optimizer on synthetic, resident data.
struct BenchmarkCase {
  var name: String
  var network: String
  var batch: Int
  var optimizer: OptimizerPlan
  var learningRate: Double

  static let all = [
    BenchmarkCase(name: "lenet-300-100", network: "lenet-300-100", batch: 60, optimizer: .adam(), learningRate: 1.2e-3),
    BenchmarkCase(name: "wide-mlp", network: "mlp:784-1024-1024-10", batch: 128, optimizer: .adam(), learningRate: 1.2e-3),
    BenchmarkCase(name: "speech-mlp", network: "mlp:4040-512-512-12", batch: 128, optimizer: .adam(), learningRate: 1.2e-3),
    BenchmarkCase(name: "lenet-5", network: "lenet-5", batch: 60, optimizer: .adam(), learningRate: 1.2e-3),
    BenchmarkCase(name: "small-conv", network: "small-conv", batch: 64, optimizer: .sgd(), learningRate: 0.01),
    BenchmarkCase(name: "medium-conv", network: "medium-conv", batch: 64, optimizer: .sgd(), learningRate: 0.01),
    BenchmarkCase(name: "vgg16-cifar", network: "vgg16-cifar", batch: 64, optimizer: .sgd(), learningRate: 0.01),
    BenchmarkCase(name: "vgg16-bn-cifar", network: "vgg16-bn-cifar", batch: 64, optimizer: .sgd(), learningRate: 0.01),
  ]

  /// What a fully connected network is trained with; convolutional ones have `dense` and `masked` only.
  enum Variant: String, CaseIterable {
    /// All weights.
    case dense
    /// A random tenth of the weights; the kernels are free.
    case masked
    /// All weights, and libtorch's operations.
    case libtorch
    /// The kept weights only: a random fifth, tenth or twentieth.
    case sparse80, sparse90, sparse95

    fileprivate var sparsity: Double {
      switch self {
      case .dense, .libtorch: 0
      case .sparse80: 0.8
      case .masked, .sparse90: 0.9
      case .sparse95: 0.95
      }
    }

    fileprivate var kernels: TrainingKernels {
      switch self {
      case .dense: .dense
      case .libtorch: .libtorch
      case .masked: .automatic
      case .sparse80, .sparse90, .sparse95: .sparse
      }
    }
  }

  /// Returns one line of JSON: steps per second over about `seconds`, after a warm-up, and this process's peak memory.
  func measure(_ variant: Variant, threads: Int, seconds: Double) throws -> String {
    try TorchRuntime.configure(threads: threads)
    let network = try Architecture.parse(network)
    let rate: Double
    if network.hasConvolutions {
      rate = try convolutionalRate(network, masked: variant == .masked, seconds: seconds)
    } else {
      let chain = try ChainTime(
        network, variant.kernels, sparsity: variant.sparsity, batch: batch, optimizer: optimizer, examples: 60_000)
      _ = try chain.rate(seconds: seconds / 5)
      rate = try chain.rate(seconds: seconds)
    }
    let record: [String: Any] = [
      "case": name, "variant": variant.rawValue, "threads": threads, "steps_per_second": rate,
      "peak_rss_bytes": Machine.peakMemory, "version": TorchRuntime.version,
    ]
    return String(decoding: try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys]), as: UTF8.self)
  }

  private func convolutionalRate(_ network: Network, masked: Bool, seconds: Double) throws -> Double {
    let generator = try Generator(seed: 1)
    var model = try Model(network, seed: 1).laidOutForBenchmark()
    if masked { try model.maskNineTenths(generator) }
    let executor = try Executor(model)
    let stepper = try Optimizer(optimizer, model: model)
    let shape = try model.network.inputShape.dimensions
    let count = shape.count == 1 ? 60_000 : 2_000
    let images = try Tensor.uniform([count] + shape, generator: generator)
    let labels = try (Tensor.permutation(count, generator: generator).cast(to: .float64) * (10 / Double(count))).floor().cast(to: .int64)

    var order = try Tensor.permutation(count, generator: generator)
    var next = 0

    func step() throws {
      if next + batch > count {
        order = try Tensor.permutation(count, generator: generator)
        next = 0
      }
      let chosen = try order.narrowed(0, from: next, length: batch)
      next += batch
      var batchImages = try images.indexed(0, chosen)
      if batchImages.rank == 4 { batchImages = try batchImages.channelsLast() }
      let loss = try executor.forward(batchImages, mode: .training(generator)).crossEntropy(labels.indexed(0, chosen))
      _ = try loss.item()
      try loss.backward()
      try stepper.step(learningRate: learningRate)
    }

    let warm = Date()
    var warmSteps = 0
    repeat {
      try step()
      warmSteps += 1
    } while warmSteps < 3 || -warm.timeIntervalSinceNow < seconds / 5
    let start = Date()
    var steps = 0
    repeat {
      try step()
      steps += 1
    } while -start.timeIntervalSinceNow < seconds
    return Double(steps) / -start.timeIntervalSinceNow
  }
}

extension Model {
  /// Returns the model as the trainer lays it out: convolution weights channels-last, gradients enabled.
  fileprivate func laidOutForBenchmark() throws -> Model {
    var result = self
    for (name, tensor) in tensors {
      let laidOut = tensor.rank == 4 ? try tensor.channelsLast() : tensor
      try laidOut.requireGradient(name.role.isTrained)
      result.tensors[name] = laidOut
    }
    return result
  }

  /// Adds random masks that keep a tenth of every prunable weight.
  fileprivate mutating func maskNineTenths(_ generator: Generator) throws {
    for name in network.prunableWeights {
      let keep = try Tensor.empty(tensor(name).shape)
      try keep.fillBernoulli(0.1, generator: generator)
      masks[name] = try keep.notEqual(0)
    }
  }
}
