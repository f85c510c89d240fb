public import Networks
internal import Torch
public import Training

/// `set`: the smallest weights leave, random ones enter (sparse evolutionary training, Mocanu et al. 2018).
///
/// After each epoch each layer drops its round(ζ·kept) weights of lowest |w|, ζ = 0.3, and as many random ones of those that are then
/// pruned enter at 0 with zero moments. The paper drops the smallest positive and the largest negative weights, which are those of lowest
/// |w|, and draws fresh values; ours start at 0, as in all other methods.
public struct SparseEvolution: Regrowth {
  /// Name in recipes.
  public static let name = "set"
  /// Starts from a sparse network.
  public static let start = RegrowthStart.sparse
  /// Times and fractions of the exchanges; 0.3 after each epoch but the last by default.
  public var schedule: ExchangeSchedule

  /// Creates the method.
  public init(schedule: ExchangeSchedule = ExchangeSchedule(interval: .epochs(1), fraction: 0.3, decay: .constant, until: 1)) {
    self.schedule = schedule
  }

  /// Description of the schedule.
  public var words: String { schedule.words }
  /// Checks the schedule.
  ///
  /// - Throws: `PlanError` for an impossible schedule.
  public func validate() throws { try schedule.validate() }

  /// Checks that the training is long enough for an exchange of at least one weight.
  ///
  /// - Throws: `PlanError` for a training too short for a single exchange, or exchanges of less than one weight.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws { try schedule.check(span, plan, of: network) }

  /// Exchanges weights when the schedule says so.
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
      // Drawn from seed, name and step alone, so that no generator has to be stored.
      let draws = try RandomScore().weightScores(weight, ScoringContext(parameter: name, seed: seed, round: trainer.iteration))
      changes[name] = .init(leaving: leaving, entering: try draws.lowest(count, in: pruned, layer: name.module))
    }
    try memory.exchange(changes, trainer)
  }
}
