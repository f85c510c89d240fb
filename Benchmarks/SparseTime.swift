internal import Foundation
internal import Networks
internal import Results
internal import SparseRuntime
internal import Torch
internal import Training

/// The speed-up of training and evaluating LeNet-300-100 by the sparse kernels, at several sparsities of random masks, and by threads.
///
/// All trainers run alternately for a tenth of a second each, so that a disturbance affects all of them; ratios are medians over the
/// rounds.
enum SparseTime {
  private struct Runner {
    let sparsity: Double?
    let threads: Int
    let time: TrainingTime
    var rates: [Double] = []
    var evaluations: [Double] = []
  }

  /// Returns one line of JSON: steps per second, seconds per evaluation, and both as ratios to dense training and to the first number of
  /// threads, for each sparsity and number of threads.
  static func measure(threads: [Int], seconds: Double, form: KernelForm?) throws -> String {
    let cases = try BenchmarkCase.all()
    guard let lenet = cases[name] else { throw PlanError("there is no case \(name)") }
    let data = try lenet.data(validation: 5_000)
    let kinds = [nil, 0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98]
    var runners: [Runner] = []
    for threads in threads {
      try TorchRuntime.configure(threads: threads)
      for sparsity in kinds {
        let time = try lenet.training(
          TrainingKernels(sparsity == nil ? .dense : .sparse, form: form), sparsity: sparsity ?? 0, on: data)
        // A trainer keeps the threads of its first step.
        _ = try time.rate(seconds: 0)
        runners.append(Runner(sparsity: sparsity, threads: threads, time: time))
      }
    }
    // The first round warms up and does not count.
    for round in 0...max(Int(seconds / 0.1 / Double(runners.count)), 3) {
      for index in runners.indices {
        let rate = try runners[index].time.rate(seconds: 0.1), evaluation = try runners[index].time.evaluationSeconds()
        guard round > 0 else { continue }
        runners[index].evaluations.append(evaluation)
        runners[index].rates.append(rate)
      }
    }
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    func ratio(_ upper: [Double], _ lower: [Double]) -> Double { median(zip(upper, lower).map { $0 / $1 }) }
    let rows: [[String: Any]] = runners.enumerated().map { index, runner in
      let dense = runners[index / kinds.count * kinds.count], few = runners[index % kinds.count]
      return [
        "sparsity": runner.sparsity ?? 0, "kernels": runner.sparsity == nil ? "dense" : "sparse", "threads": runner.threads,
        "steps_per_second": median(runner.rates), "evaluation_seconds": median(runner.evaluations),
        "step_ratio": ratio(runner.rates, dense.rates), "evaluation_ratio": ratio(dense.evaluations, runner.evaluations),
        "thread_ratio": ratio(runner.rates, few.rates), "thread_evaluation_ratio": ratio(few.evaluations, runner.evaluations),
      ]
    }
    let record: [String: Any] = [
      "case": name, "form": (form ?? KernelForm.available.last)?.rawValue ?? "", "sparse": rows, "rounds": runners[0].rates.count,
      "peak_rss_bytes": Machine.peakMemory, "version": TorchRuntime.version,
    ]
    return String(decoding: try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys]), as: UTF8.self)
  }

  private static let name = "lenet-300-100"
}
