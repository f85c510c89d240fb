internal import ArgumentParser
internal import Experiments
internal import Foundation
internal import Interchange
internal import Training

/// `espalier train`: trains a network of the catalogue.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a network of the catalogue on a data set.",
    discussion: """
      espalier train --network lenet-300-100 --dataset digits --epochs 30 \\
        --output dense.safetensors
      espalier train --network resnet-20 --dataset cifar-10 --optimizer sgd \\
        --learning-rate 0.1 --decay cosine --epochs 40 -o r20.safetensors

      After a kill or Ctrl-C, the same command with --resume ends with the same
      bytes as an uninterrupted run.
      """)

  @Option(help: ArgumentHelp("The network; \"espalier methods\" lists all. Or an ONNX model, trained further.", valueName: "name"))
  var network: String

  @Option(
    help: ArgumentHelp("Start from the weights in a file: safetensors, or a PyTorch checkpoint.", valueName: "file"),
    completion: .file(extensions: WeightsReader.extensions))
  var weights: String?

  @Option(help: WeightMatching.help)
  var match: WeightMatching?

  @Option(help: ClassCount.help)
  var classes: ClassCount?

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Distillation") var distillation: DistillationOptions
  @OptionGroup(title: "Run") var running: RunOptions
  @OptionGroup(title: "Checkpoints") var checkpoints: CheckpointOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var row: RowOptions

  func validate() throws {
    if weights == nil { try WeightMatching.refuse(match) }
    try classes?.check()
    try running.check(training.kernels)
  }

  func run() throws { try job()() }

  /// Returns the run that the options describe.
  ///
  /// - Throws: `PlanError` and `ValidationError` for an impossible run.
  func job() throws -> ExperimentRun {
    let isONNX = ImportedNetwork.isOne(network)
    if isONNX, weights != nil { throw ValidationError("--weights goes with a network of the catalogue: \(network) has its own weights") }
    if training.initialization != nil, let own = isONNX ? network : weights, classes == nil {
      throw PlanError("--initialization draws fresh weights: \(own) has its own")
    }
    var plan = try training.plan(seed: running.seed)
    plan.distillation = try distillation.plan
    if let found = plan.distillation, found.teacher == nil { throw PlanError("--distill needs a teacher here: give --teacher MODEL") }
    let experiment = Experiment(
      start: isONNX ? .imported(network) : .network(network, weights: weights.map { GivenWeights($0, matching: match ?? .names) }),
      data: try data.plan(seed: running.seed), classes: classes,
      initialization: training.initialization ?? .kaimingUniform,
      training: plan, slimming: training.slimming, l1: training.l1,
      flatness: try row.measurement(seed: running.seed))
    try experiment.validate()
    let stem = isONNX ? ((network as NSString).lastPathComponent as NSString).deletingPathExtension : network
    let name = stem.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" }
    return ExperimentRun(
      experiment: experiment, run: running, output: output, checkpoints: checkpoints, path: output.output ?? String(name) + ".safetensors",
      kernels: training.kernels, latencyBatches: row.latencyBatches)
  }
}
