internal import ArgumentParser
internal import Experiments
internal import Foundation
internal import Training

/// `espalier evaluate`.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Loss and accuracy of a model on a data set's test images.",
    discussion: """
      espalier evaluate small.safetensors --dataset digits
      espalier evaluate --network resnet-20 --weights r20.safetensors \\
        --dataset cifar-10 --data-dir DIR
      """)

  @Argument(help: ArgumentHelp("A model file.", valueName: "model"))
  var model: String?

  @Option(help: ArgumentHelp("A network of the catalogue, with --weights.", valueName: "name"))
  var network: String?

  @Option(help: ArgumentHelp("A bare safetensors file, by parameter names.", valueName: "file"))
  var weights: String?

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Run") var running: RunOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    if (model == nil) == (network == nil) { throw ValidationError("give a model file, or --network with --weights") }
    if network != nil, weights == nil { throw ValidationError("--network needs --weights: fresh weights are not worth evaluating") }
  }

  func run() throws {
    try running.apply()
    let start: Experiment.Start =
      if let model { .file(model) } else { .network(network ?? "", weights: weights) }
    let fallback = try model.flatMap { try Experiment.dataset(of: $0) }
    let result = try Experiment.evaluate(start, on: data.plan(seed: running.seed, fallback: fallback))
    if json {
      struct Row: Encodable {
        var network: String
        var dataset: String
        var loss: Double
        var correct: Int
        var count: Int
        var accuracy: Double
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      let row = Row(
        network: result.network, dataset: result.dataset, loss: result.evaluation.loss, correct: result.evaluation.correct,
        count: result.evaluation.count, accuracy: result.evaluation.accuracy)
      try Console.print(String(decoding: encoder.encode(row), as: UTF8.self))
    } else {
      let evaluation = result.evaluation
      let percent = String(format: "%.2f", 100 * evaluation.accuracy)
      try Console.print(
        "\(result.network) on \(result.dataset): accuracy \(percent) % (\(evaluation.correct) of \(evaluation.count) test images), "
          + "loss \(String(format: "%.4f", evaluation.loss))")
    }
  }
}
