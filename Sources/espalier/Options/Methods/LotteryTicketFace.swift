internal import ArgumentParser
internal import Datasets
internal import Experiments
internal import Pruning
internal import Results
internal import Training

extension TicketCommandRun: PruneJob {}

/// `--method lottery-ticket` is a study: several trainings in a folder, each of which can start from the model of another.
enum LotteryTicketFace: MethodFace {
  static let method = PruningMethod.lotteryTicket.name

  static func job(_ command: PruneCommand, _ typed: GivenOptions) throws -> any PruneJob { try study(command, typed) }

  /// Returns the study that the options describe.
  static func study(_ command: PruneCommand, _ typed: GivenOptions) throws -> TicketCommandRun {
    guard let network = command.given.network, command.given.onnx == nil else {
      throw PlanError("tickets are found from initial weights: give --network instead of a model file")
    }
    guard command.output.output?.hasONNXEnding != true else {
      throw PlanError("--method lottery-ticket writes a folder of models: --output must not end in .onnx")
    }
    let plan = try TicketPlan(network: network, command, typed)
    return TicketCommandRun(
      plan: plan, tickets: command.tickets, run: command.running, kernels: command.training.kernels, output: command.output,
      givenThreads: command.running.threads, report: command.checkpoints.report,
      latencyBatches: command.row.latencyBatches)
  }

  /// Options of `prune` that do not go with a study, which has its own rules for them.
  static let foreign = [
    "--granularity", "--limit", "--of", "--threshold", "--deviations", "--rounding", "--recovery", "--every", "--until", "--schedule",
    "--minimum-layer-density", "--width-multiple", "--reduction", "--normalization", "--compact", "--no-compact", "--normalize",
    "--pre-activation", "--signed", "--examples", "--mean-at", "--mean-form", "--repair", "--slimming", "--l1", "--checkpoint",
    "--checkpoint-every", "--compression", "--at-start", "--layers", "--no-proof", "--regrowth-interval", "--drop-fraction",
    "--regrowth-end", "--score-decay", "--leave", "--reintroduce", "--pruned-steps", "--enter",
    "--lambda", "--lambda-warm-up", "--drop-rate", "--gate-learning-rate", "--gate-cost", "--probes", "--curvature", "--batch-norm-mode",
    "--classes", "--meta", "--outer", "--ways", "--shots", "--queries", "--tasks", "--inner-steps", "--inner-rate", "--pseudo-test",
    "--prune-gradient", "--learn-fractions", "--controls", "--judging-tasks", "--head-steps", "--datasets", "--passes", "--heads",
    "--keep-if", "--resample", "--metrics", "--tensorboard", "--flatness", "--flatness-examples", "--temporary", "--hold", "--order",
    "--pack", "--distill", "--distill-temperature", "--distill-weight", "--distill-features", "--teacher", "--attention-unit",
  ]
}

extension TicketPlan {
  /// Creates the plan that a command line describes, completed by the paper's settings.
  init(network: String, _ command: PruneCommand, _ given: GivenOptions) throws {
    let (amount, scores, tickets, data) = (command.amount, command.scores, command.tickets, command.data)
    if let option = LotteryTicketFace.foreign.first(where: given.has) {
      throw PlanError("\(option) does not go with --method lottery-ticket; \"espalier help prune lottery-ticket\" shows what does")
    }
    guard amount.sparsity == nil || amount.fraction == nil else {
      throw PlanError("one amount is enough: give --sparsity (in total) or --fraction (each round), not both")
    }
    let paper = TicketDefaults.of(network)
    var source = try data.plan(seed: 0)
    if let paper, source.validation == nil, source.subset == nil, try source.publishedTrainingCount ?? 0 >= 50_000 {
      source.validation = paper.validation
    }
    var options = command.training
    if let paper {
      if !given.has("--epochs") { options.epochs = "\(paper.iterations)it" }
      if !given.has("--batch-size") { options.batchSize = paper.batchSize }
      if !given.has("--optimizer"), options.learningRate == nil { options.learningRate = paper.learningRate }
      if !given.has("--evaluate-every") { options.evaluateEvery = paper.evaluateEvery.description }
      if !given.has("--initialization") { options.initialization = paper.initialization }
      if !given.has("--augment") { options.augment = false }
    }
    let criterion = try Criterion(named: scores.criterion ?? Criterion.magnitude.name)
    let sparsity = try amount.sparsity.map { try Fraction.parse($0, option: "--sparsity") }
    let scope = try Self.scope(scores.scope)
    self.init(
      network: network, weights: command.given.givenWeights, data: source, initialization: options.initialization ?? .kaimingUniform,
      training: try options.plan(seed: 0),
      rounds: command.timing.rounds ?? (sparsity == nil ? paper?.rounds ?? 5 : 5), criterion: criterion,
      rates: try Self.rates(command, scope, paper), sparsity: sparsity, scope: scope,
      rewinding: try tickets.rewinding() ?? .initial, branches: try tickets.parsedBranches(),
      branchRounds: try tickets.parsedRounds())
    try validate()
  }

  private static func scope(_ text: String?) throws -> Scope {
    guard let text else { return .layer }
    guard let scope = Scope(rawValue: text) else {
      throw PlanError("--scope \(text.debugDescription) does not go with --method lottery-ticket: choose layer or global")
    }
    return scope
  }

  private static func rates(_ command: PruneCommand, _ scope: Scope, _ paper: TicketDefaults?) throws
    -> LayerRates
  {
    var rates = paper?.rates ?? TicketDefaults.otherRates
    if let text = command.amount.fraction {
      let fraction = try Fraction.parse(text, option: "--fraction")
      rates = LayerRates(fraction: fraction, output: fraction / 2)
    }
    if let text = command.tickets.outputFraction { rates.output = try Fraction.parse(text, option: "--output-fraction") }
    if scope == .global {
      guard command.tickets.outputFraction == nil else {
        throw PlanError("--output-fraction does not go with --scope global, which ranks all layers together")
      }
      (rates.convolutions, rates.output) = (nil, nil)
    }
    rates.ignored = command.pruning.ignore
    return rates
  }
}
