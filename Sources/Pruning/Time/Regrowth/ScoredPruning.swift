public import Networks
internal import Torch
public import Training

/// `scored-pruning`: every weight, pruned or not, keeps a score of how well it would serve, and the best of the pruned come back.
///
/// Every step until T_end S ← λ·S − w⊙∂L/∂w, with w the stored value and ∂L/∂w the dense gradient of the masked network
/// (straight-through): what would have lowered the loss gains. Every ΔT steps each layer exchanges round(f(t)·kept) weights: the highest
/// S of the pruned come back with their stored value, zero moments and S = 0, for as many kept ones of lowest |w| (or S). Values are
/// frozen while out. Cost: one pass over the weights per step, and two numbers per weight.
public struct ScoredPruning: Regrowth {
  /// What decides who leaves.
  public enum Leaving: String, Codable, Hashable, Sendable, CaseIterable {
    /// The lowest |w|.
    case magnitude
    /// The lowest S.
    case score
  }

  /// As recipes spell it.
  public static let name = "scored-pruning"
  /// With a dense network.
  public static let start = RegrowthStart.dense
  /// Yes.
  public static let rewinds = true
  /// When and how many; RigL's unless given.
  public var schedule: ExchangeSchedule
  /// λ.
  public var decay: Double
  /// Who leaves.
  public var leaving: Leaving

  /// Scored pruning with these options.
  public init(schedule: ExchangeSchedule = ExchangeSchedule(), decay: Double = 0.99, leaving: Leaving = .magnitude) {
    self.schedule = schedule
    self.decay = decay
    self.leaving = leaving
  }

  /// The options.
  public var words: String { "scores fade by \(decay) a step, lowest \(leaving.rawValue) leaves, \(schedule.words)" }
  /// Yes.
  public var needsGradients: Bool { true }
  /// Until T_end.
  public func needsGradients(_ trainer: Trainer) -> Bool { trainer.iteration < schedule.end(of: trainer.totalIterations) }

  /// - Throws: `PlanError` for options that cannot be.
  public func validate() throws {
    try schedule.validate()
    guard decay >= 0, decay < 1 else {
      throw PlanError("--score-decay \(decay) is impossible: give a number from 0 up to, but not including, 1")
    }
  }

  /// - Throws: `PlanError` for a training too short for a single exchange, or exchanges of less than one weight.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws { try schedule.check(span, plan, of: network) }

  /// Moves the scores.
  public func didComputeGradients(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard needsGradients(trainer) else { return }
    for name in try memory.layers(of: trainer) {
      guard let gradient = try trainer.model.tensor(name).gradient else { continue }
      let stored = try memory.stored(name, trainer)
      let score = try memory.tensors["score.\(name)"] ?? stored.zerosLike()
      memory.tensors["score.\(name)"] = try score * decay - stored * gradient.detached()
    }
  }

  /// Follows the kept weights, so that whoever leaves has left its value behind.
  public func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    if trainer.iteration <= schedule.end(of: trainer.totalIterations) { try memory.store(trainer) }
  }

  /// Exchanges.
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
