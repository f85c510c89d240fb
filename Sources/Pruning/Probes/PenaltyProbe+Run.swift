public import Datasets
internal import Networks
internal import Results
internal import Torch
public import Training

/// The examples that a probe looks at, the same at every step of a run.
public struct PenaltyProbeData {
  /// D_s: what units are scored and averaged on.
  public var scoring: EvaluationBatches
  /// D_v: what penalties are measured on; may be the same object.
  public var measuring: EvaluationBatches
  /// As many test images; nil for none.
  public var test: EvaluationBatches?

  /// Given batches; penalties are measured where units are scored unless said.
  public init(scoring: EvaluationBatches, measuring: EvaluationBatches? = nil, test: EvaluationBatches? = nil) {
    self.scoring = scoring
    self.measuring = measuring ?? scoring
    self.test = test
  }

  /// Draws a probe's examples: from the training set, as equally many of each class as there are, without variation.
  ///
  /// Where the set is smaller than the probe asks for, all of it is taken.
  /// - Throws: `PlanError` if the probe looks at test images and there are none.
  public init(_ probe: PenaltyProbe, from data: TrainingData, channelsLast: Bool) throws {
    func draw(_ set: ImageSet, _ number: UInt64) throws -> EvaluationBatches {
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
  /// Probes a model, which stays as it is, down to the bit.
  ///
  /// - Parameters:
  ///   - step: finished training steps; with the seed it determines random scores.
  ///   - continuation: how training would go on, for retraining penalties; without it none are measured.
  /// - Throws: ``PruningError`` from scores, choices and proofs; what data and model throw.
  public func probe(
    _ model: Model, on data: PenaltyProbeData, step: Int = 0, continuation: TrainingContinuation? = nil
  ) throws -> PenaltyProbeResult {
    try validate()
    let network = model.network
    let (groups, refused) = try network.channelGroups()
    guard !groups.isEmpty else {
      throw PruningError.nothingToPrune(
        network: network.name, granularity: Granularity.unit.plural, refused: refused.map { "\($0.producer): \($0.reason)" })
    }
    let sets = try layers.map { try $0.groups(among: groups, of: network) }
    let sweep = try model.sweep(
      data.scoring, statistics: scorers.reduce(into: [.activationSquares]) { $0.formUnion(try $1.statistics(for: .unit)) },
      place: replacement.place, meanMaps: replacement.observedNodes(of: groups, in: network))
    let scores = try scorers.map { scorer in
      try model.unitScores(
        scorer, granularity: .unit, swept: scorer.needsExamples ? sweep.scores(scorer) : nil, seed: SeedPurpose.scores.seed(from: seed),
        round: step)
    }
    let squares = try squaredActivations(of: groups, in: sweep)
    func loss(_ model: Model, _ batches: EvaluationBatches) throws -> Double {
      try model.evaluate(batches).loss
    }
    let before = try separate ? loss(model, data.measuring) : sweep.evaluation.loss
    let testBefore = try data.test.map { try loss(model, $0) }
    var result = PenaltyProbeResult()
    for (set, chosen) in zip(layers, sets) {
      let names = Set(chosen.map(\.name))
      for amount in amounts {
        for (scorer, scored) in zip(scorers, scores) {
          let scored = scored.filter { names.contains($0.name) }
          let removal = try SurgeryPlan(
            removals: Selection(
              amount.removal, of: scored, rule: SelectionRule(granularity: .unit, allocation: .layer), criterion: scorer.name
            ).removedIndices(from: scored))
          for group in chosen {
            let units = removal.removals[group.name] ?? []
            result.choices.append(
              UnitChoice(
                seed: seed, step: step, layers: set.description, amount: amount, scorer: scorer.name, meanAt: replacement.place.rawValue,
                group: group.name, width: group.width, units: units, squaredActivations: units.map { squares[group.name]?[$0] ?? 0 }))
          }
          let surgery = try Surgeon.operate(removal, on: model, groups: groups, seed: SeedPurpose.proof.seed(from: seed))
          for propagated in [false, true] {
            func record(_ retrainSteps: Int, _ after: Double, _ testAfter: Double?) {
              result.rows.append(
                PenaltyRow(
                  seed: seed, step: step, layers: set.description, amount: amount, scorer: scorer.name, propagated: propagated,
                  meanAt: replacement.place.rawValue, retrainSteps: retrainSteps, removed: removal.count, lossBefore: before,
                  lossAfter: after, testLossBefore: testBefore, testLossAfter: testAfter))
            }
            // Nothing left: the loss is the same by definition, not up to the rounding of another pass.
            guard !removal.isEmpty else {
              record(0, before, testBefore)
              continue
            }
            let variant =
              propagated
              ? try replacement.applied(to: surgery.model, removing: removal, of: model, groups: groups, means: sweep.meanMaps)
              : surgery.model
            record(0, try loss(variant, data.measuring), try data.test.map { try loss(variant, $0) })
            guard let retraining, let continuation, retraining.applies(step: step, scorer: scorer, amount: amount) else { continue }
            try continuation.retrain(variant, slices: surgery.slices, measuringAfter: retraining.steps) { steps, retrained in
              guard let retrained else { return record(steps, .infinity, data.test == nil ? nil : .infinity) }
              record(steps, try loss(retrained, data.measuring), try data.test.map { try loss(retrained, $0) })
            }
          }
        }
      }
    }
    return result
  }

  /// The mean squared activation of every unit of every group; of several producers their mean.
  private func squaredActivations(of groups: [ChannelGroup], in sweep: SweepResult) throws -> [String: [Double]] {
    var perLayer: [String: [Double]] = [:]
    for layer in sweep.layers { perLayer[layer.node] = try layer.meanSquaredActivations().array(Double.self) }
    var result: [String: [Double]] = [:]
    for group in groups {
      result[group.name] = (0..<group.width).map { channel in
        let values = group.producers.flatMap { member in
          member.features(ofChannel: channel).compactMap { feature in
            perLayer[member.node].flatMap { $0.indices.contains(feature) ? $0[feature] : nil }
          }
        }
        return values.reduce(0, +) / Double(max(values.count, 1))
      }
    }
    return result
  }
}

extension PenaltyAmount {
  /// For a selection, of each layer.
  var removal: RemovalAmount {
    switch self {
    case .fraction(let fraction): .ofKept(fraction)
    case .count(let count): .count(count)
    }
  }
}
