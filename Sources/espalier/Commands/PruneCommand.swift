internal import ArgumentParser
internal import Experiments
internal import Pruning
internal import Training

/// `espalier prune`: the main job.
struct PruneCommand: CheckedCommand {
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

      Before training, by one batch or in 100 steps without data; also without any
      training, to see which layers survive:
        espalier prune --network lenet-300-100 --dataset mnist \\
          --method snip --sparsity 0.95 --epochs 250 -o small.safetensors
        espalier prune --network vgg16-bn-cifar --method synflow \\
          --compression 1000 --epochs 0 --layers

      Weights that come back, sparse from the first step or from a dense start:
        espalier prune --network lenet-300-100 --dataset mnist \\
          --method rigl --sparsity 0.95 --epochs 20

      Lottery tickets, in a folder that keeps every round and its controls; the
      same command goes on where it stood (see "espalier tickets --help"):
        espalier prune --network lenet-300-100 --dataset mnist \\
          --method lottery-ticket --rounds 18 --branches reinit,random-mask \\
          --branch-rounds 3,7,15 --seeds 5 --output tickets

      --sparsity is the fraction gone after the last round; --fraction what each
      round takes of what is left. Asked is achieved, to the last count. A file
      that was pruned before knows its original: --sparsity counts from that one,
      so that the same --sparsity again removes nothing more.
      "espalier methods" lists criteria and schedules.
      """)

  /// The help of the model to prune.
  enum Words: ModelWords {
    static let model = "A model file to prune; or name a --network."
    static let network = "A network of the catalogue, trained first for --epochs."
    static let weights = "Start from the weights in a bare safetensors file, by parameter names."
  }

  @OptionGroup var given: ModelOptions<Words>
  @Option(help: ArgumentHelp("Classes of the --network; with --weights of others its last layer is a fresh one.", valueName: "count"))
  var classes: Int?

  @Flag(help: "Show what is kept of each layer's weights; shown in any case where a layer has collapsed.")
  var layers = false

  @OptionGroup(title: "Pruning") var pruning: PruningOptions
  @OptionGroup(title: "Regrowth") var regrowth: RegrowthOptions
  @OptionGroup(title: "Lottery tickets") var tickets: TicketOptions
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Run") var running: RunOptions
  @OptionGroup(title: "Checkpoints") var checkpoints: CheckpointOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func check() throws {
    if given.model != nil, given.network != nil { throw ValidationError("give a model file or --network, not both") }
    if given.model == nil, given.network == nil {
      throw ValidationError("what is to be pruned? give a model file, or --network, e.g. --network lenet-300-100")
    }
    if given.model != nil, given.weights != nil { throw ValidationError("--weights goes with --network: a model file has its own weights") }
    if given.model != nil, classes != nil { throw ValidationError("--classes goes with --network: a model file has its own classes") }
    if let classes, classes < 1 { throw ValidationError("--classes \(classes) is impossible: give at least 1") }
  }

  func run() throws {
    if pruning.method == PruningMethod.lotteryTicket.name { return try tickets(GivenOptions(CommandLine.arguments))() }
    try job()()
  }

  /// The run that the options describe, of every method but the lottery ticket's.
  ///
  /// - Throws: `PlanError`, `PruningError` and `ValidationError` for what no run can be.
  func job() throws -> ExperimentRun {
    if let option = tickets.firstGivenOfTheirOwn { throw PlanError("\(option) goes with --method lottery-ticket") }
    if training.initialization != nil, let own = given.model ?? (classes == nil ? given.weights : nil) {
      throw PlanError("--initialization draws fresh weights: \(own) has its own")
    }
    let epochs = try training.length()
    let plan = try pruning.plan(
      seed: running.seed, defaultRecovery: epochs.half, length: epochs, regrowth: regrowth, rewinding: tickets.rewinding())
    let method = try plan.method.map { try PruningMethod.named($0) }
    var dense: TrainingPlan?
    var recovery: TrainingPlan?
    switch plan.timing {
    case .during:
      guard plan.regrowth == nil || epochs.iterations(perEpoch: 1) > 0 else {
        throw PlanError("--method \(plan.method ?? "") prunes in training: --epochs 0 leaves it nothing")
      }
      dense = try training.plan(seed: running.seed)
    case .everyStep: dense = try scoreTraining(method)
    case .atStart: if epochs.iterations(perEpoch: 1) > 0 { dense = try training.plan(seed: running.seed) }
    case .rounds(_, let length):
      // A model file or given weights are trained already.
      if let trained = given.model ?? given.weights, pruning.recovery != nil, epochs.iterations(perEpoch: 1) > 0,
        GivenOptions(CommandLine.arguments).has("--epochs")
      {
        let isNone = length.iterations(perEpoch: 1) == 0
        throw PlanError(
          "--epochs \(epochs) trains nothing: \(trained) is trained already, and --recovery \(length) "
            + (isNone
              ? "leaves no training after a removal; give --recovery \(epochs), or --epochs 0"
              : "is the training after a removal; leave --epochs out"))
      }
      if given.model == nil, given.weights == nil, epochs.iterations(perEpoch: 1) > 0 { dense = try training.plan(seed: running.seed) }
      if length.iterations(perEpoch: 1) > 0 { recovery = try training.plan(length: length, seed: running.seed) }
      recovery?.learningRate.base *= method?.recoveryRate ?? 1
    }
    if dense == nil, recovery == nil, let option = training.firstGivenOfTraining(GivenOptions(CommandLine.arguments)) {
      throw PlanError("\(option) goes with training, and there is none")
    }
    if layers, plan.granularity.isStructured {
      throw PlanError("--layers shows what is kept of weights: it does not go with --granularity \(plan.granularity.rawValue)")
    }
    let fallback = try given.trainingDataset()
    let looks = dense != nil || recovery != nil || plan.needsExamples || data.dataset != nil || fallback != nil
    if data.dataset == nil, fallback == nil, dense == nil, recovery == nil, plan.needsExamples {
      guard plan.repairs.isEmpty || plan.criterion.needsExamples else {
        throw ValidationError("--repair looks at training images: give --dataset")
      }
      throw PruningError.needsData(criterion: plan.criterion.name)
    }
    let experiment = Experiment(
      start: given.start, data: looks ? try data.plan(seed: running.seed, fallback: fallback) : nil, classes: classes,
      initialization: training.initialization ?? method?.training?.initialization ?? .kaimingUniform,
      training: dense, slimming: training.slimming, l1: training.l1, pruning: plan, recovery: recovery)
    try experiment.validate()
    return ExperimentRun(
      experiment: experiment, run: running, output: output, checkpoints: checkpoints, path: output.output ?? "pruned.safetensors",
      sparse: training.sparseKernels, proves: !pruning.noProof, showsLayers: layers)
  }

  /// The training of scores in the place of weights.
  private func scoreTraining(_ method: PruningMethod?) throws -> TrainingPlan {
    let name = method?.name ?? "edge-popup"
    guard given.model == nil else {
      throw ValidationError("--method \(name) chooses among random weights: give --network, not a model file")
    }
    guard given.weights == nil else {
      throw ValidationError("--method \(name) chooses among random weights: --weights does not go with it")
    }
    guard training.slimming == nil, training.l1 == nil else {
      throw PlanError("--method \(name) trains scores, not weights: --l1 and --slimming do not go with it")
    }
    let plan = try training.plan(defaults: method?.training, seed: running.seed)
    guard case .sgd = plan.optimizer else { throw PlanError("--method \(name) trains its scores by sgd: --optimizer does not go with it") }
    guard plan.length.iterations(perEpoch: 1) > 0 else {
      throw PlanError("--method \(name) trains its scores: --epochs 0 leaves it nothing")
    }
    return plan
  }
}

extension PruneCommand {
  /// The study that --method lottery-ticket stands for.
  ///
  /// - Parameter typed: the options on the command line.
  /// - Throws: `PlanError` and `PruningError` for what no study can be.
  func tickets(_ typed: GivenOptions) throws -> TicketCommandRun {
    guard let network = given.network else {
      throw PlanError("tickets are found from initial weights: give --network instead of a model file")
    }
    let plan = try TicketPlan(
      network: network, weights: given.weights, tickets: tickets, pruning: pruning, data: data, training: training, given: typed)
    return TicketCommandRun(
      plan: plan, tickets: tickets, run: running, sparse: training.sparseKernels, output: output,
      givenThreads: typed.has("--threads") ? running.threads : nil, report: checkpoints.report)
  }
}
