internal import Foundation

/// Performance profiles of solvers over problems (Dolan & Moré 2002): ρ(τ) is the share of problems on which a solver costs at most τ times
/// as much as the best one.
///
/// ρ(1) is how often a solver is best, equal ones all counting; for large τ it becomes the share of problems that the solver solves. A
/// profile over few problems changes with the solvers beside it, as the best one is among them.
public struct DolanMoreProfile: Hashable, Sendable {
  /// Cost in units of the problem's least, by problem and solver: 1 for the best, infinite for a failure.
  public let ratios: [[Double]]

  /// Computes the ratios; nil without problems or solvers, if a problem has another number of solvers, or if a cost is negative or not a
  /// number.
  ///
  /// Where the least cost is 0, those that cost more are infinitely worse; where all fail, none is the best.
  /// - Parameter costs: cost by problem and solver, infinite for a failure.
  public init?(costs: [[Double]]) {
    guard let solvers = costs.first?.count, solvers > 0, costs.allSatisfy({ $0.count == solvers && $0.allSatisfy { $0 >= 0 } }) else {
      return nil
    }
    ratios = costs.map { costs in
      let least = costs.min() ?? .infinity
      return costs.map { $0.isInfinite ? .infinity : $0 == least ? 1 : $0 / least }
    }
  }

  /// Returns ρ(τ) of a solver; nil if there is no such solver.
  public func share(of solver: Int, within ratio: Double) -> Double? {
    guard ratios[0].indices.contains(solver) else { return nil }
    return Double(ratios.count { $0[solver] <= ratio && $0[solver].isFinite }) / Double(ratios.count)
  }

  /// Returns the area under a solver's profile from τ = 1 to a limit, exactly, divided by its width: 1 if it is always the best, 0 if it
  /// never comes below the limit. Nil if there is no such solver, or for a limit that is not finite and above 1.
  public func area(of solver: Int, to limit: Double, scale: AxisScale = .logarithmic) -> Double? {
    guard ratios[0].indices.contains(solver), limit > 1, let end = scale.position(limit), let start = scale.position(1) else { return nil }
    let reached = ratios.map { problem in
      // From its ratio on, a problem counts in full.
      scale.position(problem[solver]).map { max((end - $0) / (end - start), 0) } ?? 0
    }
    return Statistics.mean(reached)
  }
}
