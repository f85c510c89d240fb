internal import Foundation

/// The learning rate as a pure function of the iteration.
public struct LearningRateSchedule: Codable, Hashable, Sendable {
  /// How the rate decays after the warm-up.
  public enum Decay: Codable, Hashable, Sendable {
    /// No decay.
    case constant
    /// Multiplied by `factor` at each milestone.
    case multiStep(milestones: [Step], factor: Double)
    /// base·½(1 + cos(π·t/T)), down to 0 at the end of training (Loshchilov & Hutter 2017, without restarts).
    case cosine
    /// Multiplied by `factor` after each epoch.
    case exponential(factor: Double)

    /// - Throws: ``PlanError`` for a factor outside 0 (exclusive) to 1.
    func validate() throws {
      switch self {
      case .constant, .cosine: return
      case .multiStep(_, let factor), .exponential(let factor):
        guard factor > 0, factor <= 1 else { throw PlanError("a decay factor of \(factor) is impossible: give a number above 0, up to 1") }
      }
    }
  }
  /// Learning rate after the warm-up and before any decay.
  public var base: Double
  /// Decay of the rate after the warm-up.
  public var decay: Decay
  /// Length of the warm-up of n iterations, over which the rate rises linearly from base/n to base.
  public var warmUp: Step

  /// Creates a schedule; by default with a constant rate and no warm-up.
  public init(base: Double, decay: Decay = .constant, warmUp: Step = .iterations(0)) {
    self.base = base
    self.decay = decay
    self.warmUp = warmUp
  }

  /// Returns the rate of an iteration, counted from 0, in a training of `total` iterations with `perEpoch` to an epoch.
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
