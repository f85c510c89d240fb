internal import Foundation
internal import Networks
internal import Results
internal import Torch
internal import Training

/// A benchmark: a network, a batch size and an optimizer on synthetic, resident data. `cases.json` holds them, for the peers too.
struct BenchmarkCase: Decodable {
  private var network: String
  private var examples: Int
  private var evaluated: Int
  private var batch: Int
  private var optimizer: String
  private var learningRate: Double
  private var momentum: Double?

  /// The cases by name.
  static func all() throws -> [String: BenchmarkCase] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode([String: BenchmarkCase].self, from: Data(PackageResources.cases_json))
  }

  /// The work whose time is measured.
  enum Subject: String, CaseIterable {
    /// Steps of training.
    case train
    /// Loss and accuracy of a set.
    case evaluate
    /// Outer steps of meta-learning, of first and of second order.
    case fomaml, maml
  }

  /// What a network is trained with; `libtorch` and the sparse kernels differ from the rest for fully connected networks only.
  enum Variant: String, CaseIterable {
    /// All weights.
    case dense
    /// A random tenth of the weights; the kernels are free.
    case masked
    /// All weights, and libtorch's operations.
    case libtorch
    /// All weights, multiplied by a gate on every unit, filter and input.
    case l0
    /// The kept weights only: a random fifth, tenth or twentieth.
    case sparse80, sparse90, sparse95

    fileprivate var sparsity: Double {
      switch self {
      case .dense, .libtorch, .l0: 0
      case .sparse80: 0.8
      case .masked, .sparse90: 0.9
      case .sparse95: 0.95
      }
    }

    fileprivate var kernels: TrainingKernels {
      switch self {
      case .dense, .l0: .dense
      case .libtorch: .libtorch
      case .masked: .automatic
      case .sparse80, .sparse90, .sparse95: .sparse
      }
    }
  }

  /// Returns one line of JSON: steps of training or images evaluated per second over about `seconds`, after a warm-up, and this process's
  /// peak memory.
  func measure(_ subject: Subject, _ variant: Variant, threads: Int, seconds: Double) throws -> String {
    try TorchRuntime.configure(threads: threads)
    var record: [String: Any] = [
      "variant": variant.rawValue, "threads": threads, "parameters": try Architecture.parse(network).cost().parameters,
      "version": TorchRuntime.version,
    ]
    let rate: (Double) throws -> Double
    switch subject {
    case .train:
      record["batch"] = batch
      rate = try training(variant.kernels, sparsity: variant.sparsity, hasGates: variant == .l0, on: data()).rate
    case .fomaml, .maml:
      record["batch"] = MetaTime.batch
      rate = try MetaTime(subject == .maml ? .maml : .fomaml, Architecture.parse(network), on: data()).rate
    case .evaluate:
      let evaluation = try EvaluationTime(Architecture.parse(network), sparsity: variant.sparsity, examples: evaluated)
      record["batch"] = evaluation.batchSize
      rate = evaluation.rate
    }
    _ = try rate(seconds / 5)
    record[subject == .evaluate ? "images_per_second" : "steps_per_second"] = try rate(seconds)
    record["peak_rss_bytes"] = Machine.peakMemory
    return String(decoding: try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys]), as: UTF8.self)
  }

  /// Returns random images of the size and number of this case's.
  ///
  /// - Parameter validation: the number of further images, to be evaluated.
  func data(validation: Int = 0) throws -> TrainingData {
    try .random(for: Architecture.parse(network), examples: examples, validation: validation)
  }

  /// Returns a training of this case on the given images.
  ///
  /// - Parameters:
  ///   - sparsity: the fraction that random masks remove from every layer's weights.
  ///   - hasGates: whether gates multiply units, filters and inputs.
  func training(_ kernels: TrainingKernels, sparsity: Double, hasGates: Bool = false, on data: TrainingData) throws -> TrainingTime {
    try TrainingTime(
      Architecture.parse(network), kernels, sparsity: sparsity, hasGates: hasGates, batch: batch,
      optimizer: optimizer == "adam" ? .adam() : .sgd(momentum: momentum ?? 0), learningRate: learningRate, on: data)
  }
}
