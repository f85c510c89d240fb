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
    let name = "--method \(method ?? "l0")"
    try gates.validate()
    guard timing == .everyStep else {
      throw PlanError("\(name) removes what has closed in training: it goes with no other time of removal")
    }
    switch amount {
    case .total, .learned: break
    case .perEvent, .cost, .threshold, .deviations:
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
