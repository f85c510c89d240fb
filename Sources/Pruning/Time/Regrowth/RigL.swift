public import Networks
internal import Torch
public import Training

/// `rigl`: the smallest weights leave, those with the largest gradients enter (Evci et al. 2020).
///
/// Every ΔT steps each layer drops its round(f(t)·kept) weights of lowest |w|, and of all weights that are then pruned, the just dropped
/// ones included, as many of largest |∂L/∂w| enter at 0 with zero moments. The dense gradient is that of the step just taken; the paper
/// takes no optimizer step with it, ours does. Cost: a dense step before each exchange.
public struct RigL: Regrowth {
  /// Name in recipes.
  public static let name = "rigl"
  /// Starts from a sparse network.
  public static let start = RegrowthStart.sparse
  /// Times and fractions of the exchanges; ΔT = 100, α = 0.3, cosine, T_end = 75 % by default.
  public var schedule: ExchangeSchedule

  /// Creates the method.
  public init(schedule: ExchangeSchedule = ExchangeSchedule()) { self.schedule = schedule }

  /// Description of the schedule.
  public var words: String { schedule.words }
  /// True, since the dense gradients decide which weights enter.
  public var needsGradients: Bool { true }
  /// Returns true only for steps after which weights are exchanged; sparse kernels may compute the others.
  public func needsGradients(_ trainer: Trainer) -> Bool {
    schedule.isDue(at: trainer.iteration + 1, of: trainer.totalIterations, perEpoch: trainer.iterationsPerEpoch)
  }
  /// Checks the schedule.
  ///
  /// - Throws: `PlanError` for an impossible schedule.
  public func validate() throws { try schedule.validate() }

  /// Checks that the training is long enough for an exchange of at least one weight.
  ///
  /// - Throws: `PlanError` for a training too short for a single exchange, or exchanges of less than one weight.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws { try schedule.check(span, plan, of: network) }

  /// Stores the gradients of a step after which weights are exchanged.
  public func didComputeGradients(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard needsGradients(trainer) else { return }
    for name in try memory.layers(of: trainer) {
      let weight = try trainer.model.tensor(name)
      // There is no gradient if the loss does not depend on the parameter.
      memory.tensors["gradient.\(name)"] = try weight.gradient?.absolute() ?? weight.detached().zerosLike()
    }
  }

  /// Exchanges weights when the schedule says so.
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
