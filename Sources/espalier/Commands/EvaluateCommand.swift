internal import ArgumentParser
internal import Experiments
internal import Foundation
internal import Interchange
internal import Results
internal import Training
internal import Words

/// `espalier evaluate`: loss and accuracy on test images.
struct EvaluateCommand: CheckedCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure loss and accuracy of a model on a data set's test images.",
    discussion: """
      espalier evaluate small.safetensors --dataset digits
      espalier evaluate --network resnet-20 --weights r20.safetensors \\
        --dataset cifar-10 --data-dir DIR
      """)

  @OptionGroup var given: ModelOptions<TrainedModelWords>

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Run") var running: RunOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func check() throws { try given.requireTrained("untrained weights are not worth evaluating") }

  /// Returns the data plan, by default with the data set that the model file was trained on.
  func plan() throws -> DataPlan { try data.plan(seed: running.seed, fallback: given.trainingDataset()) }

  func run() throws {
    try running.apply()
    let result = try Experiment.evaluate(
      given.start, on: plan(), device: running.torchDevice, memory: running.memory, reader: .files,
      note: Console.note)
    if json {
      struct Row: Encodable {
        var network: String
        var dataset: String
        var loss: Double
        var correct: Int
        var count: Int
        var accuracy: Double
      }
      let row = Row(
        network: result.network, dataset: result.dataset, loss: result.evaluation.loss, correct: result.evaluation.correct,
        count: result.evaluation.count, accuracy: result.evaluation.accuracy)
      try Console.print(Format.json(row))
    } else {
      let evaluation = result.evaluation
      let percent = String(format: "%.2f", 100 * evaluation.accuracy)
      try Console.print(
        "\(result.network.inLine) on \(result.dataset.inLine): accuracy \(percent) % (\(evaluation.correct) of \(evaluation.count) test images), "
          + "loss \(String(format: "%.4f", evaluation.loss))")
    }
  }
}
