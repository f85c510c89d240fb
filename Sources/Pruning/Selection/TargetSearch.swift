internal import Interruptions
internal import Networks
internal import Torch
internal import Training

/// A bisection of the number of removed units for the smallest removal that brings a network's cost down to a goal.
struct TargetSearch {
  /// The cost to reach.
  let goal: Double
  /// Whether units of all layers are counted together; otherwise each layer loses the same fraction of its original units, so that a narrow
  /// one keeps up when the goal falls in small steps.
  let competes: Bool
  let groups: [ChannelGroup]
  let network: Network
  let cost: (Network) throws -> Double

  typealias Selected = (layers: [ScoredLayer], selection: Selection)

  /// Number of steps into which the fraction of each layer is divided.
  private static let steps = 4096

  /// Returns the smallest removal that meets the goal.
  ///
  /// - Throws: ``PruningError/unreachable(measure:asked:least:)`` if even the largest does not.
  func run(original: Double, measure: CostTarget.Measure, select: (RemovalAmount) throws -> Selected) throws -> Selected {
    // Criteria that choose layer by layer score anew at each step, all others once.
    let layers = try select(.count(0)).layers
    let last = competes ? layers.reduce(0) { $0 + max($1.scores.count - 1, 0) } : Self.steps - 1
    func amount(_ step: Int) -> RemovalAmount { competes ? .count(step) : .ofOriginal(Double(step) / Double(Self.steps)) }
    var least = original
    // In floating point a goal such as 0.71·n can fall just below its exact value.
    let goal = goal + original * 1e-12
    func meets(_ step: Int) throws -> Bool {
      try Interruption.check()
      do {
        let (layers, selection) = try select(amount(step))
        let smaller = try network.removing(selection.removedIndices(from: layers), groups: groups).network
        let reached = try cost(smaller)
        least = min(least, reached)
        return reached <= goal
      } catch PruningError.emptied { return true } catch PruningError.floors { return true }
    }
    guard let step = try Bisection.smallest(upTo: last, meets: meets) else {
      throw unreachable(least, measure)
    }
    do { return try select(amount(step)) } catch PruningError.emptied { throw unreachable(least, measure) } catch PruningError.floors {
      throw unreachable(least, measure)
    }
  }

  private func unreachable(_ least: Double, _ measure: CostTarget.Measure) -> PruningError {
    .unreachable(measure: measure, asked: goal, least: least)
  }
}
