public import Networks
internal import Training
internal import Words

extension Criterion {
  /// Checks that the criterion can prune a network at a granularity and with an allocation, as far as that is known before any training or
  /// data.
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

  /// Checks that a criterion that chooses layer by layer is not used with an allocation in which layers compete.
  func check(_ allocation: Allocation, isThreshold: Bool) throws {
    guard definition.implementation is any GreedyScoring, allocation != .layer, !isThreshold else { return }
    throw PlanError("criterion \(name) chooses layer by layer: it goes with --scope layer, not \(allocation.name)")
  }

  /// Checks that every group has a batch norm with a scale, if the criterion scores by norms.
  func checkNorms(of groups: [ChannelGroup], in network: Network) throws {
    guard definition.implementation is any NormScoring else { return }
    let index = NetworkIndex(network)
    let bare = groups.filter { index.scaledNorms(of: $0).isEmpty }
    guard bare.isEmpty else { throw PruningError.noNorm(criterion: name, layers: bare.map(\.name)) }
  }
}

extension NetworkIndex {
  /// Returns a group's batch norms that have a scale.
  func scaledNorms(of group: ChannelGroup) -> [ChannelGroup.Member] {
    group.dependents.filter { member in
      if case .batchNorm(let norm) = node(named: member.node)?.operation { norm.affine } else { false }
    }
  }
}

extension Network {
  /// Returns the prunable weights except those of ignored layers.
  public func weights(ignoring ignored: [String]) throws -> [ParameterName] {
    let names = prunableWeights
    let left = try ignored.map { LayerPattern($0) }.indices(among: names.map { [$0.module] }, option: "--ignore")
    try checkIgnored(left.count, of: names.count)
    return names.indices.filter { !left.contains($0) }.map { names[$0] }
  }

  /// Checks that ignoring `count` of `layers` layers leaves something to prune.
  ///
  /// - Throws: `PlanError` if all layers are ignored.
  func checkIgnored(_ count: Int, of layers: Int) throws {
    guard count == 0 || count < layers else {
      throw PlanError("--ignore leaves nothing to prune of \(name.quoted): all \(layers) layers match")
    }
  }
}
