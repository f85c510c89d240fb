internal import ArgumentParser
internal import Experiments
internal import Pruning
internal import Training

/// How weights come back, for the methods in which they do.
struct RegrowthOptions: ParsableArguments {
  @OptionGroup(title: "Regrowth") var exchange: ExchangeOptions
  @OptionGroup(title: "Scored pruning") var scoredPruning: ScoredPruningOptions
  @OptionGroup(title: "Double pruning") var doublePruning: DoublePruningOptions

  /// - Throws: `PlanError` for the first option that this method does not have.
  func refuseOthers(than method: String?) throws {
    try exchange.refuseOthers(than: method)
    try scoredPruning.refuseOthers(than: method)
    try doublePruning.refuseOthers(than: method)
  }

  /// A method's regrowth with these options, and with what `--rewind` says; nil where nothing comes back.
  ///
  /// - Throws: `PlanError` for an option that the method does not have.
  func plan(for method: PruningMethod?, rewinding: Rewinding?) throws -> RegrowthPlan? {
    try refuseOthers(than: method?.name)
    guard var plan = method?.regrowth else { return nil }
    plan.method = try doublePruning.applied(to: scoredPruning.applied(to: exchange.applied(to: plan.method)))
    plan.rewinding = rewinding ?? plan.rewinding
    return plan
  }
}
