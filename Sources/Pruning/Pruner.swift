public import Datasets
public import Networks
internal import Results
internal import Torch
public import Training

/// Prunes models by a ``PruningPlan``: scores → selection → masks or surgery → repair, over time.
///
/// Between trainings call ``prune(_:event:of:iteration:)``; for plans that prune during training add the pruner to the trainer's hooks.
public final class Pruner {
  /// Plan that the pruner applies.
  public let plan: PruningPlan
  /// Called before each removal in a training, with the model still unpruned.
  public var willPrune: (Trainer) throws -> Void = { _ in }
  /// Called after each removal in a training.
  public var didPrune: (PruningEvent, RemovalEvent) throws -> Void = { _, _ in }
  /// Returns the training examples for criteria and repairs; nil if there are none.
  public var examples: () throws -> EvaluationBatches? = { nil }
  /// Evaluates a model that has lost units and is not yet repaired, given whether this is the last event; returns nil for no evaluation.
  public var evaluate: (Model, _ isLast: Bool) throws -> Evaluation? = { _, _ in nil }
  /// Called with messages for the user, such as the layers that a repair skips.
  public var note: (String) -> Void = { _ in }
  /// Scores that decide removals in place of the criterion's; nil for the criterion's.
  public var scores: GivenScores?
  /// Whether surgeries are proved; without it they are only as correct as their plans. Meant for benchmarks.
  public var proves = true
  /// Measures the duration of one forward pass of a network in seconds, for ``CostTarget/Measure/latency``.
  public var latency: ((Network) throws -> Double)?

  /// The network before the first event of this run.
  private let starting: Network
  /// Number of things per group (units) or layer (weights) before the first known removal, in this run or an earlier one: cumulative
  /// schedules and floors count from these.
  private let originals: [String: Int]
  /// Number of things per group or layer before the first event of this run: fractions of what is left count from these.
  private let starts: [String: Int]
  private var costs: (original: Double, starting: Double)?
  /// Number of prunable things before the first event of this run.
  private var present: Int?
  let accumulator: ScoreAccumulator?
  var eventNumber: Int

  /// Creates a pruner for models of a network.
  ///
  /// Fractions of the total count from the network before the first known removal, even one of an earlier run
  /// (`Network.original`); a run's schedule leads from the state at its beginning to the target.
  /// - Parameters:
  ///   - original: the network before the first event of this run.
  ///   - current: the present network, if a run is resumed; nil for `original`.
  ///   - events: number of events that are already done.
  ///   - weights: number of weights of each layer, by module, before the first of these events; all weights unless given.
  ///   - present: number of prunable things before the first of these events; nil if there was none, or earlier runs had removed nothing.
  /// - Throws: ``PruningError`` for plans that are impossible on this network.
  public init(
    _ plan: PruningPlan, original: Network, current: Network? = nil, events: Int = 0, weights: [String: Int] = [:], present: Int? = nil
  ) throws {
    self.plan = plan
    self.present = present
    starting = original
    eventNumber = events
    let (groups, refused) = try original.original.channelGroups()
    originals =
      plan.granularity.isStructured
      ? Dictionary(uniqueKeysWithValues: groups.map { ($0.name, $0.width) }) : try original.original.weightCounts()
    starts =
      plan.granularity.isStructured
      ? Dictionary(uniqueKeysWithValues: try original.channelGroups().groups.map { ($0.name, $0.width) })
      : try original.weightCounts().merging(weights) { $1 }
    if plan.gates == nil, plan.granularity.isStructured, try original.channelGroups(plan.granularity, ignoring: plan.ignored).isEmpty {
      throw plan.granularity.nothing(in: original, refused)
    }
    try plan.checkPattern(on: original)
    if plan.gates == nil {
      try plan.criterion.check(
        plan.granularity, of: original, allocation: plan.allocation, isThreshold: plan.amount.isThreshold, ignoring: plan.ignored)
    }
    accumulator =
      plan.granularity.isStructured
      ? try ScoreAccumulator(plan.criterion, network: current ?? original, granularity: plan.granularity) : nil
  }

  /// Whether the criterion sums over training steps and has not seen any since the last removal.
  public var needsSweep: Bool { accumulator.map { $0.state().isEmpty } ?? false }

  /// Accumulates the criterion's sums over a model that is not being trained: one evaluation pass over the batches, each as if it were a
  /// step.
  public func sweep(_ model: Model, batches: EvaluationBatches) throws {
    guard let accumulator else { return }
    let executor = try Executor(model)
    try withoutGradients {
      try batches.forEach { batch in
        _ = try executor.forward(batch.inputs, mode: .evaluation, observing: accumulator.observedNodes) { try accumulator.add($1, of: $0) }
        try accumulator.add(weights: model.tensors)
      }
    }
  }

  /// The result of one event.
  public struct Pruned {
    /// Model after the event.
    public var model: Model
    /// Slices by which tensors were cut; empty if weights were masked.
    public var slices: [TensorSlice]
    /// Record of the event, for the row.
    public var event: PruningEvent
    /// Record of the event, for the model file.
    public var removal: RemovalEvent
    /// Density of each layer or group after the event, of what was there before the first.
    public var densities: [(name: String, density: Double)]
    /// Whether the plan's repairs were applied.
    public var isRepaired = false
  }

  /// Prunes a model by event k of n, on the CPU, wherever the model is: a removal is rare, and its selection is exact to the last tie.
  ///
  /// - Throws: ``PruningError``, also if the proof of a surgery fails.
  public func prune(_ model: Model, event k: Int, of n: Int, iteration: Int) throws -> Pruned {
    eventNumber = k
    let model = try model.moved(to: .cpu)
    return plan.granularity.isStructured ? try pruneUnits(model, k, n, iteration) : try pruneWeights(model, k, n, iteration)
  }

  private func proofSeed(_ event: Int) -> UInt64 { SeedPurpose.proof.seed(from: plan.seed) &+ UInt64(event) }

  private var scoreSeed: UInt64 { SeedPurpose.scores.seed(from: plan.seed) }

  private var rule: SelectionRule {
    var rule = SelectionRule(
      granularity: plan.granularity, allocation: plan.allocation, rounding: plan.rounding, minimumLayerDensity: plan.minimumLayerDensity,
      widthMultiple: plan.widthMultiple,
      normalization: scores == nil ? plan.normalization ?? plan.criterion.definition.normalization : .none)
    rule.event = eventNumber
    rule.starts = starts
    return rule
  }

  /// Returns the amount that event k of n removes; nil if a cost decides it.
  private func amount(_ k: Int, _ n: Int, of model: Model) throws -> RemovalAmount? {
    switch plan.amount {
    case .perEvent(let fraction): return .ofKept(fraction)
    case .total(let fraction):
      let things = try plan.things(of: model, originals: originals)
      let start = present ?? (k > 1 ? things.original : things.present)
      present = start
      return plan.schedule.amount(forEvent: k, of: n, fraction: fraction, present: start, original: things.original)
    case .threshold(let threshold): return .below(threshold)
    case .deviations(let quality): return .belowDeviations(quality)
    case .cost, .learned: return nil
    }
  }

  // MARK: - Votes

  /// Returns what event k of n would remove from a model and the scores behind it; sums over training steps begin anew.
  ///
  /// - Throws: ``PruningError`` as a removal would.
  public func vote(_ model: Model, event k: Int, of n: Int) throws -> Vote {
    eventNumber = k
    let model = try model.moved(to: .cpu)
    guard plan.granularity.isStructured else {
      let (layers, selection) = try weightChoice(model, k, n)
      return Vote(layers: layers, selection: selection)
    }
    let swept = try scores == nil ? sweepResult(model, meanMaps: []) : nil
    let choice = try choose(model, swept: scored(swept, round: k), k, n)
    try accumulator?.reset(for: model.network, granularity: plan.granularity)
    return Vote(layers: choice.layers, selection: choice.selection)
  }

  // MARK: - Weights

  private func pruneWeights(_ model: Model, _ k: Int, _ n: Int, _ iteration: Int) throws -> Pruned {
    let (layers, selection) = try weightChoice(model, k, n)
    return try withoutGradients {
      var pruned = try model.copied()
      try pruned.prune(selection)
      let (kept, prunable) = (selection.layers.reduce(0) { $0 + $1.after }, layers.reduce(0) { $0 + $1.original })
      let collapsed = try pruned.collapsedLayers()
      let event = PruningEvent(
        number: k, iteration: iteration, removed: selection.removed, kept: kept, widths: [:], proof: nil, before: nil, pruned: nil,
        after: nil, collapsed: collapsed,
        collapse: collapsed.isEmpty ? nil : .init(layers: collapsed, removal: k, kept: kept, prunable: prunable), prunable: prunable,
        target: nil, surgerySeconds: nil, asked: selection.askedInAll, ties: selection.ties, layers: selection.layers.survivors(of: layers))
      let removal = RemovalEvent(
        step: iteration, method: plan.words, criterion: scoreName,
        masked: Dictionary(uniqueKeysWithValues: selection.layers.filter { $0.removed > 0 }.map { ("\($0.name).weight", $0.removed) }))
      return Pruned(
        model: pruned, slices: [], event: event, removal: removal, densities: Self.densities(selection.layers, of: layers))
    }
  }

  /// Chooses the weights that event k of n removes.
  private func weightChoice(_ model: Model, _ k: Int, _ n: Int) throws -> (layers: [ScoredLayer], selection: Selection) {
    guard let amount = try amount(k, n, of: model) else { throw PruningError.mismatch("a cost does not give a number of weights") }
    let layers = try givenScores(model) ?? plan.ordered(weightScores(model, round: k))
    guard let pattern = plan.pattern else { return (layers, try Selection(amount, of: layers, rule: rule, criterion: scoreName)) }
    let pruned = Set(try plan.weights(of: model.network).map(\.module))
    let fitting = layers.filter { pruned.contains($0.name) }
    return (
      fitting,
      try pattern.selection(amount, of: fitting, in: model.network, rule: rule, reduction: plan.reduction, criterion: scoreName)
    )
  }

  private func weightScores(_ model: Model, round: Int) throws -> [ScoredLayer] {
    let swept = try sweepResult(model, meanMaps: [])
    return try withoutGradients {
      let batches = swept == nil && plan.criterion.needsExamples ? try examples() : nil
      return try model.weightScores(
        plan.criterion, swept: swept?.weightScores(plan.criterion, seed: scoreSeed, round: round), examples: batches,
        batchNorms: plan.scoringMode, ignoring: plan.ignored, originals: originals, seed: scoreSeed, round: round)
    }
  }

  private var scoreName: String { scores?.name ?? plan.criterion.name }

  private func givenScores(_ model: Model) throws -> [ScoredLayer]? {
    try scores?.of(model) { [plan, originals] in
      // What is there, and how much there was, does not depend on the criterion.
      try withoutGradients {
        plan.granularity.isStructured
          ? try model.unitScores(
            .l2, granularity: plan.granularity, originals: originals, ignoring: plan.ignored, reduction: plan.reduction)
          : try model.weightScores(.magnitude, ignoring: plan.ignored, originals: originals)
      }
    }
  }

  // MARK: - Units

  private func pruneUnits(_ model: Model, _ k: Int, _ n: Int, _ iteration: Int) throws -> Pruned {
    let clock = ContinuousClock()
    var started = clock.now
    let groups = try model.network.channelGroups().groups
    var seconds = (clock.now - started) / .seconds(1)
    var maps: Set<String> = []
    for case .meanReplacement(let replacement) in plan.repairs { maps.formUnion(replacement.observedNodes(of: groups, in: model.network)) }
    let swept = try scores == nil || !maps.isEmpty ? sweepResult(model, meanMaps: maps) : nil
    let sweptScores = try scored(swept, round: k)
    started = clock.now
    let choice = try choose(model, swept: sweptScores, k, n)
    let surgery = SurgeryPlan(removals: try choice.selection.removedIndices(from: choice.layers))
    let cut = try Surgeon.operate(
      surgery, on: model, groups: groups, seed: proofSeed(k), proves: proves)
    seconds += (clock.now - started) / .seconds(1) - cut.proofSeconds
    let isRepaired = !plan.repairs.isEmpty && !surgery.isEmpty
    let unrepaired = isRepaired ? try evaluate(cut.model, k == n) : nil
    let repaired = isRepaired ? try repair(cut.model, surgery, model, groups, swept) : cut.model
    try accumulator?.reset(for: repaired.network, granularity: plan.granularity)
    let kept = choice.selection.layers.reduce(0) { $0 + $1.after }
    let prunable = choice.layers.reduce(0) { $0 + $1.original }
    let collapsed = cut.proof?.isConstant ?? false ? try cut.model.silentLayers(seed: proofSeed(k)) : []
    let event = PruningEvent(
      number: k, iteration: iteration, removed: choice.selection.removed, kept: kept,
      widths: Dictionary(uniqueKeysWithValues: choice.selection.layers.map { ($0.name, $0.after) }),
      proof: cut.proof?.relativeDifference, hasConstantOutput: cut.proof?.isConstant ?? false ? true : nil, before: nil,
      pruned: unrepaired, after: nil, collapsed: collapsed,
      collapse: collapsed.isEmpty ? nil : .init(layers: collapsed, removal: k, kept: kept, prunable: prunable), prunable: prunable,
      target: try choice.target.map {
        let (original, start) = try wholeCosts()
        return try .init(
          measure: $0.measure, original: original, before: start < original ? start : nil, asked: $0.asked,
          achieved: cost(cut.model.network))
      },
      surgerySeconds: seconds, asked: choice.selection.askedInAll, ties: choice.selection.ties,
      layers: choice.selection.layers.survivors(of: choice.layers))
    let removal = RemovalEvent(
      step: iteration, method: plan.words, criterion: scoreName, removed: surgery.removals,
      biased: repaired.network.modulesWithBias.subtracting(cut.model.network.modulesWithBias).sorted())
    return Pruned(
      model: repaired, slices: cut.slices, event: event, removal: removal,
      densities: Self.densities(choice.selection.layers, of: choice.layers), isRepaired: isRepaired)
  }

  private static func densities(_ chosen: [Selection.Layer], of layers: [ScoredLayer]) -> [(name: String, density: Double)] {
    zip(chosen, layers).map { ($0.name, Double($0.after) / Double(max($1.original, 1))) }
  }

  private struct Choice {
    var layers: [ScoredLayer]
    var selection: Selection
    var target: (measure: CostTarget.Measure, asked: Double)?
  }

  /// Chooses the units that event k of n removes.
  private func choose(_ model: Model, swept: [String: Tensor]?, _ k: Int, _ n: Int) throws -> Choice {
    var scored = try givenScores(model) ?? highestFirst(model, swept, k)
    func select(_ amount: RemovalAmount) throws -> (layers: [ScoredLayer], selection: Selection) {
      if let scored { return (scored, try Selection(amount, of: scored, rule: rule, criterion: scoreName)) }
      let selected = try model.unitSelection(
        amount, by: plan.criterion, rule: rule, granularity: plan.granularity, accumulated: accumulator, swept: swept,
        originals: originals, ignoring: plan.ignored, reduction: plan.reduction, seed: scoreSeed, round: k)
      if !plan.criterion.choosesLayerByLayer { scored = selected.layers }
      return selected
    }
    return try withoutGradients {
      if let amount = try amount(k, n, of: model) {
        let (layers, selection) = try select(amount)
        return Choice(layers: layers, selection: selection)
      }
      guard case .cost(let target) = plan.amount else { throw PruningError.mismatch("there is no cost to aim at") }
      let (original, start) = try wholeCosts()
      let goal = target.goal(original: original, starting: start, schedule: plan.schedule, event: k, of: n)
      let (layers, selection) = try TargetSearch(
        goal: goal, competes: plan.allocation.isCounted, groups: model.network.channelGroups().groups, network: model.network, cost: cost
      ).run(original: original, measure: target.measure, select: select)
      return Choice(layers: layers, selection: selection, target: (target.measure, goal))
    }
  }

  /// Returns scores of which the lowest stand for the criterion's highest; nil if its lowest leave first.
  private func highestFirst(_ model: Model, _ swept: [String: Tensor]?, _ k: Int) throws -> [ScoredLayer]? {
    guard plan.order == .highest else { return nil }
    return try withoutGradients {
      try plan.ordered(
        model.unitScores(
          plan.criterion, granularity: plan.granularity, accumulated: accumulator, swept: swept, originals: originals,
          ignoring: plan.ignored, reduction: plan.reduction, seed: scoreSeed, round: k))
    }
  }

  /// Returns the costs of the original and of the network before this run's first event.
  private func wholeCosts() throws -> (original: Double, starting: Double) {
    if let costs { return costs }
    let start = try cost(starting)
    let found = (original: try starting.lineage == nil ? start : cost(starting.original), starting: start)
    costs = found
    return found
  }

  /// Returns a network's cost in the plan's measure.
  private func cost(_ network: Network) throws -> Double {
    guard case .cost(let target) = plan.amount else { return 0 }
    if let counted = try network.counted(target.measure) { return counted }
    guard let latency else { throw PruningError.mismatch("nothing measures latency here") }
    return try latency(network)
  }

  // MARK: - Examples

  /// Makes one pass over the examples for the criterion and the repairs; nil if neither needs it.
  private func sweepResult(_ model: Model, meanMaps: Set<String>) throws -> SweepResult? {
    let statistics = try plan.criterion.statistics(for: plan.granularity)
    guard !statistics.isEmpty || !meanMaps.isEmpty else { return nil }
    guard let batches = try examples() else { throw PruningError.needsData(criterion: plan.criterion.name) }
    let (mode, probes) = (plan.scoringMode ?? .evaluation, plan.curvature ?? HessianProbes())
    guard mode == .training, !meanMaps.isEmpty else {
      return try model.sweep(batches, statistics: statistics, place: plan.place, meanMaps: meanMaps, probes: probes, batchNorms: mode)
    }
    // Units are replaced by their means in evaluation mode, in whatever mode they are scored.
    var scored = try model.sweep(batches, statistics: statistics, place: plan.place, probes: probes, batchNorms: mode)
    scored.meanMaps = try model.sweep(batches, statistics: [], place: plan.place, meanMaps: meanMaps).meanMaps
    return scored
  }

  private func scored(_ swept: SweepResult?, round: Int) throws -> [String: Tensor]? {
    guard let swept, scores == nil, plan.criterion.needsExamples else { return nil }
    return try swept.scores(plan.criterion, seed: scoreSeed, round: round)
  }

  private func repair(
    _ compacted: Model, _ surgery: SurgeryPlan, _ original: Model, _ groups: [ChannelGroup], _ swept: SweepResult?
  ) throws -> Model {
    var model = compacted
    for repair in plan.repairs {
      switch repair {
      case .meanReplacement(let replacement):
        model = try replacement.applied(to: model, removing: surgery, of: original, groups: groups, means: swept?.meanMaps ?? [:])
      case .reconstruction(let reconstruction):
        guard let batches = try examples() else { throw PruningError.needsData(criterion: plan.criterion.name) }
        model = try reconstruction.applied(
          to: model, removing: surgery, of: original, groups: groups, batches: batches, seed: SeedPurpose.examples.seed(from: plan.seed),
          note: note)
      case .batchNorms:
        guard let batches = try examples() else { throw PruningError.needsData(criterion: plan.criterion.name) }
        model = try model.recalibratingBatchNorms(on: batches)
      }
    }
    return model
  }
}

extension [Selection.Layer] {
  /// What a selection leaves of each layer or group, given their original sizes.
  func survivors(of scored: [ScoredLayer]) -> [LayerSurvivors] {
    zip(self, scored).map { LayerSurvivors(layer: $0.name, kept: $0.after, of: $1.original) }
  }
}
