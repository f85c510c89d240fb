internal import Networks
public import Torch
public import Training

extension Model {
  /// Scores the units of every channel group and chooses those to remove:
  /// ``unitScores(_:granularity:accumulated:swept:originals:ignoring:reduction:seed:round:)`` followed by a ``Selection``.
  ///
  /// Criteria that choose layer by layer (`li-greedy`) go through the groups in order: each group's units are chosen before the next group
  /// is scored, and weights that read the chosen units count as 0 there. They go with ``Allocation/layer`` and with thresholds only.
  /// - Returns: the scored layers and the selection made from them, in the same order.
  /// - Throws: the errors of both; `PlanError` for layer-by-layer criteria with an allocation in which layers compete.
  public func unitSelection(
    _ amount: RemovalAmount, by criterion: Criterion, rule: SelectionRule, granularity: Granularity,
    accumulated: ScoreAccumulator? = nil, swept: [String: Tensor]? = nil, originals: [String: Int] = [:],
    ignoring ignored: [String] = [], reduction: GroupReduction = .mean, seed: UInt64 = 0, round: Int = 0
  ) throws -> (layers: [ScoredLayer], selection: Selection) {
    guard criterion.definition.implementation is any GreedyScoring else {
      let layers = try unitScores(
        criterion, granularity: granularity, accumulated: accumulated, swept: swept, originals: originals, ignoring: ignored,
        reduction: reduction, seed: seed, round: round)
      return (layers, try Selection(amount, of: layers, rule: rule, criterion: criterion.name))
    }
    try criterion.check(granularity)
    try criterion.check(rule.allocation, isThreshold: amount.isThreshold)
    let groups = try network.channelGroups(granularity, ignoring: ignored)
    let index = NetworkIndex(network)
    return try withoutGradients {
      var removed: [String: Set<Int>] = [:]
      var layers: [ScoredLayer] = []
      var choices: [Selection] = []
      for group in groups {
        // Anew for each group: a layer of several groups is scored without the units chosen in the meantime.
        var vectors = try LayerVectors(self, index, criterion, accumulated: nil, swept: nil, seed: seed, round: round)
        let layer = try vectors.layer(of: group, reduction, original: originals[group.name], removed: removed)
        let choice = try Selection(amount, of: [layer], rule: rule, criterion: criterion.name)
        for channel in try choice.removedIndices(from: [layer])[group.name] ?? [] {
          for member in group.consumers { removed[member.node, default: []].formUnion(member.features(ofChannel: channel)) }
        }
        layers.append(layer)
        choices.append(choice)
      }
      return (layers, Selection(choices))
    }
  }
}
