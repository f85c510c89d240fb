public import Networks
internal import Torch
public import Training

/// `scored-pruning`: every weight, pruned or not, has a score of how useful it would be, and the best of the pruned ones come back.
///
/// At every step until T_end S ← λ·S − w⊙∂L/∂w, with w the stored value and ∂L/∂w the dense gradient of the masked network
/// (straight-through): a weight that would have lowered the loss gains. Every ΔT steps each layer exchanges round(f(t)·kept) weights: the
/// pruned ones with the highest S come back with their stored value, zero moments and S = 0, in exchange for as many kept ones with the
/// lowest |w| (or S). The values of pruned weights are frozen. Cost: one pass over the weights per step; memory for two numbers per weight.
public struct ScoredPruning: Regrowth {
  /// The ranking by which kept weights leave.
  public enum Leaving: String, Codable, Hashable, Sendable, CaseIterable {
    /// Those with the lowest |w|.
    case magnitude
    /// Those with the lowest S.
    case score
  }

  /// Name in recipes.
  public static let name = "scored-pruning"
  /// Starts from a dense network.
  public static let start = RegrowthStart.dense
  /// True: kept weights can be rewound after each removal.
  public static let rewinds = true
  /// Times and fractions of the exchanges; RigL's by default.
  public var schedule: ExchangeSchedule
  /// Decay λ of the scores per step.
  public var decay: Double
  /// Ranking by which kept weights leave.
  public var leaving: Leaving

  /// Creates the method; every parameter sets the property of the same name.
  public init(schedule: ExchangeSchedule = ExchangeSchedule(), decay: Double = 0.99, leaving: Leaving = .magnitude) {
    self.schedule = schedule
    self.decay = decay
    self.leaving = leaving
  }

  /// Description of the options.
  public var words: String { "scores fade by \(decay) a step, lowest \(leaving.rawValue) leaves, \(schedule.words)" }
  /// True, since the scores use the gradients of pruned weights as well.
  public var needsGradients: Bool { true }
  /// Returns true until T_end.
  public func needsGradients(_ trainer: Trainer) -> Bool { trainer.iteration < schedule.end(of: trainer.totalIterations) }

  /// Checks the options.
  ///
  /// - Throws: `PlanError` for impossible options.
  public func validate() throws {
    try schedule.validate()
    guard decay >= 0, decay < 1 else {
      throw PlanError("--score-decay \(decay) is impossible: give a number from 0 up to, but not including, 1")
    }
  }

  /// Checks that the training is long enough for an exchange of at least one weight.
  ///
  /// - Throws: `PlanError` for a training too short for a single exchange, or exchanges of less than one weight.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws { try schedule.check(span, plan, of: network) }

  /// Updates the scores.
  public func didComputeGradients(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard needsGradients(trainer) else { return }
    for name in try memory.layers(of: trainer) {
      guard let gradient = try trainer.model.tensor(name).gradient else { continue }
      let stored = try memory.stored(name, trainer)
      let score = try memory.tensors["score.\(name)"] ?? stored.zerosLike()
      memory.tensors["score.\(name)"] = try score * decay - stored * gradient.detached()
    }
  }

  /// Stores the values of kept weights, so that the last value of a weight that leaves is known.
  public func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    if trainer.iteration <= schedule.end(of: trainer.totalIterations) { try memory.store(trainer) }
  }

  /// Exchanges weights when the schedule says so.
  public func didFinishStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard trainer.isDue(schedule) else { return }
    let fraction = schedule.fraction(at: trainer.iteration, of: trainer.totalIterations)
    var changes: [ParameterName: RegrowthMemory.Exchange] = [:]
    for name in try memory.layers(of: trainer) {
      guard let score = memory.tensors["score.\(name)"] else { continue }
      let kept = try memory.kept(name, trainer.model)
      let pruned = try kept.logicalNot()
      let count = min(Rounding.round.count(fraction, of: try kept.memberCount()), try pruned.memberCount())
      let rank = leaving == .score ? score : try trainer.model.tensor(name).detached().absolute()
      let entering = try score.highest(count, in: pruned, layer: name.module)
      changes[name] = .init(
        leaving: try rank.lowest(count, in: kept, layer: name.module), entering: entering, values: try memory.stored(name, trainer))
      memory.tensors["score.\(name)"] = try entering.select(score.zerosLike(), else: score)
    }
    try memory.exchange(changes, trainer)
  }
}
