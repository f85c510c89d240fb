internal import Networks
internal import Results
internal import Training

extension PruningPlan {
  /// Description of the plan, e.g. `filters by l2, 5 % of each layer each time (floor), every 7ep`; recorded in model files.
  public var words: String {
    let percent = Self.percent
    let reach =
      switch allocation {
      case _ where pattern?.sparsity != nil: "of each group"
      case .layer: "of each layer"
      case .global: "over all layers"
      default: "spread by \(allocation)"
      }
    let much =
      switch amount {
      case .perEvent(let fraction): "\(percent(fraction)) \(reach) each time"
      case .total(let fraction): "\(percent(fraction)) \(reach) in all"
      case .cost(let target): "\(target.words) \(reach)"
      case .threshold(let threshold): "those below \(threshold)"
      case .deviations(let quality): "those below \(quality) standard deviations of their layer"
      case .learned: "as many as close"
      }
    // A fraction of what is left, removed in each round, does not need a schedule.
    let spread =
      switch amount {
      case .total, .cost: " (\(schedule.rawValue))"
      case .perEvent, .threshold, .deviations, .learned: ""
      }
    let when =
      switch timing {
      case .during(let every, let until): "every \(every)" + (until.map { " until \($0)" } ?? "") + spread
      case .atStart(let count): count == 1 ? "before training" : "in \(count) removals before training\(spread)"
      case .everyStep: gates == nil ? "chosen anew at every step" : "after training"
      case .rounds(let count, let recovery):
        (count == 1 ? "one-shot" : "\(count) rounds\(spread)")
          + (recovery.iterations(perEpoch: 1) > 0 ? ", \(recovery) of recovery\(count == 1 ? "" : " each")" : "")
      }
    let rounded = rounding == .round ? "" : " (\(rounding.rawValue))"
    let multiple = widthMultiple > 1 ? ", widths multiples of \(widthMultiple)" : ""
    let heads = attentionUnit.map { ", attention by \($0.rawValue)" } ?? ""
    let repaired = repairs.map { ", \($0.words)" }.joined()
    let dropout = rescalesDropout ? ", dropout rescaled" : ""
    let mode = batchNorms.map { ", batch norms in \($0.rawValue) mode" } ?? ""
    let comparable = normalization.map { $0 == .none ? ", not normalized" : ", normalized by \($0.rawValue)" } ?? ""
    let trained = gates.map { "hard-concrete gates, \($0.words)" } ?? "trained scores"
    let scored =
      timing == .everyStep || gates != nil
      ? trained : "\(order == .highest ? "highest " : "")\(criterion)\(mode)\(curvature.map { ", \($0.words)" } ?? "")\(comparable)"
    let named = method.map { "\($0): " } ?? ""
    let back = regrowth.map { $0.words.isEmpty ? "" : "; \($0.words)" } ?? ""
    let held = temporary.map { ", \($0.words)" } ?? ""
    let things = pattern?.plural ?? granularity.plural
    return "\(named)\(things) by \(scored), \(much)\(rounded), \(when)\(held)\(multiple)\(heads)\(repaired)\(dropout)\(back)"
  }

  /// Returns a fraction as text, e.g. `12.5 %`.
  static func percent(_ fraction: Double) -> String {
    let text = "\((fraction * 1e6).rounded() / 1e4)"
    return (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + " %"
  }

  /// Checks the plan by itself, without model or training.
  ///
  /// - Throws: `PlanError` or ``PruningError`` for a plan that contradicts itself.
  public func validate() throws {
    try validateRegrowth()
    try validateTemporary()
    try validateOrder()
    try validatePattern()
    guard (1...4096).contains(widthMultiple) else { throw PlanError("--width-multiple \(widthMultiple) is impossible: give 1 to 4096") }
    _ = try Fraction.checked(minimumLayerDensity, option: "--minimum-layer-density")
    if case .shares(let shares) = allocation, let wrong = shares.filter({ !($0.value > 0 && $0.value.isFinite) }).keys.min() {
      throw PlanError("the share of \(wrong) is impossible: shares of layers are numbers above 0")
    }
    if widthMultiple > 1, !granularity.isStructured {
      throw PlanError("--width-multiple rounds widths of units and filters: it does not go with --granularity weight")
    }
    if let attentionUnit, !granularity.isStructured {
      throw PlanError(
        "--attention-unit \(attentionUnit.rawValue) says what leaves as one unit: it does not go with --granularity \(granularity.rawValue)"
      )
    }
    if let examples {
      guard (1...10_000_000).contains(examples) else { throw PlanError("--examples \(examples) is impossible: give 1 to 10000000") }
      guard criterion.needsExamples || !repairs.isEmpty else {
        throw PlanError("--examples goes with criteria and repairs that look at images: \(criterion.name) does not")
      }
    }
    try validateScores()
    try validateGates()
    if timing == .everyStep, gates == nil {
      guard granularity == .weight else {
        throw PlanError("--method edge-popup chooses among single weights: --granularity \(granularity.rawValue) does not go with it")
      }
      guard case .total = amount else {
        throw PlanError("--method edge-popup uses one density from the first step on: give --sparsity, e.g. --sparsity 0.5")
      }
      guard minimumLayerDensity == 0, normalization == nil else {
        throw PlanError("--method edge-popup ranks its own scores: --minimum-layer-density and --normalization do not go with it")
      }
    }
    if rescalesDropout {
      guard !granularity.isStructured else {
        throw PlanError("--method han prunes single weights: --granularity \(granularity.rawValue) does not go with it")
      }
      guard case .rounds = timing else {
        throw PlanError("--method han removes between trainings: --at-start, --every and --until do not go with it")
      }
    }
    if !repairs.isEmpty, !granularity.isStructured {
      throw PlanError("--repair mends what removed units leave behind: it does not go with --granularity weight")
    }
    if case .cost(let target) = amount {
      guard granularity.isStructured else {
        throw PlanError("--of \(target.measure.rawValue) counts what a smaller network costs: it does not go with --granularity weight")
      }
      switch target.amount {
      case .less(let fraction): _ = try Fraction.checked(fraction, option: "--sparsity")
      case .most(let cost): guard cost > 0, cost.isFinite else { throw PlanError("--limit \(cost) is impossible: give a number above 0") }
      }
    }
    if case .total(let fraction) = amount { _ = try Fraction.checked(fraction, option: "--sparsity") }
    if case .perEvent(let fraction) = amount { _ = try Fraction.checked(fraction, option: "--fraction") }
    if case .threshold(let threshold) = amount, !(threshold > 0 && threshold.isFinite) {
      throw PlanError("--threshold \(threshold) is impossible: give a number above 0")
    }
    if case .deviations(let quality) = amount, !(quality > 0 && quality.isFinite) {
      throw PlanError("--deviations \(quality) is impossible: give a number above 0")
    }
    if schedule == .iterative, amount.isFinal {
      throw PlanError("--schedule iterative takes --fraction, what each round removes of what is left, not --sparsity")
    }
  }

  /// Checks that the options of scoring go with the criterion, and with how its scores are compared.
  ///
  /// - Throws: `PlanError` if they do not.
  private func validateScores() throws {
    func names(_ fits: (PruningCriterion) -> Bool) -> String { PruningCriterion.all.filter(fits).map(\.name).joined(separator: " or ") }
    if batchNorms != nil, criterion.definition.batchNorms == nil {
      throw PlanError("--batch-norm-mode goes with --criterion \(names { $0.batchNorms != nil }), not \(criterion.name)")
    }
    if let curvature {
      guard criterion.name == OptimalBrainDamage.criterion.name else {
        throw PlanError("--probes and --curvature go with --criterion \(OptimalBrainDamage.criterion.name), not \(criterion.name)")
      }
      guard (1...1_000_000).contains(curvature.count) else {
        throw PlanError("--probes \(curvature.count) is impossible: give 1 to 1000000")
      }
    }
    if case .deviations = amount, !criterion.definition.implementation.needsDeviation {
      throw PlanError("--deviations goes with --criterion \(names { $0.implementation.needsDeviation }), not \(criterion.name)")
    }
    if normalization != nil, timing != .everyStep {
      if amount.isThreshold { throw PlanError("--normalization compares layers: a threshold applies to scores as they are") }
      switch allocation {
      case .global, .scoped: break
      case .layer, .uniform, .erk, .lamp, .shares:
        throw PlanError("--normalization goes with --scope global or sets of layers, not \(allocation.name), which does not compare layers")
      }
    }
  }
}

extension PruningPlan.Amount {
  /// Whether scores decide the count.
  var isThreshold: Bool {
    switch self {
    case .threshold, .deviations: true
    case .total, .perEvent, .cost, .learned: false
    }
  }

  /// Whether the amount is what the last event must reach.
  public var isFinal: Bool {
    switch self {
    case .total, .cost: true
    case .perEvent, .threshold, .deviations, .learned: false
    }
  }
}

extension PruningPlan.Repair {
  /// Description of the repair, e.g. `mean replacement (exact, consumer)`.
  public var words: String {
    switch self {
    case .meanReplacement(let replacement): "mean replacement (\(replacement.form.rawValue), \(replacement.place.rawValue))"
    case .reconstruction: "listeners reconstructed"
    case .batchNorms: "batch norms recalibrated"
    }
  }
}

extension CostTarget {
  /// Description of the target, e.g. `50 % of macs gone`, or `at most 1000000 MACs`.
  public var words: String {
    switch amount {
    case .less(let fraction): "\((fraction * 1e4).rounded() / 1e2) % of \(measure.rawValue) gone"
    case .most(let cost): "at most \(measure == .latency ? "\(cost * 1e3) ms" : "\(Int(saturating: cost)) \(measure.unit)")"
    }
  }
}

extension PruningEvent {
  /// Summary in one line, for progress output.
  public var summary: String {
    let verbs = isTemporary ?? false ? ("disturbed", "never") : ("removed", "left")
    var parts = ["prune \(number) after step \(iteration): \(removed) \(verbs.0), \(kept) \(verbs.1)"]
    if removed == 0, let prunable, prunable > kept { parts.append("\(prunable - kept) of \(prunable) had left before") }
    if let before, let after {
      func percent(_ value: Double) -> String { "\((value * 1e4).rounded() / 1e2) %" }
      let pruned = pruned.map { " → \(percent($0.accuracy)) pruned" } ?? ""
      parts.append("validation \(percent(before.accuracy))\(pruned) → \(percent(after.accuracy))\(self.pruned == nil ? "" : " repaired")")
    }
    if let target { parts.append("\(target.words)") }
    if let surgerySeconds { parts.append("surgery \((surgerySeconds * 1e3).rounded() / 1e3) s") }
    if hasConstantOutput ?? false {
      parts.append("CONSTANT OUTPUT: whatever goes in, masked and compacted outputs are the same, which proves nothing")
    } else if let proof {
      parts.append("proved: masked and compacted outputs agree to \(Self.short(proof))")
    }
    if !collapsed.isEmpty {
      // The first of several removals that are recorded as one event.
      let first = collapse.flatMap { $0.removal == number ? nil : " (\($0.words))" } ?? ""
      parts.append("COLLAPSED: \(collapsed.joined(separator: ", "))\(first)")
    }
    return parts.joined(separator: "; ")
  }

  private static func short(_ value: Double) -> String {
    guard value > 0 else { return "the last bit" }
    var (mantissa, exponent) = (value, 0)
    while mantissa < 1 {
      mantissa *= 10
      exponent -= 1
    }
    return "\((mantissa * 10).rounded() / 10)e\(exponent)"
  }
}
