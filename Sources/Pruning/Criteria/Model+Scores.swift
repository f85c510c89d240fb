public import Datasets
public import Networks
public import Torch
public import Training

extension Model {
  /// The scores of all prunable weights, in the order of the layers, with what is still there; layers by module name.
  ///
  /// - Parameters:
  ///   - swept: one tensor of the weight's shape per layer's node, for criteria that need a sweep over data.
  ///   - examples: for criteria that look at examples by themselves (``ModelScoring``).
  ///   - batchNorms: how they run batch norms; nil for as their public code does.
  ///   - ignored: names or patterns (``LayerPattern``) of layers to leave out.
  ///   - originals: weights of each layer before the first removal; the present ones unless given.
  ///   - round: number of the removal; random scores differ between rounds.
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``, ``PruningError/unknownLayer(option:given:possible:)``.
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

  /// The scores of the units of every channel group, in the order of the layers.
  ///
  /// A criterion gives one vector per layer: from the layer's weight, from the batch norm behind it, from sums over training steps,
  /// or from a sweep over data. Each group gathers those of its producers (of its norms, for criteria of norms), channel by channel.
  /// - Parameters:
  ///   - granularity: `unit` for all groups, `filter` for those of convolutions.
  ///   - accumulated: the sums, for criteria that need training steps.
  ///   - swept: one vector [outputs] per producer's node, for criteria that need a sweep over data.
  ///   - originals: units of each group before the first removal; the present ones unless given.
  ///   - ignored: names or patterns (``LayerPattern``) of groups to leave out, by any of their producers.
  ///   - reduction: how a channel's scores in several layers become one.
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``, ``PruningError/unknownLayer(option:given:possible:)``,
  ///   ``PruningError/nothingAccumulated(criterion:)``, ``PruningError/noNorm(criterion:layers:)``,
  ///   ``PruningError/mismatch(_:)`` for vectors that do not fit their layers; `PlanError` for criteria that choose layer by layer.
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
  /// The groups whose channels can leave at a granularity, in the order of the layers.
  ///
  /// - Parameter ignored: names or patterns (``LayerPattern``) of groups to leave out, by node or module of any of their producers.
  /// - Throws: ``PruningError/unknownLayer(option:given:possible:)``, and what ``Networks/Network/channelGroups()`` throws.
  public func channelGroups(_ granularity: Granularity, ignoring ignored: [String] = []) throws -> [ChannelGroup] {
    let index = NetworkIndex(self)
    let groups = try channelGroups().groups.filter { granularity.includes($0, of: index) }
    let left = try ignored.map { LayerPattern($0) }.indices(among: groups.map(\.memberNames), option: "--ignore")
    try checkIgnored(left.count, of: groups.count)
    return groups.indices.filter { !left.contains($0) }.map { groups[$0] }
  }
}

extension ChannelGroup {
  /// Names of its producers, nodes and modules, each once.
  var memberNames: [String] {
    var seen: Set<String> = []
    return producers.flatMap { [$0.node, $0.module] }.filter { seen.insert($0).inserted }
  }
}
