internal import ArgumentParser
internal import Experiments
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

  @Option(help: ArgumentHelp("The network; \"espalier methods\" lists all.", valueName: "name"))
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
    if training.initialization != nil, let weights, classes == nil {
      throw PlanError("--initialization draws fresh weights: \(weights) has its own")
    }
    let experiment = Experiment(
      start: .network(network, weights: weights.map { GivenWeights($0, matching: match ?? .names) }),
      data: try data.plan(seed: running.seed), classes: classes,
      initialization: training.initialization ?? .kaimingUniform,
      training: try training.plan(seed: running.seed), slimming: training.slimming, l1: training.l1,
      flatness: try row.measurement(seed: running.seed))
    try experiment.validate()
    let name = network.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" }
    return ExperimentRun(
      experiment: experiment, run: running, output: output, checkpoints: checkpoints, path: output.output ?? String(name) + ".safetensors",
      kernels: training.kernels, latencyBatches: row.latencyBatches)
  }
}
