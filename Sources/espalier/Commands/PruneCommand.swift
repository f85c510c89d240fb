internal import ArgumentParser
internal import Experiments
internal import Pruning
internal import Training

/// `espalier prune`: prunes a model, with the training that the method needs.
struct PruneCommand: CheckedCommand, BrieflyHelped {
  static let usualOptions: Set = [
    "<model>", "--network", "--method", "--granularity", "--criterion", "--sparsity", "--rounds", "--recovery", "--dataset", "--data-dir",
    "--epochs", "--seed", "--resume", "--output",
  ]

  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Prune a model file, or train a network first; prints the results.",
    discussion: """
      Nine tenths of the weights, in rounds of pruning and recovery:
        espalier prune --network lenet-300-100 --dataset digits \\
          --sparsity 0.9 --output small.safetensors
        espalier prune dense.safetensors --dataset mnist --sparsity 0.95 \\
          --rounds 10 --recovery 5ep --output small.safetensors

      Half of the MACs, by removing filters of all layers:
        espalier prune dense.safetensors --dataset cifar-10 \\
          --granularity filter --scope global --sparsity 0.5 --of macs

      By a method of the literature, e.g. sparse from the first step:
        espalier prune --network lenet-300-100 --dataset mnist \\
          --method rigl --sparsity 0.95 --epochs 20

      --sparsity is the fraction removed after the last round, met to the last
      weight or unit. A file that was pruned before knows its original, from
      which --sparsity is counted: the same --sparsity again removes nothing
      more. "espalier methods" lists methods and criteria.
      """)

  /// The help texts of the options that choose a model.
  enum Words: ModelWords {
    static let model = "A model file or ONNX model to prune; or give a --network."
    static let network = "A network of the catalogue, trained first for --epochs; or an ONNX model."
    static let weights = "Start from the weights in a file: safetensors, or a PyTorch checkpoint."
  }

  @OptionGroup(title: "Model") var given: ModelOptions<Words>
  @Option(help: ClassCount.help)
  var classes: ClassCount?

  @OptionGroup(title: "Pruning") var pruning: PruningOptions
  @OptionGroup(title: "How much") var amount: AmountOptions
  @OptionGroup(title: "When") var timing: TimingOptions
  @OptionGroup(title: "Scores") var scores: ScoreOptions
  @OptionGroup(title: "Repair") var repair: RepairOptions
  @OptionGroup var regrowth: RegrowthOptions
  @OptionGroup(title: "Gates") var gates: GateOptions
  @OptionGroup(title: "Lottery tickets and rewinding") var tickets: TicketOptions
  @OptionGroup(title: "Meta-pruning") var metaPruning: MetaPruningOptions
  @OptionGroup(title: "Several data sets") var intersection: IntersectionOptions
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Distillation") var distillation: DistillationOptions
  @OptionGroup(title: "Run") var running: RunOptions
  @OptionGroup(title: "Checkpoints") var checkpoints: CheckpointOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var row: RowOptions

  @Flag(help: "Show the kept weights of each layer; shown in any case if a layer has collapsed.")
  var layers = false

  @Flag(
    help: """
      Write the model file packed: of masked tensors a bit for each element and the kept ones alone. The row says what gzip makes of the \
      plain file.
      """)
  var pack = false

  func check() throws {
    try running.check(training.kernels)
    if given.model != nil, given.network != nil { throw ValidationError("give a model file or --network, not both") }
    if given.model == nil, given.network == nil {
      throw ValidationError("what should be pruned? give a model file, or --network, e.g. --network lenet-300-100")
    }
    try given.checkWeights()
    if given.model != nil, given.onnx == nil, classes != nil {
      throw ValidationError("--classes goes with --network: a model file has its own classes")
    }
    try classes?.check()
  }

  func run() throws { try job(GivenOptions(CommandLine.arguments)).callAsFunction() }
}
