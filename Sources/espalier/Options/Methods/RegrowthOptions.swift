internal import ArgumentParser
internal import Experiments
internal import Pruning
internal import Training

/// Options for regrowth, for the methods that regrow weights.
struct RegrowthOptions: ParsableArguments {
  @OptionGroup(title: "Regrowth") var exchange: ExchangeOptions
  @OptionGroup(title: "Scored pruning") var scoredPruning: ScoredPruningOptions
  @OptionGroup(title: "Double pruning") var doublePruning: DoublePruningOptions

  /// Returns the method's regrowth with these options and the given rewinding; nil if the method does not regrow weights.
  ///
  /// - Throws: `PlanError` for a value that is not a length of training.
  func plan(for method: PruningMethod?, rewinding: Rewinding?) throws -> RegrowthPlan? {
    guard var plan = method?.regrowth else { return nil }
    plan.method = try doublePruning.applied(to: scoredPruning.applied(to: exchange.applied(to: plan.method)))
    plan.rewinding = rewinding ?? plan.rewinding
    return plan
  }
}
