public import Datasets
public import Networks
public import Torch
public import Training

/// Carries a ``PruningPlan`` out: scores → selection → masks or surgery, over time.
///
/// Between trainings call ``prune(_:event:of:iteration:)``; for plans that prune during training hand it to the trainer as a hook.
public final class Pruner {
  /// What is carried out.
  public let plan: PruningPlan
  /// Called before the first removal of a training.
  public var willPrune: (Trainer) throws -> Void = { _ in }
  /// Called after each removal in a training.
  public var didPrune: (PruningEvent, RemovalEvent) -> Void = { _, _ in }

  /// Units per group before the first event: what cumulative schedules and floors count from.
  private let originalWidths: [String: Int]
  private let accumulator: ScoreAccumulator?
  private var eventNumber: Int

  /// A pruner for a model of this network.
  ///
  /// - Parameters:
  ///   - original: the network before the first event.
  ///   - current: the network as it stands, when a run is taken up again; nil for the original.
  ///   - events: removals done already.
  /// - Throws: ``PruningError`` for plans that cannot work on this network.
  public init(_ plan: PruningPlan, original: Network, current: Network? = nil, events: Int = 0) throws {
    self.plan = plan
    eventNumber = events
    let (groups, refused) = try original.channelGroups()
    originalWidths = Dictionary(uniqueKeysWithValues: groups.map { ($0.name, $0.width) })
    try plan.criterion.check(plan.granularity)
    if plan.granularity.isStructured,
      !groups.contains(where: { plan.granularity.includes($0, of: original) && !plan.ignored.contains($0.name) })
    {
      throw PruningError.nothingToPrune(
        network: original.name, granularity: plan.granularity.plural, refused: refused.map { "\($0.producer): \($0.reason)" })
    }
    accumulator =
      plan.granularity.isStructured
      ? try ScoreAccumulator(plan.criterion, network: current ?? original, granularity: plan.granularity) : nil
  }

  /// Whether the criterion sums over training steps and has seen none since the last removal.
  public var needsSweep: Bool { accumulator.map { $0.state().isEmpty } ?? false }

  /// Shows the criterion a model that is not being trained: one evaluation pass over the batches, as if each were a step.
  public func sweep(_ model: Model, batches: EvaluationBatches) throws {
    guard let accumulator else { return }
    let executor = try Executor(model)
    try withoutGradients {
      try batches.forEach { batch in
        _ = try executor.forward(batch.images, mode: .evaluation, observing: accumulator.observedNodes) { try accumulator.add($1, of: $0) }
        try accumulator.add(weights: model.tensors)
      }
    }
  }

  /// What an event leaves.
  public struct Pruned {
    /// The model after it.
    public var model: Model
    /// How tensors were cut; empty when weights were masked.
    public var slices: [TensorSlice]
    /// What happened.
    public var event: PruningEvent
    /// The same for the model file.
    public var removal: RemovalEvent
  }

  /// Carries out event k of n.
  ///
  /// - Throws: ``PruningError``, also when the proof of a surgery fails.
  public func prune(_ model: Model, event k: Int, of n: Int, iteration: Int) throws -> Pruned {
    try withoutGradients {
      let amount: RemovalAmount
      switch plan.amount {
      case .perEvent(let fraction): amount = .ofKept(fraction)
      case .total(let fraction): amount = plan.schedule.amount(forEvent: k, of: n, fraction: fraction)
      }
      eventNumber = k
      return plan.granularity.isStructured
        ? try pruneUnits(model, amount, k, iteration) : try pruneWeights(model, amount, k, iteration)
    }
  }

  private var scoreSeed: UInt64 { SeedPurpose.scores.seed(from: plan.seed) }

  private var rule: SelectionRule {
    SelectionRule(
      granularity: plan.granularity, scope: plan.scope, rounding: plan.rounding, minimumLayerDensity: plan.minimumLayerDensity,
      widthMultiple: plan.widthMultiple)
  }

  private func pruneWeights(_ model: Model, _ amount: RemovalAmount, _ k: Int, _ iteration: Int) throws -> Pruned {
    let layers = try model.weightScores(plan.criterion, ignoring: plan.ignored, seed: scoreSeed, round: k)
    let selection = try Selection(amount, of: layers, rule: rule, criterion: plan.criterion.name)
    var pruned = try model.copied()
    try pruned.prune(selection)
    let event = PruningEvent(
      number: k, iteration: iteration, removed: selection.removed, kept: selection.layers.reduce(0) { $0 + $1.after }, widths: [:],
      proof: nil, before: nil, after: nil, collapsed: try pruned.collapsedLayers())
    let removal = RemovalEvent(
      step: iteration, method: plan.words, criterion: plan.criterion.name,
      masked: Dictionary(uniqueKeysWithValues: selection.layers.filter { $0.removed > 0 }.map { ("\($0.name).weight", $0.removed) }))
    return Pruned(model: pruned, slices: [], event: event, removal: removal)
  }

  private func pruneUnits(_ model: Model, _ amount: RemovalAmount, _ k: Int, _ iteration: Int) throws -> Pruned {
    let layers = try model.unitScores(
      plan.criterion, granularity: plan.granularity, accumulated: accumulator, originals: originalWidths, ignoring: plan.ignored,
      seed: scoreSeed, round: k)
    let selection = try Selection(amount, of: layers, rule: rule, criterion: plan.criterion.name)
    let surgery = SurgeryPlan(removals: try selection.removedIndices(from: layers))
    let cut = try Surgeon.operate(surgery, on: model, seed: SeedPurpose.proof.seed(from: plan.seed) &+ UInt64(k))
    try accumulator?.reset(for: cut.model.network, granularity: plan.granularity)
    let event = PruningEvent(
      number: k, iteration: iteration, removed: selection.removed, kept: selection.layers.reduce(0) { $0 + $1.after },
      widths: Dictionary(uniqueKeysWithValues: selection.layers.map { ($0.name, $0.after) }),
      proof: cut.proof?.relativeDifference, before: nil, after: nil, collapsed: [])
    let removal = RemovalEvent(
      step: iteration, method: plan.words, criterion: plan.criterion.name, removed: surgery.removals)
    return Pruned(model: cut.model, slices: cut.slices, event: event, removal: removal)
  }
}

// MARK: - During training

extension Pruner: TrainingHook {
  /// Names its part of a checkpoint.
  public var name: String { "pruner" }

  /// The nodes whose values the criterion accumulates.
  public var observedNodes: Set<String> { accumulator?.observedNodes ?? [] }

  /// Adds a node's value to the criterion's sums.
  public func observe(_ value: Tensor, of node: String) throws { try accumulator?.add(value, of: node) }

  /// Adds the step's weights to the criterion's sums, and prunes where the plan says so: after every k-th `every` before the end.
  public func didStep(_ trainer: Trainer) throws {
    try withoutGradients { try accumulator?.add(weights: trainer.model.tensors) }
  }

  /// Prunes when the plan's step is reached; after the evaluation of that step, so that it shows the unpruned model.
  ///
  /// - Throws: ``PruningError``; ``TrainingError/nonFiniteLoss(iteration:learningRate:)`` if the model is broken before or after.
  public func didFinishStep(_ trainer: Trainer) throws {
    guard case .during(let every) = plan.timing else { return }
    let interval = every.iterations(perEpoch: trainer.iterationsPerEpoch)
    guard interval > 0, trainer.iteration % interval == 0, trainer.iteration < trainer.totalIterations else { return }
    try willPrune(trainer)
    let count = (trainer.totalIterations - 1) / interval
    let last = trainer.log.evaluations.last
    let before = last?.iteration == trainer.iteration ? last?.validation : try trainer.evaluateValidation()
    var pruned = try prune(trainer.model, event: eventNumber + 1, of: count, iteration: trainer.iteration)
    try trainer.replaceModel(pruned.model, slices: pruned.slices)
    pruned.event.before = before
    pruned.event.after = try trainer.evaluateValidation()
    didPrune(pruned.event, pruned.removal)
  }

  /// The criterion's sums.
  public func state() throws -> [String: Tensor] { accumulator?.state() ?? [:] }

  /// Continues the criterion's sums.
  public func restore(_ state: [String: Tensor]) throws { try accumulator?.restore(state) }
}
