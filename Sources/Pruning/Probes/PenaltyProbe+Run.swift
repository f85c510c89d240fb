public import Datasets
public import Networks
internal import Results
internal import Torch
public import Training

/// The examples of a probe, the same at every step of a run.
public struct PenaltyProbeData {
  /// D_s, on which units are scored and averaged.
  public var scoring: EvaluationBatches
  /// D_v, on which penalties are measured; may be the same object as ``scoring``.
  public var measuring: EvaluationBatches
  /// Test examples, as many as in D_v; nil for none.
  public var test: EvaluationBatches?

  /// Creates data from batches; `measuring` is `scoring` by default.
  public init(scoring: EvaluationBatches, measuring: EvaluationBatches? = nil, test: EvaluationBatches? = nil) {
    self.scoring = scoring
    self.measuring = measuring ?? scoring
    self.test = test
  }

  /// Draws a probe's examples from the training set, with the same number of each class as far as possible, without augmentation.
  ///
  /// A set that is smaller than the probe asks for is used completely.
  /// - Throws: `PlanError` if the probe evaluates on test images and there are none.
  public init(_ probe: PenaltyProbe, from data: TrainingData, channelsLast: Bool) throws {
    func draw(_ set: ExampleSet, _ number: UInt64) throws -> EvaluationBatches {
      try data.examples(probe.examples, of: set, seed: probe.seed &+ number << 32, channelsLast: channelsLast)
    }
    scoring = try draw(data.training, 0)
    measuring = probe.separate ? try draw(data.training, 1) : scoring
    if probe.looksAtTest {
      guard let set = data.test else { throw PlanError("a probe cannot look at test images: there are none") }
      test = try draw(set, 2)
    }
  }
}

extension PenaltyProbe {
  /// Measures the pruning penalties of a model, which is not changed by a bit.
  ///
  /// - Parameters:
  ///   - step: number of finished training steps; with the seed it determines the random scores.
  ///   - continuation: how training would continue, for retraining penalties; without it none are measured.
  /// - Throws: ``PruningError`` from scores, selections and proofs; the errors of data and model.
  public func probe(
    _ model: Model, on data: PenaltyProbeData, step: Int = 0, continuation: TrainingContinuation? = nil
  ) throws -> PenaltyProbeResult {
    try validate()
    let groups = try prunableGroups(of: model.network)
    let sets = try layers.map { try $0.groups(among: groups, of: model.network) }
    let sweep = try model.sweep(
      data.scoring, statistics: scorers.reduce(into: [.activationSquares]) { $0.formUnion(try $1.statistics(for: .unit)) },
      place: replacement.place, meanMaps: replacement.observedNodes(of: groups, in: model.network))
    let scores = try scorers.map { scorer in
      try model.unitScores(
        scorer, granularity: .unit, swept: scorer.needsExamples ? sweep.scores(scorer) : nil, seed: SeedPurpose.scores.seed(from: seed),
        round: step)
    }
    let look = Look(
      probe: self, model: model, data: data, step: step, continuation: continuation, groups: groups, means: sweep.meanMaps,
      squares: try squaredActivations(of: groups, in: sweep),
      before: try separate ? model.evaluate(data.measuring).loss : sweep.evaluation.loss,
      testBefore: try data.test.map { try model.evaluate($0).loss })
    var result = PenaltyProbeResult()
    for (set, chosen) in zip(layers, sets) {
      for amount in amounts {
        for (scorer, scored) in zip(scorers, scores) {
          let found = try look.penalties(of: Variant(layers: set, groups: chosen, amount: amount, scorer: scorer), scored)
          result.rows += found.rows
          result.choices += found.choices
        }
      }
    }
    return result
  }

  /// Checks, before the first probe, that a network has the layers, norms and units that the probe needs.
  ///
  /// - Throws: ``PruningError`` and `PlanError` for a probe that is impossible on this network.
  public func check(on network: Network) throws {
    try validate()
    let groups = try prunableGroups(of: network)
    for scorer in scorers { try scorer.checkNorms(of: groups, in: network) }
    for set in layers {
      let layers = try set.groups(among: groups, of: network).map { ScoredLayer(name: $0.name, scores: try Tensor.zeros([$0.width])) }
      for amount in amounts { _ = try Selection(amount.removal, of: layers, rule: Self.rule) }
    }
  }

  fileprivate static var rule: SelectionRule { SelectionRule(granularity: .unit, allocation: .layer) }

  private func prunableGroups(of network: Network) throws -> [ChannelGroup] {
    let (groups, refused) = try network.channelGroups()
    guard !groups.isEmpty else {
      throw PruningError.nothingToPrune(
        network: network.name, granularity: Granularity.unit.plural, refused: refused.map { "\($0.producer): \($0.reason)" })
    }
    return groups
  }

  /// Returns the mean squared activation of every unit by group, averaged over the group's producers.
  private func squaredActivations(of groups: [ChannelGroup], in sweep: SweepResult) throws -> [String: [Double]] {
    var perLayer: [String: Tensor] = [:]
    for layer in sweep.layers { perLayer[layer.node] = try layer.meanSquaredActivations() }
    var result: [String: [Double]] = [:]
    for group in groups {
      let members = group.producers.compactMap { member in perLayer[member.node].map { (member: member, scores: $0) } }
      result[group.name] = try GroupReduction.mean.scores(width: group.width, of: members).array(Double.self)
    }
    return result
  }
}

/// One scorer's removal of one amount from one set of layers.
private struct Variant {
  let layers: LayerSet
  /// The groups of the set.
  let groups: [ChannelGroup]
  let amount: PenaltyAmount
  let scorer: Criterion
}

/// A probe of one model at one step: what all its variants share.
private struct Look {
  let probe: PenaltyProbe
  let model: Model
  let data: PenaltyProbeData
  let step: Int
  let continuation: TrainingContinuation?
  /// All groups of the network.
  let groups: [ChannelGroup]
  let means: [String: Tensor]
  /// Mean squared activations of the units, by group.
  let squares: [String: [Double]]
  let before: Double
  let testBefore: Double?

  /// Cuts a variant out of a copy and measures it, without and with mean replacement.
  func penalties(of variant: Variant, _ scored: [ScoredLayer]) throws -> PenaltyProbeResult {
    let names = Set(variant.groups.map(\.name))
    let scored = scored.filter { names.contains($0.name) }
    let removal = try SurgeryPlan(
      removals: Selection(
        variant.amount.removal, of: scored, rule: PenaltyProbe.rule, criterion: variant.scorer.name
      ).removedIndices(from: scored))
    let surgery = try Surgeon.operate(removal, on: model, groups: groups, seed: SeedPurpose.proof.seed(from: probe.seed))
    let plain = try rows(of: variant, removal, surgery, propagated: false)
    return PenaltyProbeResult(
      rows: plain + (try rows(of: variant, removal, surgery, propagated: true)), choices: choices(of: variant, removal))
  }

  private func choices(of variant: Variant, _ removal: SurgeryPlan) -> [UnitChoice] {
    variant.groups.map { group in
      let units = removal.removals[group.name] ?? []
      return UnitChoice(
        seed: probe.seed, step: step, layers: variant.layers.description, amount: variant.amount, scorer: variant.scorer.name,
        meanAt: probe.replacement.place.rawValue, group: group.name, width: group.width, units: units,
        squaredActivations: units.map { squares[group.name]?[$0] ?? 0 })
    }
  }

  /// Returns the penalty right after pruning, and after each length of retraining that applies here.
  private func rows(of variant: Variant, _ removal: SurgeryPlan, _ surgery: Surgery, propagated: Bool) throws -> [PenaltyRow] {
    func row(_ retrainSteps: Int, _ after: Double, _ testAfter: Double?) -> PenaltyRow {
      PenaltyRow(
        seed: probe.seed, step: step, layers: variant.layers.description, amount: variant.amount, scorer: variant.scorer.name,
        propagated: propagated, meanAt: probe.replacement.place.rawValue, retrainSteps: retrainSteps, removed: removal.count,
        lossBefore: before, lossAfter: after, testLossBefore: testBefore, testLossAfter: testAfter)
    }
    func measured(_ retrainSteps: Int, _ pruned: Model) throws -> PenaltyRow {
      row(retrainSteps, try pruned.evaluate(data.measuring).loss, try data.test.map { try pruned.evaluate($0).loss })
    }
    // Nothing was removed: the loss is the same by definition, not up to the rounding of another pass.
    guard !removal.isEmpty else { return [row(0, before, testBefore)] }
    let pruned =
      propagated
      ? try probe.replacement.applied(to: surgery.model, removing: removal, of: model, groups: groups, means: means) : surgery.model
    var rows = [try measured(0, pruned)]
    guard let continuation, let retraining = probe.retraining,
      retraining.applies(step: step, scorer: variant.scorer, amount: variant.amount)
    else { return rows }
    try continuation.retrain(pruned, slices: surgery.slices, measuringAfter: retraining.steps) { steps, retrained in
      rows.append(try retrained.map { try measured(steps, $0) } ?? row(steps, .infinity, data.test == nil ? nil : .infinity))
    }
    return rows
  }
}

extension PenaltyAmount {
  /// The amount for a selection, counted for each layer.
  var removal: RemovalAmount {
    switch self {
    case .fraction(let fraction): .ofKept(fraction)
    case .count(let count): .count(count)
    }
  }
}
