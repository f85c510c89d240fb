public import ArgumentParser
internal import Experiments
public import Pruning
internal import Training

/// How weights come back, for the methods that let them.
struct RegrowthOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "From one exchange of weights to the next: 100it for rigl, splicing and scored-pruning, 1ep for set; double-pruning's cycle is --every.",
      valueName: "step"))
  var regrowthInterval: String?

  @Option(
    help: ArgumentHelp(
      """
      The fraction of each layer's kept weights that is exchanged: at first for rigl and scored-pruning (then falling by a cosine), \
      always for set; 0.3 unless given.
      """, valueName: "fraction"))
  var dropFraction: Double?

  @Option(
    help: ArgumentHelp(
      "The share of the steps after which nothing comes back any more: 0.75, 1 for set; for dsd the share after which all do, 2/3.",
      valueName: "share"))
  var regrowthEnd: Double?

  @Option(help: ArgumentHelp("What scored-pruning's scores are multiplied by each step; 0.99 unless given.", valueName: "factor"))
  var scoreDecay: Double?

  @Option(help: "What leaves in scored-pruning: the lowest magnitude or the lowest score; magnitude unless given.")
  var leave: ScoredPruning.Leaving?

  @Option(
    help: ArgumentHelp(
      "The fraction of each layer's kept weights that double-pruning exchanges each cycle; 0.1 unless given.", valueName: "fraction"))
  var reintroduce: Double?

  @Option(
    help: ArgumentHelp("Steps of double-pruning's cycle on the pruned weights; a quarter of it unless given.", valueName: "step"))
  var prunedSteps: String?

  @Option(help: "The value that double-pruning's weights come back with: trained, zero or initial; trained unless given.")
  var enter: DoublePruning.Entry?

  /// The method's regrowth with these options, and what `--rewind` says.
  ///
  /// - Throws: `PlanError` for options that the method does not have.
  func plan(for method: PruningMethod?, rewinding: Rewinding?) throws -> RegrowthPlan? {
    var given: [(option: String, isGiven: Bool)] = [
      ("--regrowth-interval", regrowthInterval != nil), ("--drop-fraction", dropFraction != nil), ("--regrowth-end", regrowthEnd != nil),
      ("--score-decay", scoreDecay != nil), ("--leave", leave != nil), ("--reintroduce", reintroduce != nil),
      ("--pruned-steps", prunedSteps != nil), ("--enter", enter != nil),
    ]
    func take(_ options: String...) { given.removeAll { options.contains($0.option) } }
    let interval = try regrowthInterval.map { try Step($0, option: "--regrowth-interval") }
    func apply(_ schedule: ExchangeSchedule) -> ExchangeSchedule {
      take("--regrowth-interval", "--drop-fraction", "--regrowth-end")
      var schedule = schedule
      schedule.interval = interval ?? schedule.interval
      schedule.fraction = dropFraction ?? schedule.fraction
      schedule.until = regrowthEnd ?? schedule.until
      return schedule
    }
    var plan = method?.regrowth
    switch plan?.method {
    case var method as RigL:
      method.schedule = apply(method.schedule)
      plan = RegrowthPlan(method)
    case var method as SparseEvolution:
      method.schedule = apply(method.schedule)
      plan = RegrowthPlan(method)
    case var method as ScoredPruning:
      method.schedule = apply(method.schedule)
      method.decay = scoreDecay ?? method.decay
      method.leaving = leave ?? method.leaving
      take("--score-decay", "--leave")
      plan = RegrowthPlan(method)
    case var method as Splicing:
      method.interval = interval ?? method.interval
      method.until = regrowthEnd ?? method.until
      take("--regrowth-interval", "--regrowth-end")
      plan = RegrowthPlan(method)
    case var method as DenseSparseDense:
      method.denseFrom = regrowthEnd ?? method.denseFrom
      take("--regrowth-end")
      plan = RegrowthPlan(method)
    case var method as DoublePruning:
      method.reintroduce = reintroduce ?? method.reintroduce
      method.prunedSteps = try prunedSteps.map { try Step($0, option: "--pruned-steps") }
      method.enter = enter ?? method.enter
      method.until = regrowthEnd ?? method.until
      take("--reintroduce", "--pruned-steps", "--enter", "--regrowth-end")
      plan = RegrowthPlan(method)
    default: break
    }
    if let left = given.first(where: { $0.isGiven }) {
      throw PlanError(
        "\(left.option) does not go with " + (method.map { "--method \($0.name)" } ?? "pruning without a --method that regrows"))
    }
    if let rewinding {
      guard plan != nil else { throw PlanError("--rewind goes with --method lottery-ticket, gradual, double-pruning or scored-pruning") }
      plan?.rewinding = rewinding
    }
    return plan
  }
}

extension Step {
  /// This share of it, in whole epochs or steps, at least one.
  func scaled(by share: Double) -> Step {
    func scaled(_ count: Int) -> Int { max(Rounding.floor.count(share, of: count), 1) }
    return switch self {
    case .epochs(let count): .epochs(scaled(count))
    case .iterations(let count): .iterations(scaled(count))
    }
  }
}

extension ScoredPruning.Leaving: ExpressibleByArgument {}
extension DoublePruning.Entry: ExpressibleByArgument {}
