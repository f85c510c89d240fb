public import Networks
internal import Torch
public import Training

/// `double-pruning`: the kept and the pruned network train in turn, and the best weights of the pruned one come back.
///
/// Every cycle, which is as long as the plan's removals are apart: (1) the kept network f(x; θ⊙m) trains; (2) the plan removes by its
/// schedule; (3) the pruned network f(x; θ⊙(1 − m)) trains for `prunedSteps`: only its weights move, with an optimizer state of their
/// own; biases and norms stay as they are, running statistics move on copies; then kept weights, biases, statistics and moments are as
/// before, bit for bit; (4) in each layer k = round(`reintroduce`·kept) pruned weights of largest |w| come back for as many kept ones of
/// lowest |w|, with zero moments. Steps of (3) count. Nothing is exchanged after T_end, and a training ends with (1).
///
/// A layer that has lost nothing yet, or is left alone, takes part in (3) with its kept weights, which stay as they are: without it
/// nothing would flow. Dividing |w| by the layer's root mean square would change nothing, as layers do not compete.
public struct DoublePruning: Regrowth {
  /// The value that a weight comes back with.
  public enum Entry: String, Codable, Hashable, Sendable, CaseIterable {
    /// What the pruned network learned.
    case trained
    /// 0.
    case zero
    /// What the weight was before the first step.
    case initial
  }

  /// As recipes spell it.
  public static let name = "double-pruning"
  /// With a dense network.
  public static let start = RegrowthStart.dense
  /// Yes.
  public static let rewinds = true
  /// The share of the kept weights that is exchanged each cycle.
  public var reintroduce: Double
  /// Steps on the pruned network each cycle; a quarter of the cycle unless given.
  public var prunedSteps: Step?
  /// The value that a weight comes back with.
  public var enter: Entry
  /// The share of all steps after which nothing is exchanged any more.
  public var until: Double

  /// Double pruning with these options.
  public init(reintroduce: Double = 0.1, prunedSteps: Step? = nil, enter: Entry = .trained, until: Double = 0.75) {
    self.reintroduce = reintroduce
    self.prunedSteps = prunedSteps
    self.enter = enter
    self.until = until
  }

  /// The options.
  public var words: String {
    "\(prunedSteps.map(\.description) ?? "a quarter") of each cycle on the pruned weights, then \(PruningPlan.percent(reintroduce)) back "
      + "(\(enter.rawValue)),\(ExchangeSchedule.words(until: until))"
  }
  /// Yes: whole networks train.
  public var needsGradients: Bool { true }

  /// - Throws: `PlanError` for options that cannot be.
  public func validate() throws {
    guard reintroduce > 0, reintroduce < 1 else {
      throw PlanError("--reintroduce \(reintroduce) is impossible: give a number above 0 and below 1")
    }
    if let prunedSteps, prunedSteps.iterations(perEpoch: 1) < 1 {
      throw PlanError("--pruned-steps \(prunedSteps) is impossible: give at least 1it")
    }
    try ExchangeSchedule.validate(until: until)
  }

  /// Steps of a cycle, and those of them on the pruned network.
  private func cycle(_ span: TrainingSpan, _ plan: PruningPlan) -> (length: Int, pruned: Int) {
    let length = plan.removals(in: span)?.every ?? 0
    return (length, prunedSteps?.iterations(perEpoch: span.perEpoch) ?? max(length / 4, 1))
  }

  /// - Throws: `PlanError` if the pruned network's steps fill the cycle, the training is too short for a cycle, or none would come back.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws {
    let cycle = cycle(span, plan)
    guard cycle.pruned < cycle.length else {
      throw PlanError(
        "double-pruning trains the pruned weights for \(cycle.pruned) of each cycle's \(cycle.length) steps, which leaves none for the "
          + "kept ones: give fewer --pruned-steps, or a longer --every")
    }
    let (sum, overflow) = cycle.length.addingReportingOverflow(cycle.pruned)
    let (first, end) = (overflow ? .max : sum, ExchangeSchedule(until: until).end(of: span.total))
    guard first <= end, first < span.total else {
      throw PlanError(
        "double-pruning's first cycle ends after step \(first), when nothing may come back any more (after step \(end) of "
          + "\(span.total)): train longer, or give a shorter --every")
    }
    try ExchangeSchedule.check(exchanging: reintroduce, "--reintroduce \(reintroduce)", plan, of: network)
  }

  /// Remembers where weights began, if they are to begin there again.
  public func didComputeGradients(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard enter == .initial, trainer.iteration == 0 else { return }
    for name in try memory.layers(of: trainer) {
      memory.tensors["initial.\(name)"] = try trainer.model.tensor(name).detached().copied()
    }
  }

  /// On the pruned network: holds what is not its own. On the kept one: notes the values of those that the plan may remove now.
  public func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    if PrunedPhase.isUnderWay(memory) {
      try PrunedPhase.hold(trainer, memory)
    } else if trainer.iteration % max(cycle(trainer.span, memory.plan).length, 1) == 0 {
      try memory.store(trainer)
    }
  }

  /// Goes from the kept network to the pruned one, or back with an exchange.
  public func didFinishStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    let (length, pruned) = cycle(trainer.span, memory.plan)
    guard length > 0 else { return }
    let (now, total) = (trainer.iteration, trainer.totalIterations)
    if PrunedPhase.isUnderWay(memory) {
      guard now % length == pruned else { return }
      try PrunedPhase.end(trainer, memory)
      try exchange(trainer, memory)
    } else if now % length == 0, now + pruned < total, now + pruned <= ExchangeSchedule(until: until).end(of: total) {
      try PrunedPhase.begin(trainer, memory)
    }
  }

  /// The kept network, also while the pruned one trains.
  public func evaluatedModel(_ trainer: Trainer, _ memory: RegrowthMemory) throws -> Model? {
    PrunedPhase.isUnderWay(memory) ? try PrunedPhase.keptModel(trainer, memory) : nil
  }

  /// While the pruned network trains.
  public func trainsAside(_ memory: RegrowthMemory) -> Bool { PrunedPhase.isUnderWay(memory) }

  private func exchange(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    var changes: [ParameterName: RegrowthMemory.Exchange] = [:]
    for name in try memory.layers(of: trainer) {
      let kept = try memory.kept(name, trainer.model)
      let pruned = try kept.logicalNot()
      let count = min(Rounding.round.count(reintroduce, of: try kept.memberCount()), try pruned.memberCount())
      let stored = try memory.stored(name, trainer)
      let values: Tensor? =
        switch enter {
        case .trained: stored
        case .zero: nil
        case .initial: memory.tensors["initial.\(name)"]
        }
      changes[name] = .init(
        leaving: try trainer.model.tensor(name).detached().absolute().lowest(count, in: kept, layer: name.module),
        entering: try stored.absolute().highest(count, in: pruned, layer: name.module), values: values)
    }
    try memory.exchange(changes, trainer)
  }
}
