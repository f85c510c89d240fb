internal import Networks

extension PruningPlan {
  /// Whether layers can bear the first removal of so many, and the last: what counts alone decide is told before any training.
  ///
  /// What layers have lost in between depends on their scores, and so does what a threshold or a cost asks for.
  /// - Throws: ``PruningError/emptied(layer:asked:present:)`` and ``PruningError/floors(asked:present:layers:)`` as the selection would.
  func checkCounts(of network: Network, removals: Int) throws {
    let amounts: [RemovalAmount]
    switch amount {
    case .perEvent(let fraction): amounts = [.ofKept(fraction)]
    case .total(let fraction): amounts = [1, removals].map { schedule.amount(forEvent: $0, of: removals, fraction: fraction) }
    case .cost, .threshold, .deviations: return
    }
    let layers = try countedLayers(of: network)
    let floors = layers.map { max(granularity.isStructured ? 1 : 0, Rounding.ceil.count(minimumLayerDensity, of: $0.count)) }
    let sets: [[Int]]
    switch allocation {
    case .layer:
      // A layer alone stops at its floor, and only a whole layer in one go is a mistake.
      for (layer, floor) in zip(layers, floors) where granularity.isStructured && layer.count > floor {
        let asked = amounts[0].count(kept: layer.count, original: layer.count, rounding: rounding) ?? 0
        if asked == layer.count { throw PruningError.emptied(layer: layer.name, asked: asked, present: asked) }
      }
      return
    case .scoped(let patterns): sets = try Allocation.sets(patterns, among: layers.map(\.members))
    case .global, .uniform, .erk, .lamp: sets = [Array(layers.indices)]
    }
    for (set, amount) in sets.flatMap({ set in amounts.map { (set, $0) } }) {
      let (present, least) = set.reduce((0, 0)) { ($0.0 + layers[$1].count, $0.1 + min(floors[$1], layers[$1].count)) }
      let asked = amount.count(kept: present, original: present, rounding: rounding) ?? 0
      guard asked <= present - least else {
        throw PruningError.floors(
          asked: asked, present: present,
          layers: set.filter { floors[$0] > 0 }.map { .init(layer: layers[$0].name, minimum: min(floors[$0], layers[$0].count)) })
      }
    }
  }

  /// The things of each layer or group that may leave.
  private func countedLayers(of network: Network) throws -> [(name: String, members: [String], count: Int)] {
    if granularity.isStructured {
      return try network.channelGroups(granularity, ignoring: ignored).map { ($0.name, $0.memberNames, $0.width) }
    }
    let shapes = Dictionary(try network.parameterShapes().map { ($0.name, $0.dimensions) }, uniquingKeysWith: { first, _ in first })
    return try network.weights(ignoring: ignored).map { ($0.module, [$0.module], (shapes[$0] ?? []).reduce(1, *)) }
  }
}
