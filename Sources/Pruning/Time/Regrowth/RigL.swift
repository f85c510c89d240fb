public import Networks
internal import Torch
public import Training

/// `rigl`: the smallest weights leave, those with the largest gradients enter (Evci et al. 2020).
///
/// Every ΔT steps each layer lets its round(f(t)·kept) weights of lowest |w| go, and of all that are then pruned, the just dropped ones
/// among them, as many of largest |∂L/∂w| enter at 0 with zero moments. The dense gradient is the one of the step just taken; the paper
/// takes no step with it, we do. Cost: a dense step before each exchange.
public struct RigL: Regrowth {
  /// As recipes spell it.
  public static let name = "rigl"
  /// With a sparse network.
  public static let start = RegrowthStart.sparse
  /// When and how many; ΔT = 100, α = 0.3, cosine, T_end = 75 % unless given.
  public var schedule: ExchangeSchedule

  /// RigL with this schedule.
  public init(schedule: ExchangeSchedule = ExchangeSchedule()) { self.schedule = schedule }

  /// The schedule.
  public var words: String { schedule.words }
  /// Yes.
  public var needsGradients: Bool { true }
  /// Only in steps after which weights are exchanged; sparse kernels may take the others.
  public func needsGradients(_ trainer: Trainer) -> Bool {
    schedule.isDue(at: trainer.iteration + 1, of: trainer.totalIterations, perEpoch: trainer.iterationsPerEpoch)
  }
  /// - Throws: `PlanError` for a schedule that cannot be.
  public func validate() throws { try schedule.validate() }

  /// - Throws: `PlanError` for a training too short for a single exchange, or exchanges of less than one weight.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws { try schedule.check(span, plan, of: network) }

  /// Remembers the gradients of a step after which weights are exchanged.
  public func didComputeGradients(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard needsGradients(trainer) else { return }
    for name in try memory.layers(of: trainer) {
      let weight = try trainer.model.tensor(name)
      // A parameter that the loss does not depend on has none.
      memory.tensors["gradient.\(name)"] = try weight.gradient?.absolute() ?? weight.detached().zerosLike()
    }
  }

  /// Exchanges.
  public func didFinishStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard trainer.isDue(schedule) else { return }
    let fraction = schedule.fraction(at: trainer.iteration, of: trainer.totalIterations)
    var changes: [ParameterName: RegrowthMemory.Exchange] = [:]
    for name in try memory.layers(of: trainer) {
      guard let gradient = memory.tensors.removeValue(forKey: "gradient.\(name)") else { continue }
      let kept = try memory.kept(name, trainer.model)
      let count = Rounding.round.count(fraction, of: try kept.memberCount())
      let leaving = try trainer.model.tensor(name).detached().absolute().lowest(count, in: kept, layer: name.module)
      let pruned = try kept.subtracting(leaving).logicalNot()
      changes[name] = .init(leaving: leaving, entering: try gradient.highest(count, in: pruned, layer: name.module))
    }
    try memory.exchange(changes, trainer)
  }
}
