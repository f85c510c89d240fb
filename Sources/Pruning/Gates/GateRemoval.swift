internal import Networks
internal import Torch
public import Training

/// What is left of a model after its closed gates have been removed.
public struct GateRemoval {
  /// The model, smaller (units, filters) or masked (weights), with open gates in its weights.
  public var model: Model
  /// Record of the removal, for the row.
  public var event: PruningEvent
  /// Records of the removal, and of dead units that it left, for the model file.
  public var removals: [RemovalEvent]
  /// Number of gates that were closed before any was closed or opened to meet the amount.
  public var closedByThemselves: Int
  /// Gates that stay, and of how many, by layer.
  public var layers: [(name: String, kept: Int, count: Int)]
  /// Dead units that were cut out besides.
  public var dead: Int
  /// Messages on units that had to stay.
  public var notes: [String]
}

extension HardConcreteGates {
  /// Removes closed gates and folds open ones into the weights.
  ///
  /// Channels are cut out by groups, then units that nothing reads any more, then inputs of linear layers by an `indexSelect`; each cut is
  /// proved, and at the end that the result computes what the gated model computes in evaluation mode. With an amount
  /// ``PruningPlan/Amount/total(_:)`` the gates of lowest ln α leave, exactly as many as asked; a gate that stays although it is closed
  /// gets its mean. Without one, those with ẑ = 0. A layer of units keeps one at least.
  /// - Parameters:
  ///   - model: the trained model, with ungated weights.
  ///   - iteration: number of finished training steps, for the record.
  ///   - proves: whether surgeries are proved.
  /// - Throws: ``PruningError``, also if a proof fails.
  public func removal(from model: Model, iteration: Int, proves: Bool = true) throws -> GateRemoval {
    try withoutGradients {
      let logAlphas = logAlphas
      var values = logAlphas.map { HardConcrete.value($0) }
      let closed = values.count { $0 == 0 }
      let scored = try layout.scored(logAlphas, model)
      let amount: RemovalAmount =
        if case .total(let fraction) = pruning.amount { .ofOriginal(fraction) } else { .below(Double(GateLayout.least)) }
      let rule = SelectionRule(
        granularity: pruning.granularity, allocation: pruning.allocation, rounding: pruning.rounding,
        minimumLayerDensity: pruning.minimumLayerDensity)
      let selection = try Selection(amount, of: scored, rule: rule, criterion: "l0")
      for (layer, chosen) in zip(layout.layers, selection.layers) {
        for (gate, stays) in zip(layer.range, try chosen.kept.array(Bool.self)) {
          if !stays {
            values[gate] = 0
          } else if values[gate] == 0, amount.isCumulative {
            values[gate] = HardConcrete.mean(logAlphas[gate])
          }
        }
      }
      let folded = try folded(model, values: values)
      var result =
        try pruning.granularity.isStructured
        ? cut(folded, selection.removedIndices(from: scored), proves: proves) : masked(folded, selection)
      result.closedByThemselves = closed
      result.layers = selection.layers.map { ($0.name, $0.after, $0.before) }
      let (kept, prunable) = (selection.layers.reduce(0) { $0 + $1.after }, scored.reduce(0) { $0 + $1.original })
      result.event.iteration = iteration
      result.event.removed = selection.removed
      result.event.kept = kept
      result.event.prunable = prunable
      result.event.asked = selection.askedInAll
      result.event.ties = selection.ties
      result.event.layers = selection.layers.survivors(of: scored)
      if pruning.granularity.isStructured {
        result.event.widths = Dictionary(selection.layers.map { ($0.name, $0.after) }, uniquingKeysWith: { first, _ in first })
      }
      for place in result.removals.indices { result.removals[place].step = iteration }
      return result
    }
  }

  private var proofSeed: UInt64 { SeedPurpose.proof.seed(from: pruning.seed) }

  private func removal(of model: Model) -> GateRemoval {
    GateRemoval(
      model: model,
      event: PruningEvent(
        number: 1, iteration: 0, removed: 0, kept: 0, widths: [:], proof: nil, before: nil, pruned: nil, after: nil, collapsed: [],
        target: nil, surgerySeconds: nil), removals: [], closedByThemselves: 0, layers: [], dead: 0, notes: [])
  }

  private func masked(_ folded: Model, _ selection: Selection) throws -> GateRemoval {
    var result = removal(of: try folded.copied())
    try result.model.prune(selection)
    let masked = selection.layers.filter { $0.removed > 0 }.map { ("\($0.name).weight", $0.removed) }
    result.removals = [
      RemovalEvent(step: 0, method: pruning.words, criterion: "l0", masked: Dictionary(uniqueKeysWithValues: masked))
    ]
    result.event.collapsed = try result.model.collapsedLayers()
    return result
  }

  private func cut(_ folded: Model, _ closed: [String: [Int]], proves: Bool) throws -> GateRemoval {
    let clock = ContinuousClock()
    let started = clock.now
    var channels: [String: [Int]] = [:]
    for layer in layout.layers { if case .channels(let group) = layer.subject { channels[group.name] = closed[layer.name] } }
    let plan = SurgeryPlan(removals: channels)
    let surgery = try Surgeon.operate(plan, on: folded, seed: proofSeed, proves: proves)
    let compaction = try surgery.model.compacted(seed: proofSeed, proves: proves)
    let (small, inputs) = try reading(of: compaction.model)
    var result = removal(of: small)
    let isCut = small.network != folded.network
    let proof = isCut && proves ? try Equivalence.prove(masked: folded, compacted: small, seed: proofSeed) : nil
    result.event.proof = proof?.relativeDifference
    result.event.hasConstantOutput = proof?.isConstant ?? false ? true : nil
    result.event.collapsed = proof?.isConstant ?? false ? try small.silentLayers(seed: proofSeed) : []
    result.event.surgerySeconds = isCut ? (clock.now - started) / .seconds(1) : nil
    var event = RemovalEvent(step: 0, method: pruning.words, criterion: "l0", removed: plan.removals)
    event.inputs = inputs.isEmpty ? nil : inputs
    result.removals = [event]
    if !compaction.removed.isEmpty {
      result.removals.append(
        RemovalEvent(step: 0, method: "dead units removed", criterion: "dead", removed: compaction.removed.removals))
    }
    result.dead = compaction.removed.count
    result.notes = compaction.notes
    return result
  }

  /// Returns the model whose linear layers no longer read inputs with closed gates, and how many each has lost.
  private func reading(of model: Model) throws -> (model: Model, lost: [String: Int]) {
    var read: [String: [Int]] = [:]
    var lost: [String: Int] = [:]
    for layer in layout.layers {
      guard case .inputs(let name, _) = layer.subject, let node = model.network.node(named: name) else { continue }
      let weight = try model.tensor(ParameterName(node.module, .weight)).detached()
      let heard = try weight.notEqual(0).sum(0).array(Int64.self)
      var chosen = heard.indices.filter { heard[$0] > 0 }
      // A layer reads something: what it reads last of all may be worth nothing.
      if chosen.isEmpty { chosen = [0] }
      guard chosen.count < heard.count else { continue }
      read[name] = chosen
      lost[name] = heard.count - chosen.count
    }
    let (network, slices) = try model.network.reading(read)
    return (read.isEmpty ? model : try model.cut(to: network, slices: slices), lost)
  }
}
