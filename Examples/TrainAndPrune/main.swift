// Trains LeNet-300-100 on the digits that come with Espalier, removes 90 % of its weights in three rounds, then the dead units, and prints
// the row.
//
//     swift run TrainAndPrune [FILE]

import Experiments
import Pruning
import Results
import Torch
import Training

// With one thread, the same seed gives the same bits on machines of the same kind.
try TorchRuntime.configure(threads: 1)

let path = CommandLine.arguments.dropFirst().first ?? "lenet-300-100.safetensors"

// The dense network is trained with Adam for 20 epochs, with cosine decay of the learning rate.
let training = TrainingPlan(
  length: .epochs(20), batchSize: 64, optimizer: .adam(weightDecay: 0), learningRate: LearningRateSchedule(base: 0.002, decay: .cosine),
  seed: 1)
// The training after each round is shorter.
var recovery = training
recovery.length = .epochs(10)

// The smallest weights of the whole network are removed, in three rounds that each keep the same fraction of what remains.
let pruning = PruningPlan(
  criterion: .magnitude, granularity: .weight, scope: .global, amount: .total(0.9), timing: .rounds(3, recovery: recovery.length), seed: 1)

// The whole run as a value, which the model file keeps as its recipe.
let experiment = Experiment(
  start: .network("lenet-300-100", weights: nil), data: DataPlan(dataset: "digits", seed: 1), training: training, pruning: pruning,
  recovery: recovery)

let runner = try Runner(experiment, options: .init(note: { print($0) }))
try runner.run()
try runner.file().write(to: path)

let row = try runner.row(command: CommandLine.arguments, version: "example", file: path)
print(row.text(width: 100))
