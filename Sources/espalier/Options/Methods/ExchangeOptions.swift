internal import ArgumentParser
internal import Pruning
internal import Training

/// Options for the interval, amount and end of regrowth, for the methods that regrow weights.
struct ExchangeOptions: MethodOptionGroup {
  @Option(
    help: ArgumentHelp(
      """
      Interval between exchanges of weights; by default 100it for rigl, splicing and scored-pruning, 1ep for set. The cycle of \
      double-pruning is --every.
      """,
      valueName: "step"))
  var regrowthInterval: String?

  @Option(
    help: ArgumentHelp(
      """
      Fraction of each layer's kept weights that is exchanged, for rigl and scored-pruning at first (decaying by a cosine), for set \
      always; 0.3 by default.
      """, valueName: "fraction"))
  var dropFraction: Double?

  @Option(
    help: ArgumentHelp(
      "Fraction of the steps after which nothing returns; by default 0.75, for set 1. For dsd: after which all returns, by default 2/3.",
      valueName: "fraction"))
  var regrowthEnd: Double?

  static let methods: KeyValuePairs = [
    "--regrowth-interval": ["rigl", "set", "scored-pruning", "splicing"],
    "--drop-fraction": ["rigl", "set", "scored-pruning"],
    "--regrowth-end": ["rigl", "set", "scored-pruning", "splicing", "dsd", "dsd+prune", "double-pruning"],
  ]

  /// Returns a regrowth with these options.
  ///
  /// - Throws: `PlanError` for an invalid interval.
  func applied(to regrowth: any Regrowth) throws -> any Regrowth {
    let interval = try regrowthInterval.map { try Step($0, option: "--regrowth-interval") }
    func apply(_ schedule: ExchangeSchedule) -> ExchangeSchedule {
      var schedule = schedule
      schedule.interval = interval ?? schedule.interval
      schedule.fraction = dropFraction ?? schedule.fraction
      schedule.until = regrowthEnd ?? schedule.until
      return schedule
    }
    switch regrowth {
    case var method as RigL:
      method.schedule = apply(method.schedule)
      return method
    case var method as SparseEvolution:
      method.schedule = apply(method.schedule)
      return method
    case var method as ScoredPruning:
      method.schedule = apply(method.schedule)
      return method
    case var method as Splicing:
      method.interval = interval ?? method.interval
      method.until = regrowthEnd ?? method.until
      return method
    case var method as DenseSparseDense:
      method.denseFrom = regrowthEnd ?? method.denseFrom
      return method
    case var method as DoublePruning:
      method.until = regrowthEnd ?? method.until
      return method
    default: return regrowth
    }
  }
}
