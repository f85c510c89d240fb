internal import Training

extension PruningPlan {
  /// The plan in words, e.g. `filters by l2, 5 % of each layer each time (floor), every 7ep`.
  public var words: String {
    func percent(_ fraction: Double) -> String {
      let text = "\((fraction * 1e6).rounded() / 1e4)"
      return (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + " %"
    }
    let reach = scope == .layer ? "of each layer" : "over all layers"
    let much =
      switch amount {
      case .perEvent(let fraction): "\(percent(fraction)) \(reach) each time"
      case .total(let fraction): "\(percent(fraction)) \(reach) in all"
      }
    // What each round takes of what is left needs no schedule.
    let spread = if case .total = amount { " (\(schedule.rawValue))" } else { "" }
    let when =
      switch timing {
      case .during(let every): "every \(every)"
      case .rounds(let count, let recovery):
        (count == 1 ? "one-shot" : "\(count) rounds\(spread)")
          + (recovery.iterations(perEpoch: 1) > 0 ? ", \(recovery) of recovery\(count == 1 ? "" : " each")" : "")
      }
    let rounded = rounding == .round ? "" : " (\(rounding.rawValue))"
    let multiple = widthMultiple > 1 ? ", widths multiples of \(widthMultiple)" : ""
    return "\(granularity.plural) by \(criterion.name), \(much)\(rounded), \(when)\(multiple)"
  }

  /// - Throws: `PlanError` or ``PruningError`` for a plan that contradicts itself.
  public func validate() throws {
    guard (1...4096).contains(widthMultiple) else { throw PlanError("--width-multiple \(widthMultiple) is impossible: give 1 to 4096") }
    _ = try Fraction.checked(minimumLayerDensity, option: "--minimum-layer-density")
    if widthMultiple > 1, !granularity.isStructured {
      throw PlanError("--width-multiple rounds widths of units and filters: it does not go with --granularity weight")
    }
    if case .total = amount, schedule == .iterative {
      throw PlanError("--schedule iterative takes --fraction, what each round removes of what is left, not --sparsity")
    }
  }
}

extension PruningEvent {
  /// One line for people who watch.
  public var summary: String {
    var parts = ["prune \(number) after step \(iteration): \(removed) removed, \(kept) left"]
    if let before, let after {
      func percent(_ value: Double) -> String { "\((value * 1e4).rounded() / 1e2) %" }
      parts.append("validation \(percent(before.accuracy)) → \(percent(after.accuracy))")
    }
    if let proof { parts.append("proved: masked and compacted outputs agree to \(Self.short(proof))") }
    if !collapsed.isEmpty { parts.append("COLLAPSED: \(collapsed.joined(separator: ", "))") }
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
