internal import Experiments
internal import Pruning
internal import Training

extension PruneCommand {
  /// Returns the pruning plan that the options describe.
  ///
  /// - Throws: `PlanError` and `PruningError` for an impossible plan.
  func plan(of method: PruningMethod?) throws -> PruningPlan {
    let (given, length) = (try pruning.things(), try training.length())
    let (granularity, pattern) = given ?? (method?.granularity ?? .weight, nil)
    let isWeight = granularity == .weight
    let usual = amount.deviations != nil ? Criterion.threshold.name : isWeight ? "magnitude" : "l2"
    // A method that by itself removes units by their norm removes weights by theirs.
    let own = method?.criterion == Criterion.l2.name && isWeight ? nil : method?.criterion
    let criterion = scores.criterion ?? own ?? usual
    let plan = PruningPlan(
      method: method?.name, criterion: try Criterion(named: criterion, options: scores.criterionOptions),
      order: scores.order == .highest ? .highest : nil, granularity: granularity, pattern: pattern,
      allocation: try scores.allocation(usual: pattern?.sparsity == nil ? method?.allocation ?? (isWeight ? .global : .layer) : .layer),
      reduction: scores.reduction ?? .mean,
      normalization: scores.normalization, rounding: amount.rounding ?? .round,
      amount: try amount.amount(of: pattern, orElse: method?.gates == nil ? nil : .learned),
      timing: try timing.timing(
        of: method, granularity: granularity, pattern: pattern, defaultRecovery: length.half, length: length,
        hasCriterion: scores.criterion != nil),
      schedule: timing.schedule ?? method?.schedule ?? .exponential, minimumLayerDensity: amount.minimumLayerDensity,
      widthMultiple: amount.widthMultiple, attentionUnit: pruning.attentionUnit, ignored: pruning.ignore,
      compact: pruning.compact ?? !(pattern?.isAligned ?? false),
      examples: scores.examples,
      batchNorms: scores.batchNormMode, curvature: scores.hessianProbes, place: scores.meanAt ?? .consumer,
      repairs: try repair.repairs(at: scores.meanAt ?? .consumer), regrowth: try regrowth.plan(for: method, rewinding: tickets.rewinding()),
      gates: try gates.plan(for: method, learnsMasks: metaPruning.meta == .masks), temporary: try timing.disturbance(),
      rescalesDropout: method?.rescalesDropout ?? false, seed: running.seed)
    try plan.validate()
    try refuseIdleOptions(in: plan)
    return plan
  }

  /// Refuses options that have no effect in this plan.
  ///
  /// - Throws: `PlanError` for the first one.
  private func refuseIdleOptions(in plan: PruningPlan) throws {
    if amount.threshold != nil || amount.deviations != nil {
      let given = amount.threshold != nil ? "--threshold" : "--deviations"
      let idle = [
        ("--scope", scores.scope != nil), ("--normalization", scores.normalization != nil), ("--rounding", amount.rounding != nil),
        ("--schedule", timing.schedule != nil),
      ]
      if let option = idle.first(where: { $0.1 })?.0 {
        throw PlanError("\(option) does not go with \(given): each layer loses everything that scores below it")
      }
    }
    if case .learned = plan.amount {
      let idle = [("--scope", scores.scope != nil), ("--rounding", amount.rounding != nil)]
      if let option = idle.first(where: { $0.1 })?.0 {
        throw PlanError("\(option) goes with --sparsity: without it the gates' penalty decides how many close")
      }
    }
    if amount.fraction != nil, let schedule = timing.schedule, schedule != .iterative {
      throw PlanError(
        "--schedule \(schedule.rawValue) spreads --sparsity: with --fraction each round removes the same fraction of what is left")
    }
    if amount.rounding != nil, case .cost = plan.amount, [.global, .uniform, .erk, .lamp].contains(plan.allocation) {
      throw PlanError(
        "--rounding does not go with --of and --scope \(plan.allocation): units are removed one by one until the cost is met")
    }
    if scores.reduction != nil, !plan.granularity.isStructured, plan.pattern == nil {
      throw PlanError("--reduction goes with --granularity unit or filter: single weights are not removed in groups")
    }
    try refuseIdleOptions(by: plan.pattern)
    if pruning.compact != nil, plan.granularity.isStructured {
      throw PlanError("--compact and --no-compact go with --granularity weight: \(plan.granularity.plural) are cut out in any case")
    }
    if pruning.compact != nil, plan.temporary != nil {
      throw PlanError("--compact and --no-compact do not go with --temporary: nothing is removed")
    }
    let replacesMeans = plan.repairs.contains { if case .meanReplacement = $0 { true } else { false } }
    if repair.meanForm != nil, !replacesMeans { throw PlanError("--mean-form goes with --repair mean") }
    if scores.meanAt != nil, !replacesMeans, try !plan.criterion.looksAtUnits(plan.granularity) {
      throw PlanError("--mean-at goes with --repair mean and criteria that read units' values: \(plan.criterion.name) does not")
    }
  }
  /// Refuses options that have no effect on weights that leave in a pattern.
  private func refuseIdleOptions(by pattern: WeightPattern?) throws {
    guard let pattern else { return }
    if pruning.compact == true, pattern.isAligned {
      throw PlanError("--compact cuts single units out, which would move the borders of \(pattern): leave it out")
    }
    guard case .nm(_, let size) = pattern else { return }
    let idle = [
      ("--scope", scores.scope != nil), ("--reduction", scores.reduction != nil), ("--rounding", amount.rounding != nil),
    ]
    if let option = idle.first(where: { $0.1 })?.0 {
      throw PlanError("\(option) does not go with --granularity \(pattern): each group of \(size) inputs counts for itself")
    }
  }
}
