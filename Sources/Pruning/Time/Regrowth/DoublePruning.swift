public import Networks
internal import Torch
public import Training

/// `double-pruning`: the kept and the pruned network train alternately, and the best weights of the pruned one come back.
///
/// Each cycle is as long as the interval between the plan's removals: (1) the kept network f(x; θ⊙m) trains; (2) the plan removes by its
/// schedule; (3) the pruned network f(x; θ⊙(1 − m)) trains for `prunedSteps`: only its weights are updated, with an optimizer state of
/// their own; biases and norms are frozen, and running statistics change on copies; then kept weights, biases, statistics and moments are
/// restored bit for bit; (4) in each layer k = round(`reintroduce`·kept) pruned weights of largest |w| come back in exchange for as many
/// kept ones of lowest |w|, with zero moments. The steps of (3) count. Nothing is exchanged after T_end, and a training ends with (1).
///
/// A layer that has not lost anything yet, or is ignored, takes part in (3) with its kept weights, frozen: otherwise no signal would pass.
/// Dividing |w| by the layer's root mean square would not change anything, since layers do not compete.
public struct DoublePruning: Regrowth {
  /// The value at which a weight comes back.
  public enum Entry: String, Codable, Hashable, Sendable, CaseIterable {
    /// At the value that the weight learned in the pruned network.
    case trained
    /// At 0.
    case zero
    /// At the weight's value before the first step.
    case initial
  }

  /// Name in recipes.
  public static let name = "double-pruning"
  /// Starts from a dense network.
  public static let start = RegrowthStart.dense
  /// True: kept weights can be rewound after each removal.
  public static let rewinds = true
  /// Fraction of the kept weights that is exchanged in each cycle.
  public var reintroduce: Double
  /// Number of steps on the pruned network in each cycle; a quarter of the cycle if nil.
  public var prunedSteps: Step?
  /// The value at which a weight comes back.
  public var enter: Entry
  /// T_end as a fraction of all steps, after which nothing is exchanged.
  public var until: Double

  /// Creates the method; every parameter sets the property of the same name.
  public init(reintroduce: Double = 0.1, prunedSteps: Step? = nil, enter: Entry = .trained, until: Double = 0.75) {
    self.reintroduce = reintroduce
    self.prunedSteps = prunedSteps
    self.enter = enter
    self.until = until
  }

  /// Description of the options.
  public var words: String {
    "\(prunedSteps.map(\.description) ?? "a quarter") of each cycle on the pruned weights, then \(PruningPlan.percent(reintroduce)) back "
      + "(\(enter.rawValue)),\(ExchangeSchedule.words(until: until))"
  }
  /// True, since whole networks train.
  public var needsGradients: Bool { true }

  /// Checks the options.
  ///
  /// - Throws: `PlanError` for impossible options.
  public func validate() throws {
    guard reintroduce > 0, reintroduce < 1 else {
      throw PlanError("--reintroduce \(reintroduce) is impossible: give a number above 0 and below 1")
    }
    if let prunedSteps, prunedSteps.iterations(perEpoch: 1) < 1 {
      throw PlanError("--pruned-steps \(prunedSteps) is impossible: give at least 1it")
    }
    try ExchangeSchedule.validate(until: until)
  }

  /// Returns the number of steps in a cycle, and of those on the pruned network.
  private func cycle(_ span: TrainingSpan, _ plan: PruningPlan) -> (length: Int, pruned: Int) {
    let length = plan.removals(in: span)?.every ?? 0
    return (length, prunedSteps?.iterations(perEpoch: span.perEpoch) ?? max(length / 4, 1))
  }

  /// Checks that the training has room for a cycle and an exchange.
  ///
  /// - Throws: `PlanError` if the pruned network's steps fill the cycle, the training is too short for a cycle, or an exchange would be of
  ///   less than one weight.
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

  /// Stores the initial weights before the first step if weights come back at these.
  public func didComputeGradients(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard enter == .initial, trainer.iteration == 0 else { return }
    for name in try memory.layers(of: trainer) {
      memory.tensors["initial.\(name)"] = try trainer.model.tensor(name).detached().copied()
    }
  }

  /// While the pruned network trains, restores everything that is frozen; otherwise stores the values of the weights that the plan may
  /// remove at this step.
  public func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    if PrunedPhase.isUnderWay(memory) {
      try PrunedPhase.hold(trainer, memory)
    } else if trainer.iteration % max(cycle(trainer.span, memory.plan).length, 1) == 0 {
      try memory.store(trainer)
    }
  }

  /// Switches from the kept network to the pruned one, or back, with an exchange.
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

  /// Returns the kept network while the pruned one trains.
  public func evaluatedModel(_ trainer: Trainer, _ memory: RegrowthMemory) throws -> Model? {
    PrunedPhase.isUnderWay(memory) ? try PrunedPhase.keptModel(trainer, memory) : nil
  }

  /// True while the pruned network trains.
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
