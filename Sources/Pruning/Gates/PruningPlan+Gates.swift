internal import Training

extension PruningPlan {
  /// Checks that gates go with the rest of the plan.
  ///
  /// - Throws: `PlanError` if they do not.
  func validateGates() throws {
    guard let gates else {
      if case .learned = amount { throw PlanError("only gates decide by themselves how much leaves: give --sparsity, or --method l0") }
      return
    }
    // Between trainings, masks are learned; otherwise in one.
    let learnsMasks = if case .rounds = timing { method == "meta-pruning" } else { false }
    let name = learnsMasks ? "--meta masks" : "--method \(method ?? "l0")"
    try gates.validate()
    guard timing == .everyStep || learnsMasks else {
      throw PlanError("\(name) removes what has closed in training: it goes with no other time of removal")
    }
    guard granularity == .weight || !learnsMasks else {
      throw PlanError("\(name) learns gates on single weights: --granularity \(granularity.rawValue) does not go with it")
    }
    switch amount {
    case .total: break
    case .learned where !learnsMasks: break
    case .perEvent where learnsMasks: break
    case _ where learnsMasks: throw PlanError("\(name) removes the weights of lowest ln α: give --sparsity or --fraction")
    case .learned, .perEvent, .cost, .threshold, .deviations:
      throw PlanError("\(name) counts gates: give --sparsity, or nothing, and --lambda decides how many close")
    }
    let idle = [
      ("--repair", !repairs.isEmpty), ("--normalization", normalization != nil), ("--width-multiple", widthMultiple > 1),
    ]
    if let option = idle.first(where: { $0.1 })?.0 {
      throw PlanError("\(option) does not go with \(name): what leaves is decided by its gates, which weights have learned to do without")
    }
    if gates.cost == .macs, granularity == .weight {
      throw PlanError("--gate-cost macs goes with --granularity unit or filter: each weight of a linear layer is one multiplication")
    }
  }
}
