public import Networks
internal import Training
internal import Words

extension Criterion {
  /// Throws unless this criterion can prune this network in this way: whatever can be known before any training or data.
  ///
  /// - Parameters:
  ///   - ignored: names or patterns (``LayerPattern``) of layers or groups to leave out.
  ///   - isThreshold: whether scores decide the count (``RemovalAmount/isThreshold``).
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``, ``PruningError/unknownLayer(option:given:possible:)``,
  ///   ``PruningError/noNorm(criterion:layers:)``; `PlanError` for an allocation that does not go with the criterion or names a layer
  ///   twice.
  public func check(
    _ granularity: Granularity, of network: Network, allocation: Allocation, isThreshold: Bool = false, ignoring ignored: [String] = []
  ) throws {
    try check(granularity)
    try check(allocation, isThreshold: isThreshold)
    let names: [[String]]
    if granularity.isStructured {
      let groups = try network.channelGroups(granularity, ignoring: ignored)
      try checkNorms(of: groups, in: network)
      names = groups.map(\.memberNames)
    } else {
      names = try network.weights(ignoring: ignored).map { [$0.module] }
    }
    if case .scoped(let sets) = allocation { _ = try Allocation.sets(sets, among: names) }
  }

  /// Throws if it chooses layer by layer, and layers compete.
  func check(_ allocation: Allocation, isThreshold: Bool) throws {
    guard definition.implementation is any GreedyScoring, allocation != .layer, !isThreshold else { return }
    throw PlanError("criterion \(name) chooses layer by layer: it goes with --scope layer, not \(allocation.name)")
  }

  /// Throws if it reads norms, and a group has none with a scale.
  func checkNorms(of groups: [ChannelGroup], in network: Network) throws {
    guard definition.implementation is any NormScoring else { return }
    let index = NetworkIndex(network)
    let bare = groups.filter { index.scaledNorms(of: $0).isEmpty }
    guard bare.isEmpty else { throw PruningError.noNorm(criterion: name, layers: bare.map(\.name)) }
  }
}

extension NetworkIndex {
  /// The batch norms of a group that have a scale.
  func scaledNorms(of group: ChannelGroup) -> [ChannelGroup.Member] {
    group.dependents.filter { member in
      if case .batchNorm(let norm) = node(named: member.node)?.operation { norm.affine } else { false }
    }
  }
}

extension Network {
  /// The prunable weights without those to be left alone.
  func weights(ignoring ignored: [String]) throws -> [ParameterName] {
    let names = prunableWeights
    let left = try ignored.map { LayerPattern($0) }.indices(among: names.map { [$0.module] }, option: "--ignore")
    try checkIgnored(left.count, of: names.count)
    return names.indices.filter { !left.contains($0) }.map { names[$0] }
  }

  /// - Throws: `PlanError` where layers are left alone until none is left to prune.
  func checkIgnored(_ count: Int, of layers: Int) throws {
    guard count == 0 || count < layers else {
      throw PlanError("--ignore leaves nothing to prune of \(name.quoted): all \(layers) layers match")
    }
  }
}
