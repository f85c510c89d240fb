// Trains and prunes on a data set outside the catalogue: small pictures of bars and rings, drawn here.
//
//     swift run OwnDataset

import Datasets
import Experiments
import Pruning
import Results
import Torch
import Training

// With one thread, the same seed gives the same bits on machines of the same kind.
try TorchRuntime.configure(threads: 1)

/// Draws a grey picture of 12 × 12 pixels, row by row: a vertical bar (class 0), a horizontal one (1) or a ring (2), with noise.
func picture(of kind: Int, from generator: inout some RandomNumberGenerator) -> [UInt8] {
  let (x, y) = (Int.random(in: 3...8, using: &generator), Int.random(in: 3...8, using: &generator))
  return (0..<144).map { pixel in
    let (column, row) = (pixel % 12, pixel / 12)
    let distance = (column - x) * (column - x) + (row - y) * (row - y)
    let isInked = [column == x, row == y, (5...10).contains(distance)][kind]
    return UInt8((isInked ? 180 : 0) + Int.random(in: 0...75, using: &generator))
  }
}

/// Draws the given number of pictures, of the three classes in turn.
func images(_ count: Int, from generator: inout some RandomNumberGenerator) throws -> ExampleSet {
  var bytes: [UInt8] = []
  var labels: [Int64] = []
  for index in 0..<count {
    bytes += picture(of: index % 3, from: &generator)
    labels.append(Int64(index % 3))
  }
  return try ExampleSet(
    bytes: bytes, labels: labels, channels: 1, height: 12, width: 12, classNames: ["vertical", "horizontal", "ring"], name: "shapes")
}

var generator = SeededGenerator(seed: 1)
let data = TrainingData(
  training: try images(900, from: &generator), validation: try images(300, from: &generator), test: try images(300, from: &generator),
  normalization: Normalization(mean: [0.25], deviation: [0.25]))

// A quarter of the units of each hidden layer are removed, with their rows and columns in the weights.
let training = TrainingPlan(length: .epochs(10), batchSize: 30, learningRate: LearningRateSchedule(base: 0.002), seed: 1)
let experiment = Experiment(
  start: .network("mlp:144-40-20-3", weights: nil), data: DataPlan(dataset: "shapes", seed: 1), training: training,
  pruning: PruningPlan(
    criterion: .l2, granularity: .unit, scope: .layer, amount: .total(0.25), timing: .rounds(1, recovery: .epochs(3)), seed: 1),
  recovery: TrainingPlan(length: .epochs(3), batchSize: 30, learningRate: LearningRateSchedule(base: 0.002), seed: 1))

let runner = try Runner(experiment, on: data)
try runner.run()
let row = try runner.row(command: CommandLine.arguments, version: "example", file: nil, latencyBatches: [])
print(row.text(width: 100))
