import Datasets
import Experiments
import Pruning
import TestSupport
import Torch
import Training

/// Runs on two data sets: digits, 8×8 and grey, and colours of 3×10×10 in four classes, each of which is bright in a place of its own.
enum SequenceFixtures {
  static func writeColors(_ path: String, count: Int = 120) throws {
    let random = try Generator(seed: 3)
    let noise = try Tensor.uniform([count, 3, 10, 10], low: 0, high: 0.3, generator: random)
    var values = try noise.array(Float.self)
    for example in 0..<count {
      let start = example * 300 + (example % 4) * 70
      for place in start..<(start + 60) { values[place] += 1 }
    }
    var archive = TensorArchive()
    archive.tensors["x"] = try Tensor(values, shape: [count, 3, 10, 10])
    archive.tensors["y"] = try Tensor((0..<count).map { Int64($0 % 4) })
    try archive.write(to: path)
  }

  /// The data sets; colours come second unless reversed.
  static func datasets(_ folder: TemporaryDirectory) throws -> [DataPlan] {
    let path = folder.file("colors.safetensors")
    try writeColors(path)
    return [
      DataPlan(dataset: "digits", subset: 200, validation: 100, seed: 3),
      DataPlan(dataset: "tensors:" + path, validation: 40, seed: 3),
    ]
  }

  static func experiment(
    _ sequence: DataSequence, network: String = "mlp:300-16-4", granularity: Granularity = .unit, criterion: Criterion = .l2,
    amount: PruningPlan.Amount = .perEvent(0.25), epochs: Int = 2, ignoring: [String] = []
  ) -> Experiment {
    let training = TrainingPlan(length: .epochs(epochs), batchSize: 20, learningRate: .init(base: 4e-3), seed: 3)
    return Experiment(
      start: .network(network, weights: nil), data: sequence.datasets.last, training: training,
      pruning: PruningPlan(
        method: "intersection", criterion: criterion, granularity: granularity, allocation: .layer, amount: amount,
        timing: .rounds(sequence.removals, recovery: .epochs(epochs)), ignored: ignoring, seed: 3),
      sequence: sequence)
  }
}
