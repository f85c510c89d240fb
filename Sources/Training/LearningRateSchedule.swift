internal import Foundation

/// The learning rate as a pure function of the iteration.
public struct LearningRateSchedule: Codable, Hashable, Sendable {
  /// How the rate falls after the warm-up.
  public enum Decay: Codable, Hashable, Sendable {
    /// Not at all.
    case constant
    /// Times `factor` at each milestone.
    case multiStep(milestones: [Step], factor: Double)
    /// base·½(1 + cos(π·t/T)), to 0 at the end of training (Loshchilov & Hutter 2017, without restarts).
    case cosine
    /// Times `factor` after each epoch.
    case exponential(factor: Double)

    /// - Throws: ``PlanError`` for a factor by which no rate falls.
    func validate() throws {
      switch self {
      case .constant, .cosine: return
      case .multiStep(_, let factor), .exponential(let factor):
        guard factor > 0, factor <= 1 else { throw PlanError("a decay factor of \(factor) is impossible: give a number above 0, up to 1") }
      }
    }
  }
  /// The rate before any decay.
  public var base: Double
  /// How it falls.
  public var decay: Decay
  /// The rate climbs linearly from base/n to base over these first n iterations.
  public var warmUp: Step

  /// A schedule of this base rate.
  public init(base: Double, decay: Decay = .constant, warmUp: Step = .iterations(0)) {
    self.base = base
    self.decay = decay
    self.warmUp = warmUp
  }

  /// The rate of iteration `iteration` (from 0) of `total`.
  public func rate(at iteration: Int, of total: Int, perEpoch: Int) -> Double {
    let warm = warmUp.iterations(perEpoch: perEpoch)
    if iteration < warm { return base * Double(iteration + 1) / Double(warm) }
    switch decay {
    case .constant: return base
    case .multiStep(let milestones, let factor):
      return base * pow(factor, Double(milestones.count { $0.iterations(perEpoch: perEpoch) <= iteration }))
    case .cosine:
      let span = max(total - warm, 1)
      return base * 0.5 * (1 + cos(Double.pi * Double(iteration - warm) / Double(span)))
    case .exponential(let factor):
      return base * pow(factor, Double(iteration / max(perEpoch, 1)))
    }
  }
}
