internal import Interruptions
internal import Networks
internal import Torch
internal import Training

/// Bisects how many units leave until a network costs no more than its goal.
struct TargetSearch {
  /// The cost to reach.
  let goal: Double
  /// Whether units of all layers are counted together; else each layer loses the same fraction of what it had at first, so that a
  /// narrow one does not fall behind when the goal comes down in small steps.
  let competes: Bool
  let groups: [ChannelGroup]
  let network: Network
  let cost: (Network) throws -> Double

  typealias Selected = (layers: [ScoredLayer], selection: Selection)

  /// Steps of the fraction that each layer loses.
  private static let steps = 4096

  /// The smallest removal that meets the goal.
  ///
  /// - Throws: ``PruningError/unreachable(measure:asked:least:)`` if even the largest does not.
  func run(original: Double, measure: CostTarget.Measure, select: (RemovalAmount) throws -> Selected) throws -> Selected {
    // Criteria that choose layer by layer score anew for each step, all others once.
    let layers = try select(.count(0)).layers
    let last = competes ? layers.reduce(0) { $0 + max($1.scores.count - 1, 0) } : Self.steps - 1
    func amount(_ step: Int) -> RemovalAmount { competes ? .count(step) : .ofOriginal(Double(step) / Double(Self.steps)) }
    var least = original
    // A goal such as 0.71·n is not always the number that it means.
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
