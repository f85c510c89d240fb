internal import Foundation
internal import Networks
internal import Results
internal import SparseRuntime
internal import Torch
internal import Training

/// The speed-up of training and evaluating a convolutional network by computing with kept weights alone, at several sparsities of random masks.
///
/// Each sparse trainer takes steps and evaluates by turns with one that has the same masks and libtorch's kernels; ratios are medians over the
/// rounds.
enum ConvolutionTime {
  private static let batch = 64

  /// Returns one line of JSON: milliseconds of a step and of an evaluation of 500 images, sparse and dense, and their ratios, for each sparsity.
  ///
  /// - Parameter seconds: about how long all of it takes.
  static func measure(_ network: String, threads: Int, seconds: Double) throws -> String {
    try TorchRuntime.configure(threads: threads)
    let network = try Architecture.parse(network), sparsities = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98]
    let data = try TrainingData.random(for: network, examples: 2000, validation: 500)
    let rows: [[String: Any]] = try sparsities.map { sparsity in
      let (dense, sparse) = (
        try training(network, .libtorch, sparsity, on: data), try training(network, .automatic, sparsity, on: data)
      )
      // The first round warms up and does not count.
      _ = try (times(dense), times(sparse))
      var rounds: [(dense: [Double], sparse: [Double])] = []
      let end = Date().addingTimeInterval(seconds / Double(sparsities.count))
      while rounds.count < 3 || Date() < end { rounds.append(try (times(dense), times(sparse))) }
      func median(_ value: ((dense: [Double], sparse: [Double])) -> Double) -> Double {
        rounds.map(value).sorted()[rounds.count / 2]
      }
      return [
        "sparsity": sparsity, "rounds": rounds.count, "step_ms": median { $0.sparse[0] * 1e3 },
        "dense_step_ms": median { $0.dense[0] * 1e3 },
        "step_ratio": median { $0.dense[0] / $0.sparse[0] }, "evaluation_ms": median { $0.sparse[1] * 1e3 },
        "dense_evaluation_ms": median { $0.dense[1] * 1e3 }, "evaluation_ratio": median { $0.dense[1] / $0.sparse[1] },
      ]
    }
    let record: [String: Any] = [
      "case": network.name, "batch": batch, "threads": threads, "form": KernelForm.available.last?.rawValue ?? "", "convolutions": rows,
      "peak_rss_bytes": Machine.peakMemory, "version": TorchRuntime.version,
    ]
    return String(decoding: try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys]), as: UTF8.self)
  }

  private static func training(
    _ network: Network, _ kernels: TrainingKernels, _ sparsity: Double, on data: TrainingData
  ) throws -> TrainingTime {
    try TrainingTime(
      network, kernels, sparsity: sparsity, hasGates: false, batch: batch, optimizer: .sgd(momentum: 0.9), learningRate: 0.001, on: data)
  }

  /// Returns the seconds of a step and of an evaluation.
  private static func times(_ training: TrainingTime) throws -> [Double] {
    [try 1 / training.rate(seconds: 0), try training.evaluationSeconds()]
  }
}
