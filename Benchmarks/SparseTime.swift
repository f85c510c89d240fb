internal import Datasets
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
    let trainer: Trainer
    var rates: [Double] = []
    var evaluations: [Double] = []
  }

  private struct Pause: Error {}

  /// Returns one line of JSON: steps per second, seconds per evaluation, and both as ratios to dense training, for each sparsity.
  static func measure(threads: Int, seconds: Double, form: KernelForm?) throws -> String {
    try TorchRuntime.configure(threads: threads)
    var random = SeededGenerator(seed: 1)
    func images(_ count: Int) throws -> ImageSet {
      // Three quarters of a digit's image are black.
      let bytes = (0..<count * 784).map { _ in random.next() % 4 == 0 ? UInt8(truncatingIfNeeded: random.next()) : 0 }
      return try ImageSet(
        bytes: bytes, labels: (0..<count).map { Int64($0 % 10) }, channels: 1, height: 28, width: 28, classNames: (0..<10).map(String.init))
    }
    let data = TrainingData(
      training: try images(55_000), validation: try images(5_000), test: nil, normalization: Normalization(mean: [0.13], deviation: [0.31]))
    let plan = TrainingPlan(
      length: .iterations(1_000_000_000), batchSize: 60, optimizer: .adam(), learningRate: .init(base: 1.2e-3),
      evaluateEvery: .iterations(1_000_000_000), seed: 1)
    let model = try Model(Architecture.parse("lenet-300-100"), seed: 1)
    var runners = try [nil, 0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98].map { sparsity in
      var masked = model
      let generator = try Generator(seed: 2)
      for name in sparsity == nil ? [] : model.network.prunableWeights {
        let keep = try Tensor.empty(model.tensor(name).shape)
        try keep.fillBernoulli(1 - (sparsity ?? 0), generator: generator)
        masked.masks[name] = try keep.notEqual(0)
      }
      return Runner(
        sparsity: sparsity,
        trainer: try Trainer(plan, model: masked, data: data, sparse: sparsity == nil ? .never : SparseTraining(.always, form: form)))
    }
    // The first round warms up and does not count.
    for round in 0...max(Int(seconds / 0.1 / Double(runners.count)), 3) {
      for index in runners.indices {
        let trainer = runners[index].trainer
        let (start, before) = (Date(), trainer.iteration)
        do {
          try trainer.run(afterStep: { _ in if -start.timeIntervalSinceNow > 0.1 { throw Pause() } })
        } catch is Pause {}
        let rate = Double(trainer.iteration - before) / -start.timeIntervalSinceNow
        let evaluated = Date()
        _ = try trainer.evaluateValidation()
        guard round > 0 else { continue }
        runners[index].evaluations.append(-evaluated.timeIntervalSinceNow)
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
