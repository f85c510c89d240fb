public import Networks
internal import Torch
public import Training

/// `set`: the smallest weights leave, random ones enter (sparse evolutionary training, Mocanu et al. 2018).
///
/// After each epoch each layer lets its round(ζ·kept) weights of lowest |w| go, and as many random ones of those that are then pruned
/// enter at 0 with zero moments; ζ = 0.3. The paper drops the smallest positive and the largest negative weights, which is the lowest
/// |w|, and draws fresh values; ours begin at 0, as in all other members.
public struct SparseEvolution: Regrowth {
  /// As recipes spell it.
  public static let name = "set"
  /// With a sparse network.
  public static let start = RegrowthStart.sparse
  /// When and how many; each epoch 0.3, never after the last one, unless given.
  public var schedule: ExchangeSchedule

  /// SET with this schedule.
  public init(schedule: ExchangeSchedule = ExchangeSchedule(interval: .epochs(1), fraction: 0.3, decay: .constant, until: 1)) {
    self.schedule = schedule
  }

  /// The schedule.
  public var words: String { schedule.words }
  /// - Throws: `PlanError` for a schedule that cannot be.
  public func validate() throws { try schedule.validate() }

  /// - Throws: `PlanError` for a training too short for a single exchange, or exchanges of less than one weight.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws { try schedule.check(span, plan, of: network) }

  /// Exchanges.
  public func didFinishStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard trainer.isDue(schedule) else { return }
    let fraction = schedule.fraction(at: trainer.iteration, of: trainer.totalIterations)
    let seed = SeedPurpose.scores.seed(from: memory.plan.seed)
    var changes: [ParameterName: RegrowthMemory.Exchange] = [:]
    for name in try memory.layers(of: trainer) {
      let weight = try trainer.model.tensor(name).detached()
      let kept = try memory.kept(name, trainer.model)
      let count = Rounding.round.count(fraction, of: try kept.memberCount())
      let leaving = try weight.absolute().lowest(count, in: kept, layer: name.module)
      let pruned = try kept.subtracting(leaving).logicalNot()
      // Drawn from seed, name and step alone, so that there is no generator to keep.
      let draws = try RandomScore().weightScores(weight, ScoringContext(parameter: name, seed: seed, round: trainer.iteration))
      changes[name] = .init(leaving: leaving, entering: try draws.lowest(count, in: pruned, layer: name.module))
    }
    try memory.exchange(changes, trainer)
  }
}
