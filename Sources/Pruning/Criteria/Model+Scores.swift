public import Datasets
public import Networks
public import Torch
public import Training

extension Model {
  /// Returns the scores of all prunable weights with their masks, in the order of the layers, which are named by module.
  ///
  /// - Parameters:
  ///   - swept: scores by the layer's node, each of the weight's shape, for criteria that need a sweep over data.
  ///   - examples: the examples for criteria that run passes of their own (``ModelScoring``).
  ///   - batchNorms: the mode of batch norms for these criteria; nil for that of their public code.
  ///   - ignored: names or patterns (``LayerPattern``) of layers to leave out.
  ///   - originals: number of weights of each layer before the first removal, by module; the present ones unless given.
  ///   - round: number of the removal; random scores differ between rounds.
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``, ``PruningError/unknownLayer(option:given:possible:)``,
  ///   ``PruningError/needsData(criterion:)`` if the criterion needs a sweep or examples that are not given, ``PruningError/mismatch(_:)``
  ///   if it gives a layer no scores.
  public func weightScores(
    _ criterion: Criterion, swept: [String: Tensor]? = nil, examples: EvaluationBatches? = nil, batchNorms: BatchNormMode? = nil,
    ignoring ignored: [String] = [], originals: [String: Int] = [:], seed: UInt64 = 0, round: Int = 0
  ) throws -> [ScoredLayer] {
    try criterion.check(.weight)
    let scoring = criterion.definition.implementation as? any WeightScoring
    let mode = batchNorms ?? criterion.definition.batchNorms ?? .evaluation
    let whole = try (criterion.definition.implementation as? any ModelScoring)?
      .weightScores(of: self, examples: examples.map { mode == .training ? $0.forEachEvenly : $0.forEach }, batchNorms: mode)
    if scoring == nil, swept == nil, whole == nil { throw PruningError.needsData(criterion: criterion.name) }
    let nodes = Dictionary(network.nodes.map { ($0.module, $0.name) }, uniquingKeysWith: { first, _ in first })
    let names = try network.weights(ignoring: ignored)
    return try withoutGradients {
      try names.map { name in
        let weight = try tensor(name).detached()
        let found = whole?[name] ?? nodes[name.module].flatMap { swept?[$0] }
        guard let scores = try found ?? scoring?.weightScores(weight, ScoringContext(parameter: name, seed: seed, round: round)) else {
          throw PruningError.mismatch("criterion \(criterion.name) gave no scores for layer \(name.module)")
        }
        return ScoredLayer(
          name: name.module, scores: scores, kept: masks[name], original: originals[name.module],
          deviation: scoring?.needsDeviation ?? false ? try weight.deviation(where: masks[name]) : nil)
      }
    }
  }

  /// Returns the scores of the units of every channel group, in the order of the layers.
  ///
  /// A criterion gives one vector per layer: from the layer's weight, from the batch norm after it, from sums over training steps, or from
  /// a sweep over data. Each group combines, channel by channel, those of its producers (of its norms, for criteria that score by norms).
  /// - Parameters:
  ///   - granularity: `unit` for all groups, `filter` for those of convolutions only.
  ///   - accumulated: the sums, for criteria that accumulate over training steps.
  ///   - swept: one vector [outputs] per producer's node, for criteria that need a sweep over data.
  ///   - originals: number of units of each group before the first removal; the present ones unless given.
  ///   - ignored: names or patterns (``LayerPattern``) of groups to leave out, matched against any of their producers.
  ///   - reduction: how a channel's scores in several layers become one.
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``, ``PruningError/unknownLayer(option:given:possible:)``,
  ///   ``PruningError/nothingAccumulated(criterion:)``, ``PruningError/noNorm(criterion:layers:)``, ``PruningError/mismatch(_:)`` for
  ///   vectors that do not fit their layers; `PlanError` for criteria that choose layer by layer.
  public func unitScores(
    _ criterion: Criterion, granularity: Granularity, accumulated: ScoreAccumulator? = nil, swept: [String: Tensor]? = nil,
    originals: [String: Int] = [:], ignoring ignored: [String] = [], reduction: GroupReduction = .mean, seed: UInt64 = 0, round: Int = 0
  ) throws -> [ScoredLayer] {
    try criterion.check(granularity)
    if criterion.definition.implementation is any GreedyScoring {
      throw PlanError("criterion \(criterion.name) chooses layer by layer: it has no scores before the choice in earlier layers is made")
    }
    let groups = try network.channelGroups(granularity, ignoring: ignored)
    try criterion.checkNorms(of: groups, in: network)
    return try withoutGradients {
      var vectors = try LayerVectors(
        self, NetworkIndex(network), criterion, accumulated: accumulated, swept: swept, seed: seed, round: round)
      return try groups.map { group in
        try vectors.layer(of: group, reduction, original: originals[group.name])
      }
    }
  }
}

extension Network {
  /// Returns the groups whose channels can be removed at a granularity, in the order of the layers.
  ///
  /// - Parameter ignored: names or patterns (``LayerPattern``) of groups to leave out, matched against node and module of any of their
  ///   producers.
  /// - Throws: ``PruningError/unknownLayer(option:given:possible:)``, `PlanError` if no group remains, and the errors of
  ///   `Network.channelGroups()`.
  public func channelGroups(_ granularity: Granularity, ignoring ignored: [String] = []) throws -> [ChannelGroup] {
    let index = NetworkIndex(self)
    let groups = try channelGroups().groups.filter { granularity.includes($0, of: index) }
    let left = try ignored.map { LayerPattern($0) }.indices(among: groups.map(\.memberNames), option: "--ignore")
    try checkIgnored(left.count, of: groups.count)
    return groups.indices.filter { !left.contains($0) }.map { groups[$0] }
  }
}

extension ChannelGroup {
  /// Names of the group's producers, nodes and modules, each once.
  var memberNames: [String] {
    var seen: Set<String> = []
    return producers.flatMap { [$0.node, $0.module] }.filter { seen.insert($0).inserted }
  }
}
