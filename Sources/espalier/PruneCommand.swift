internal import ArgumentParser
internal import Experiments
internal import Pruning
internal import Training

/// `espalier prune`: the main job.
struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Prune a model file, or train a network first; ends with the row.",
    discussion: """
      Weights, in rounds of pruning and recovery:
        espalier prune --network lenet-300-100 --dataset digits \\
          --sparsity 0.9 --output small.safetensors
        espalier prune dense.safetensors --dataset mnist --sparsity 0.95 \\
          --rounds 10 --recovery 5ep -o small.safetensors

      Filters, during training, 5 % of each layer's every 7 epochs:
        espalier prune --network vgg16-cifar --dataset cifar-10 \\
          --granularity filter --criterion activation --fraction 0.05 \\
          --rounding floor --every 7ep --epochs 49 -o vgg.safetensors

      Lottery tickets, in a folder that keeps every round and its controls; the
      same command goes on where it stood (see "espalier tickets --help"):
        espalier prune --network lenet-300-100 --dataset mnist \\
          --method lottery-ticket --rounds 18 --branches reinit,random-mask \\
          --branch-rounds 3,7,15 --seeds 5 --output tickets

      --sparsity is the fraction gone after the last round; --fraction what each
      round takes of what is left. Asked is achieved, to the last count.
      "espalier methods" lists criteria and schedules.
      """)

  @Argument(help: ArgumentHelp("A model file to prune; or name a --network.", valueName: "model"))
  var model: String?

  @Option(help: ArgumentHelp("A network of the catalogue, trained first for --epochs.", valueName: "name"))
  var network: String?

  @Option(help: ArgumentHelp("Start from the weights in a bare safetensors file, by parameter names.", valueName: "file"))
  var weights: String?

  @OptionGroup(title: "Pruning") var pruning: PruningOptions
  @OptionGroup(title: "Lottery tickets") var tickets: TicketOptions
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Run") var running: RunOptions
  @OptionGroup(title: "Checkpoints") var checkpoints: CheckpointOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func validate() throws {
    if model != nil, network != nil { throw ValidationError("give a model file or --network, not both") }
    if model == nil, network == nil {
      throw ValidationError("what is to be pruned? give a model file, or --network, e.g. --network lenet-300-100")
    }
    if model != nil, weights != nil { throw ValidationError("--weights goes with --network: a model file has its own weights") }
  }

  func run() throws {
    if pruning.method == Course.lotteryTicket.name { return try findTickets() }
    if let option = tickets.firstGiven { throw PlanError("\(option) goes with --method lottery-ticket") }
    let start: Experiment.Start =
      if let model { .file(model) } else { .network(network ?? "", weights: weights) }
    let fallback = try model.flatMap { try Experiment.dataset(of: $0) }
    let epochs = try training.length()
    let plan = try pruning.plan(seed: running.seed, defaultRecovery: epochs.half)
    var dense: TrainingPlan?
    var recovery: TrainingPlan?
    switch plan.timing {
    case .during: dense = try training.plan(seed: running.seed)
    case .atStart: if epochs.iterations(perEpoch: 1) > 0 { dense = try training.plan(seed: running.seed) }
    case .rounds(_, let length):
      // A model file or given weights are trained already.
      if model == nil, weights == nil, epochs.iterations(perEpoch: 1) > 0 { dense = try training.plan(seed: running.seed) }
      if length.iterations(perEpoch: 1) > 0 { recovery = try training.plan(length: length, seed: running.seed) }
    }
    let looks = dense != nil || recovery != nil || plan.needsExamples || data.dataset != nil || fallback != nil
    if data.dataset == nil, fallback == nil, dense == nil, recovery == nil, plan.needsExamples {
      guard plan.repairs.isEmpty || plan.criterion.needsExamples else {
        throw ValidationError("--repair looks at training images: give --dataset")
      }
      throw PruningError.needsData(criterion: plan.criterion.name)
    }
    let experiment = Experiment(
      start: start, data: looks ? try data.plan(seed: running.seed, fallback: fallback) : nil, initialization: training.initialization,
      training: dense, slimming: training.slimming, pruning: plan, recovery: recovery)
    try ExperimentRun(
      experiment: experiment, run: running, output: output, checkpoints: checkpoints, path: output.output ?? "pruned.safetensors")()
  }
}

extension PruneCommand {
  /// The study that --method lottery-ticket stands for.
  private func findTickets() throws {
    guard let network else { throw PlanError("tickets are found from initial weights: give --network instead of a model file") }
    let plan = try TicketPlan(
      network: network, weights: weights, tickets: tickets, pruning: pruning, data: data, training: training,
      given: GivenOptions(CommandLine.arguments))
    try TicketCommandRun(plan: plan, tickets: tickets, run: running, output: output, report: checkpoints.report)()
  }
}

extension Step {
  fileprivate var half: Step {
    switch self {
    case .epochs(let count): .epochs((count + 1) / 2)
    case .iterations(let count): .iterations((count + 1) / 2)
    }
  }
}
