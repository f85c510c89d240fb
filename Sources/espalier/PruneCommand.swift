public import ArgumentParser
internal import Experiments
public import Pruning
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
    let start: Experiment.Start =
      if let model { .file(model) } else { .network(network ?? "", weights: weights) }
    let fallback = try model.flatMap { try Experiment.dataset(of: $0) }
    let epochs = try training.length()
    let plan = try pruning.plan(seed: running.seed, defaultRecovery: epochs.half)
    var dense: TrainingPlan?
    var recovery: TrainingPlan?
    switch plan.timing {
    case .during: dense = try training.plan(seed: running.seed)
    case .rounds(_, let length):
      // A model file or given weights are trained already.
      if model == nil, weights == nil, epochs.iterations(perEpoch: 1) > 0 { dense = try training.plan(seed: running.seed) }
      if length.iterations(perEpoch: 1) > 0 { recovery = try training.plan(length: length, seed: running.seed) }
    }
    let experiment = Experiment(
      start: start, data: try data.plan(seed: running.seed, fallback: fallback), initialization: training.initialization, training: dense,
      pruning: plan, recovery: recovery)
    try ExperimentRun(
      experiment: experiment, run: running, output: output, checkpoints: checkpoints, path: output.output ?? "pruned.safetensors")()
  }
}

/// What is pruned, by which score, how much and when.
struct PruningOptions: ParsableArguments {
  @Option(help: "What leaves: weight (held at 0), unit or filter (cut out).")
  var granularity: Granularity = .weight

  @Option(help: ArgumentHelp("The score; magnitude for weights and l2 for units and filters unless given.", valueName: "name"))
  var criterion: String?

  @Option(help: ArgumentHelp("Whether layers compete: layer or global; global for weights, layer else.", valueName: "scope"))
  var scope: Scope?

  @Option(help: ArgumentHelp("The fraction gone in the end, e.g. 0.9.", valueName: "fraction"))
  var sparsity: String?

  @Option(help: ArgumentHelp("The fraction that each round takes of what is left, e.g. 0.05.", valueName: "fraction"))
  var fraction: String?

  @Option(help: "How a fraction becomes a count: round, floor or ceil.")
  var rounding: Rounding = .round

  @Option(help: ArgumentHelp("Rounds of pruning and recovery; 5 for weights, 1 else.", valueName: "count"))
  var rounds: Int?

  @Option(help: ArgumentHelp("Training after each round, e.g. 10ep; half of --epochs unless given.", valueName: "step"))
  var recovery: String?

  @Option(help: ArgumentHelp("Prune during training, each time so much of it is done, e.g. 7ep.", valueName: "step"))
  var every: String?

  @Option(help: "How --sparsity is spread over the rounds: \(SparsitySchedule.allCases.map(\.rawValue).joined(separator: ", ")).")
  var schedule: SparsitySchedule = .exponential

  @Option(help: ArgumentHelp("No layer keeps less than this fraction of its weights or units.", valueName: "density"))
  var minimumLayerDensity = 0.0

  @Option(help: ArgumentHelp("Keep widths that are multiples of this, e.g. 8.", valueName: "count"))
  var widthMultiple = 1

  @Option(help: ArgumentHelp("Leave this layer alone; may be repeated.", valueName: "layer"))
  var ignore: [String] = []

  @Flag(inversion: .prefixedNo, help: "Remove dead units at the end, so that tensors get smaller too.")
  var compact = true

  @Flag(help: "Let each training step count the same in activation and weight-norm sums.")
  var normalize = false

  @Flag(help: "Sum activations before the activation function.")
  var preActivation = false

  private var criterionOptions: Set<Criterion.Option> {
    Set((normalize ? [.normalize] : []) + (preActivation ? [.preActivation] : []))
  }

  func plan(seed: UInt64, defaultRecovery: Step) throws -> PruningPlan {
    let amount: PruningPlan.Amount
    switch (sparsity, fraction) {
    case (let sparsity?, nil): amount = .total(try Fraction.parse(sparsity, option: "--sparsity"))
    case (nil, let fraction?): amount = .perEvent(try Fraction.parse(fraction, option: "--fraction"))
    case (nil, nil): throw PlanError("how much is to be pruned? give --sparsity (in all) or --fraction (each time), e.g. --sparsity 0.9")
    case (_?, _?): throw PlanError("give --sparsity (in all) or --fraction (each time), not both")
    }
    let isWeight = granularity == .weight
    let every = try every.map { try Step($0, option: "--every") }
    let recovery = try recovery.map { try Step($0, option: "--recovery") }
    let timing: PruningPlan.Timing
    if let every {
      guard every.iterations(perEpoch: 1) > 0 else { throw PlanError("--every \(every) is impossible: give at least 1ep or 1it") }
      guard rounds == nil, recovery == nil else {
        throw PlanError("--every prunes during training: --rounds and --recovery do not go with it")
      }
      timing = .during(every: every)
    } else {
      let rounds = rounds ?? (isWeight ? 5 : 1)
      guard (1...10_000).contains(rounds) else { throw PlanError("--rounds \(rounds) is impossible: give 1 to 10000") }
      timing = .rounds(rounds, recovery: recovery ?? defaultRecovery)
    }
    let plan = PruningPlan(
      criterion: try Criterion(named: criterion ?? (isWeight ? "magnitude" : "l2"), options: criterionOptions),
      granularity: granularity, scope: scope ?? (isWeight ? .global : .layer), rounding: rounding, amount: amount, timing: timing,
      schedule: schedule, minimumLayerDensity: minimumLayerDensity, widthMultiple: widthMultiple, ignored: ignore, compact: compact,
      seed: seed)
    try plan.validate()
    return plan
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

extension Granularity: ExpressibleByArgument {}
extension Scope: ExpressibleByArgument {}
extension Rounding: ExpressibleByArgument {}
extension SparsitySchedule: ExpressibleByArgument {}
