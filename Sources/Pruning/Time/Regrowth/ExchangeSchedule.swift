internal import Foundation
internal import Networks
public import Training

/// The times at which weights are exchanged, and the fraction of each layer.
public struct ExchangeSchedule: Codable, Hashable, Sendable {
  /// The decay of the exchanged fraction over time.
  public enum Decay: String, Codable, Hashable, Sendable, CaseIterable {
    /// f(t) = α/2·(1 + cos(πt/T_end)) (Evci et al. 2020, after Dettmers & Zettlemoyer 2019).
    case cosine
    /// f(t) = α.
    case constant
  }

  /// Interval ΔT between exchanges.
  public var interval: Step
  /// Initial fraction α of a layer's kept weights that is exchanged.
  public var fraction: Double
  /// Decay of the fraction over time.
  public var decay: Decay
  /// T_end as a fraction of all steps, after which nothing is exchanged.
  public var until: Double

  /// Creates a schedule, by default RigL's; every parameter sets the property of the same name.
  public init(interval: Step = .iterations(100), fraction: Double = 0.3, decay: Decay = .cosine, until: Double = 0.75) {
    self.interval = interval
    self.fraction = fraction
    self.decay = decay
    self.until = until
  }

  /// Returns T_end in steps.
  public func end(of total: Int) -> Int { Rounding.floor.count(until, of: total) }

  /// Returns f(t) after step `iteration` of `total`; 0 after T_end.
  public func fraction(at iteration: Int, of total: Int) -> Double {
    let end = until * Double(total)
    guard end > 0, Double(iteration) <= end + 1e-9 else { return 0 }
    switch decay {
    case .constant: return fraction
    case .cosine: return fraction / 2 * (1 + cos(.pi * Double(iteration) / end))
    }
  }

  /// Returns whether weights are exchanged after step `iteration`: every ``interval`` until T_end, but never after the last step.
  public func isDue(at iteration: Int, of total: Int, perEpoch: Int) -> Bool {
    let interval = interval.iterations(perEpoch: perEpoch)
    return interval > 0 && iteration > 0 && iteration % interval == 0 && iteration < total && iteration <= end(of: total)
  }

  /// Checks that the training is long enough for an exchange.
  ///
  /// - Throws: `PlanError` for a training too short for a single exchange.
  func check(_ span: TrainingSpan) throws {
    let first = interval.iterations(perEpoch: span.perEpoch)
    guard first < span.total, first <= end(of: span.total) else {
      throw PlanError(
        "nothing would ever come back: the first exchange is after step \(first), the last may be after step "
          + "\(end(of: span.total)) of \(span.total): give a shorter --regrowth-interval, or train longer")
    }
  }

  /// Checks that the training is long enough for an exchange, and that exchanges are of at least one weight.
  ///
  /// - Throws: `PlanError` for a training too short for a single exchange, or exchanges of less than one weight.
  func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws {
    try check(span)
    let first = fraction(at: interval.iterations(perEpoch: span.perEpoch), of: span.total)
    try Self.check(exchanging: first, "--drop-fraction \(fraction)", plan, of: network)
  }

  /// Checks that a fraction of the largest layer is at least one weight.
  ///
  /// - Throws: `PlanError` for a fraction that rounds to no weight of any layer, however many weights are kept.
  static func check(exchanging fraction: Double, _ words: String, _ plan: PruningPlan, of network: Network) throws {
    let shapes = Dictionary(try network.parameterShapes().map { ($0.name, $0.dimensions) }, uniquingKeysWith: { first, _ in first })
    let largest = try network.weights(ignoring: plan.ignored).compactMap { shapes[$0]?.reduce(1, *) }.max() ?? 0
    guard Rounding.round.count(fraction, of: largest) == 0 else { return }
    throw PlanError(
      "nothing would ever come back: \(words) of the largest layer's \(largest) weights is less than one: give a larger fraction")
  }

  /// Checks the schedule by itself, without a training.
  ///
  /// - Throws: `PlanError` for impossible values.
  public func validate() throws {
    guard interval.iterations(perEpoch: 1) > 0 else { throw PlanError("--regrowth-interval \(interval) is impossible: give at least 1it") }
    guard fraction > 0, fraction < 1 else {
      throw PlanError("--drop-fraction \(fraction) is impossible: give a number above 0 and below 1")
    }
    try Self.validate(until: until)
  }

  static func validate(until: Double) throws {
    guard until > 0, until <= 1 else {
      throw PlanError("--regrowth-end \(until) is impossible: give a share of the steps above 0, up to 1")
    }
  }

  /// Description of the schedule, e.g. `30 % (cosine) exchanged every 100it until 75 % of the steps`.
  public var words: String {
    "\(PruningPlan.percent(fraction)) (\(decay.rawValue)) exchanged every \(interval)\(Self.words(until: until))"
  }

  static func words(until: Double) -> String { until < 1 ? " until \(PruningPlan.percent(until)) of the steps" : "" }
}

extension Trainer {
  /// Returns whether weights are exchanged after the step just finished.
  func isDue(_ schedule: ExchangeSchedule) -> Bool { schedule.isDue(at: iteration, of: totalIterations, perEpoch: iterationsPerEpoch) }
}
