// Prunes by a criterion that is not in the catalogue, and compares it with one that is.
//
//     swift run OwnCriterion

import Experiments
import Networks
import Pruning
import Torch
import Training

// With one thread, the same seed gives the same bits on machines of the same kind.
try TorchRuntime.configure(threads: 1)

/// |w| divided by the mean |w| of its layer: all layers are ranked by how far their weights lie below the average of their layer.
struct RelativeMagnitude: WeightScoring {
  static let criterion = PruningCriterion(
    name: "relative-magnitude", summary: "weights that are small for their layer are removed", formula: "|w| / mean |w| of the layer",
    paper: "an example", data: .nothing, implementation: RelativeMagnitude())

  /// Returns one score per weight, in the weight's shape; the lowest are removed first.
  func weightScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    let magnitudes = try weight.absolute()
    return try magnitudes / magnitudes.mean()
  }
}

let training = TrainingPlan(length: .epochs(10), batchSize: 64, learningRate: LearningRateSchedule(base: 0.002), seed: 1)
let recovery = TrainingPlan(length: .epochs(2), batchSize: 64, learningRate: LearningRateSchedule(base: 0.002), seed: 1)

for criterion in [Criterion(RelativeMagnitude.criterion), .magnitude] {
  let pruning = PruningPlan(
    criterion: criterion, granularity: .weight, scope: .global, amount: .total(0.95), timing: .rounds(2, recovery: recovery.length),
    compact: false, seed: 1)
  let runner = try Runner(
    Experiment(
      start: .network("lenet-300-100", weights: nil), data: DataPlan(dataset: "digits", seed: 1), training: training, pruning: pruning,
      recovery: recovery))
  try runner.run()
  let layers = try MaskSet(runner.model).layers.map { "\($0.name) \($0.kept)/\($0.prunable)" }
  let accuracy = try runner.evaluateTest().map { "\($0.correct) of \($0.count)" } ?? "no test images"
  print("\(criterion): \(accuracy) right; kept \(layers.joined(separator: ", "))")
}
