internal import ArgumentParser
internal import Datasets
internal import Experiments
internal import Pruning
internal import Results
internal import Training

/// What --method lottery-ticket takes besides; shown in the help of `prune`.
struct TicketOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      What the weights that are left become: init (their first values), a step of the dense training such as 500it, learning-rate (they \
      stay, the schedule restarts) or none (they stay, last learning rate). init unless given. With gradual, double-pruning and \
      scored-pruning each removal ends a round: init, or a step before the first removal; none unless given.
      """, valueName: "place"))
  var rewind: String?

  @Option(
    help: ArgumentHelp(
      "Controls with the trunk's masks: \(TicketBranch.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "names"))
  var branches: String?

  @Option(help: ArgumentHelp("At these rounds only, e.g. 3,7,15.", valueName: "rounds"))
  var branchRounds: String?

  @Option(help: ArgumentHelp("What a round takes of the output layer; half of --fraction unless given.", valueName: "fraction"))
  var outputFraction: String?

  @Option(help: ArgumentHelp("Repeat everything with seeds from --seed on; 1 unless given.", valueName: "count"))
  var seeds: Int?

  @Option(
    help: ArgumentHelp(
      """
      Seeds that run at once, each in a process with one thread; as many as cores unless given, and at most. One thread is also what a single seed gets \
      without --threads: bits do not depend on how many run.
      """, valueName: "count"))
  var parallel: Int?

  @Flag(help: .hidden)
  var worker = false

  /// The first option given that no other method has; nil if none is.
  var firstGivenOfTheirOwn: String? {
    let given = [
      ("--branches", branches != nil), ("--branch-rounds", branchRounds != nil),
      ("--output-fraction", outputFraction != nil), ("--seeds", seeds != nil), ("--parallel", parallel != nil),
    ]
    return given.first { $0.1 }?.0
  }

  /// What --rewind says; nil if it says nothing.
  func rewinding() throws -> Rewinding? {
    do { return try rewind.map(Rewinding.init) } catch let error as PlanError { throw PlanError("--rewind \(error)") }
  }

  func parsedBranches() throws -> [TicketBranch] {
    let names = (branches ?? "").split(separator: ",").map { $0.trimmingPrefix(" ") }
    let found = try names.map { name in
      guard let branch = TicketBranch(rawValue: String(name)) else {
        throw PlanError(
          "--branches \(String(name.prefix(80)).debugDescription) is none: choose from "
            + TicketBranch.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return branch
    }
    if found.isEmpty, branchRounds != nil { throw PlanError("--branch-rounds needs --branches, e.g. --branches reinit") }
    return TicketBranch.allCases.filter { found.contains($0) }
  }

  func parsedRounds() throws -> [Int] {
    try (branchRounds ?? "").split(separator: ",").map { word in
      guard let round = Int(word.trimmingPrefix(" ")), round >= 1 else {
        throw PlanError("--branch-rounds \(String(word.prefix(80)).debugDescription) is no round: give whole numbers from 1, e.g. 3,7,15")
      }
      return round
    }
  }
}

/// Which options stand on the command line: the paper's settings hold where nothing was said, and the parser tells only values.
struct GivenOptions {
  private let names: Set<Substring>
  init(_ arguments: [String]) { names = Set(arguments.filter { $0.hasPrefix("--") }.map { $0.prefix { $0 != "=" } }) }
  func has(_ name: String) -> Bool { names.contains(name[...]) }

  /// - Throws: `PlanError` for the first of these options that was given.
  func refuse(_ options: [String], with other: String) throws {
    if let option = options.first(where: has) { throw PlanError("\(option) does not go with \(other)") }
  }

  /// Options of `prune` that say what a ticket study has its own rules for.
  static let foreignToTickets = [
    "--granularity", "--limit", "--of", "--threshold", "--deviations", "--rounding", "--recovery", "--every", "--until", "--schedule",
    "--minimum-layer-density", "--width-multiple", "--reduction", "--normalization", "--compact", "--no-compact", "--normalize",
    "--pre-activation", "--signed", "--examples", "--mean-at", "--mean-form", "--repair", "--slimming", "--l1", "--checkpoint",
    "--checkpoint-every", "--compression", "--at-start", "--layers", "--no-proof", "--regrowth-interval", "--drop-fraction",
    "--regrowth-end", "--score-decay", "--leave", "--reintroduce", "--pruned-steps", "--enter",
    "--probes", "--curvature", "--batch-norm-mode", "--classes",
  ]
}

extension TicketPlan {
  /// The plan that a command line describes, the paper's settings filled in.
  init(
    network: String, weights: String?, tickets: TicketOptions, pruning: PruningOptions, data: DataOptions, training: TrainingOptions,
    given: GivenOptions
  ) throws {
    try given.refuse(GivenOptions.foreignToTickets, with: "--method lottery-ticket")
    guard pruning.sparsity == nil || pruning.fraction == nil else {
      throw PlanError("one amount is enough: give --sparsity (in all) or --fraction (each round), not both")
    }
    let paper = TicketDefaults.of(network)
    var source = try data.plan(seed: 0)
    if let paper, source.validation == nil, source.subset == nil, try Dataset.named(source.dataset).trainingCount >= 50_000 {
      source.validation = paper.validation
    }
    var options = training
    if let paper {
      if !given.has("--epochs") { options.epochs = "\(paper.iterations)it" }
      if !given.has("--batch-size") { options.batchSize = paper.batchSize }
      if !given.has("--optimizer"), training.learningRate == nil { options.learningRate = paper.learningRate }
      if !given.has("--evaluate-every") { options.evaluateEvery = paper.evaluateEvery.description }
      if !given.has("--initialization") { options.initialization = paper.initialization }
      if !given.has("--augment") { options.augment = false }
    }
    let criterion = try Criterion(named: pruning.criterion ?? Criterion.magnitude.name)
    let sparsity = try pruning.sparsity.map { try Fraction.parse($0, option: "--sparsity") }
    let scope = try Self.scope(pruning.scope)
    self.init(
      network: network, weights: weights, data: source, initialization: options.initialization ?? .kaimingUniform,
      training: try options.plan(seed: 0),
      rounds: pruning.rounds ?? (sparsity == nil ? paper?.rounds ?? 5 : 5), criterion: criterion,
      rates: try Self.rates(tickets, pruning, scope, paper), sparsity: sparsity, scope: scope,
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

  private static func rates(_ tickets: TicketOptions, _ pruning: PruningOptions, _ scope: Scope, _ paper: TicketDefaults?) throws
    -> LayerRates
  {
    var rates = paper?.rates ?? TicketDefaults.otherRates
    if let text = pruning.fraction {
      let fraction = try Fraction.parse(text, option: "--fraction")
      rates = LayerRates(fraction: fraction, output: fraction / 2)
    }
    if let text = tickets.outputFraction { rates.output = try Fraction.parse(text, option: "--output-fraction") }
    if scope == .global {
      guard tickets.outputFraction == nil else {
        throw PlanError("--output-fraction does not go with --scope global: layers compete there")
      }
      (rates.convolutions, rates.output) = (nil, nil)
    }
    rates.ignored = pruning.ignore
    return rates
  }
}
