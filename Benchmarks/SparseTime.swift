internal import Foundation
internal import Networks
internal import Results
internal import Torch
internal import Training

/// The speed-up of training and evaluating LeNet-300-100 by the sparse kernels, at several sparsities of random masks.
///
/// All trainers run alternately for a tenth of a second each, so that a disturbance affects all of them; ratios are medians over the
/// rounds.
enum SparseTime {
  private struct Runner {
    let sparsity: Double?
    let chain: ChainTime
    var rates: [Double] = []
    var evaluations: [Double] = []
  }

  /// Returns one line of JSON: steps per second, seconds per evaluation, and both as ratios to dense training, for each sparsity.
  static func measure(threads: Int, seconds: Double, form: KernelForm?) throws -> String {
    try TorchRuntime.configure(threads: threads)
    let network = try Architecture.parse("lenet-300-100")
    var runners = try [nil, 0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98].map { sparsity in
      Runner(
        sparsity: sparsity,
        chain: try ChainTime(
          network, TrainingKernels(sparsity == nil ? .dense : .sparse, form: form), sparsity: sparsity ?? 0, batch: 60, optimizer: .adam(),
          examples: 55_000, validation: 5_000))
    }
    // The first round warms up and does not count.
    for round in 0...max(Int(seconds / 0.1 / Double(runners.count)), 3) {
      for index in runners.indices {
        let rate = try runners[index].chain.rate(seconds: 0.1), evaluation = try runners[index].chain.evaluationSeconds()
        guard round > 0 else { continue }
        runners[index].evaluations.append(evaluation)
        runners[index].rates.append(rate)
      }
    }
    let dense = runners[0]
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    let rows: [[String: Any]] = runners.map { runner in
      [
        "sparsity": runner.sparsity ?? 0, "kernels": runner.sparsity == nil ? "dense" : "sparse",
        "steps_per_second": median(runner.rates), "evaluation_seconds": median(runner.evaluations),
        "step_ratio": median(zip(runner.rates, dense.rates).map { $0 / $1 }),
        "evaluation_ratio": median(zip(dense.evaluations, runner.evaluations).map { $0 / $1 }),
      ]
    }
    let record: [String: Any] = [
      "case": "lenet-300-100", "threads": threads, "form": (form ?? KernelForm.available.last)?.rawValue ?? "", "sparse": rows,
      "rounds": dense.rates.count, "peak_rss_bytes": Machine.peakMemory, "version": TorchRuntime.version,
    ]
    return String(decoding: try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys]), as: UTF8.self)
  }
}
