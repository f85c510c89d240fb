internal import Networks
internal import Training

extension PruningPlan {
  /// Checks, before the first step, that a training is long enough for the plan's regrowth.
  ///
  /// - Throws: `PlanError` for removals, exchanges or rewinding that would never take place.
  func checkRegrowth(in span: TrainingSpan, of network: Network) throws {
    guard let regrowth else { return }
    try checkRemovals(in: span)
    if let removals = removals(in: span) {
      // A weight that was removed before the step has no value there to go back to.
      if case .step(let step) = regrowth.rewinding, step.iterations(perEpoch: span.perEpoch) > removals.every {
        throw PlanError(
          "--rewind \(step) is later than the first removal, after step \(removals.every): give an earlier step, or a longer --every")
      }
    }
    try regrowth.method.check(span, self, of: network)
  }

  /// Checks that the regrowth goes with the rest of the plan.
  ///
  /// - Throws: `PlanError` for a regrowth that the rest of the plan contradicts.
  func validateRegrowth() throws {
    guard let regrowth else { return }
    let method = "--method \(method ?? regrowth.name)"
    guard !granularity.isStructured else {
      throw PlanError("\(method) lets single weights come back: it does not go with --granularity \(granularity.rawValue)")
    }
    guard case .total = amount else {
      throw PlanError("\(method) trains at a given density: give --sparsity, e.g. --sparsity 0.9, and no other amount")
    }
    try regrowth.validate()
    try validate(regrowth.rewinding, of: regrowth, method)
    switch (type(of: regrowth.method).start, timing) {
    case (_, .rounds): throw PlanError("\(method) is one training without rounds: --rounds and --recovery do not go with it")
    case (.sparse, .during): throw PlanError("\(method) keeps the density it starts with: --every and --until do not go with it")
    case (_, .everyStep): throw PlanError("\(method) trains weights: it does not go with scores that choose anew at every step")
    case (.dense, .atStart): throw PlanError("\(method) starts dense: it needs --every, from one removal to the next")
    case (.sparse, .atStart), (.dense, .during), (.either, _): break
    }
  }

  private func validate(_ rewinding: Rewinding, of regrowth: RegrowthPlan, _ method: String) throws {
    guard rewinding != .none else { return }
    guard type(of: regrowth.method).rewinds, case .during = timing else { throw PlanError("--rewind does not go with \(method)") }
    guard rewinding.resetsWeights else {
      throw PlanError("--rewind \(rewinding) does not go with \(method): one training has one learning-rate schedule; give init or a step")
    }
  }
}
