public import ArgumentParser
public import Pruning
internal import Training

/// Options of `prune` for the amount removed.
struct AmountOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Fraction of the original weights, units or cost (--of) removed at the end, e.g. 0.9.", valueName: "fraction"))
  var sparsity: String?

  @Option(
    help: ArgumentHelp("Compression ratio: 100 leaves a hundredth, like --sparsity 0.99.", valueName: "times"))
  var compression: String?

  @Option(help: ArgumentHelp("Fraction of the remaining weights or units that each round removes, e.g. 0.05.", valueName: "fraction"))
  var fraction: String?

  @Option(
    help: ArgumentHelp(
      "What --sparsity or --limit refers to, for units and filters: parameters, macs, bytes or latency (measured here).", valueName: "cost")
  )
  var of: CostTarget.Measure?

  @Option(help: ArgumentHelp("Maximum of the --of cost at the end; latency in milliseconds.", valueName: "number"))
  var limit: Double?

  @Option(help: ArgumentHelp("Each round removes everything that scores below this.", valueName: "score"))
  var threshold: Double?

  @Option(
    help: ArgumentHelp(
      "Each round removes weights below this many standard deviations of their layer's weights (criterion threshold).", valueName: "q"))
  var deviations: Double?

  @Option(
    help: ArgumentHelp(
      "How a fraction becomes a count: round (later rounds make up for differences), floor or ceil; round by default.", valueName: "mode"))
  var rounding: Rounding?

  @Option(help: ArgumentHelp("Minimum fraction of its weights or units that each layer keeps.", valueName: "density"))
  var minimumLayerDensity = 0.0

  @Option(
    help: ArgumentHelp("Round widths that shrink to the nearest multiple of this, e.g. 8, or leave them unchanged.", valueName: "count"))
  var widthMultiple = 1

  /// Returns the one amount that was given.
  ///
  /// - Parameter fallback: the amount of a method that can do without one.
  /// - Throws: `PlanError` if none or several were given, or an impossible one.
  func amount(orElse fallback: PruningPlan.Amount? = nil) throws -> PruningPlan.Amount {
    let given = [sparsity != nil, compression != nil, fraction != nil, limit != nil, threshold != nil, deviations != nil].count { $0 }
    if given == 0, of == nil, let fallback { return fallback }
    guard given == 1 else {
      let question = "give --sparsity or --compression (in total) or --fraction (each round), --limit, --threshold or --deviations"
      throw PlanError(
        given == 0 ? "how much should be pruned? \(question), e.g. --sparsity 0.9" : "one amount is enough: \(question), not several")
    }
    if let limit {
      guard let of else { throw PlanError("--limit \(limit) of what? give --of parameters, macs, bytes or latency") }
      // In milliseconds, as given, not in the plan's seconds.
      guard limit > 0, limit.isFinite else { throw PlanError("--limit \(limit) is impossible: give a number above 0") }
      return .cost(CostTarget(of, .most(of == .latency ? limit / 1000 : limit)))
    }
    if sparsity != nil || compression != nil {
      let fraction = try sparsity.map { try Fraction.parse($0, option: "--sparsity") } ?? compression.map(Self.gone) ?? 0
      return of.map { .cost(CostTarget($0, .less(fraction))) } ?? .total(fraction)
    }
    if of != nil { throw PlanError("--of goes with --sparsity or --limit: a cost is reached at the end, not in each round") }
    if let fraction { return .perEvent(try Fraction.parse(fraction, option: "--fraction")) }
    if let threshold { return .threshold(threshold) }
    return .deviations(deviations ?? 0)
  }

  /// Returns the one amount that was given, or that a pattern fixes.
  ///
  /// - Throws: `PlanError` if there is none or several, or an impossible one.
  func amount(of pattern: WeightPattern?, orElse fallback: PruningPlan.Amount?) throws -> PruningPlan.Amount {
    guard let fixed = pattern?.sparsity else { return try amount(orElse: fallback) }
    let given = try amount(orElse: .total(fixed))
    // 0.667 means a pattern's 2/3; whatever does not, the plan refuses.
    if case .total(let fraction) = given, abs(fraction - fixed) < 5e-4 { return .total(fixed) }
    return given
  }

  /// Returns the fraction removed if 1/c remains.
  private static func gone(_ compression: String) throws -> Double {
    guard let times = Double(compression), times >= 1, 1 - 1 / times < 1 else {
      throw PlanError("--compression \(compression) is impossible: give a number of at least 1, e.g. 10 to leave a tenth")
    }
    return 1 - 1 / times
  }
}

extension CostTarget.Measure: ExpressibleByArgument {}
extension Rounding: ExpressibleByArgument {}
