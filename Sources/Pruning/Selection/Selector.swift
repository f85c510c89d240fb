internal import Torch
internal import Training

/// The implementation of ``Selection`` for scores of one element type.
struct Selector<Element: RankedElement> {
  private let layers: [ScoredLayer]
  private let counts: [Int]
  private let rule: SelectionRule
  private let sections: [RankedSection<Element>]
  // The sections point into these.
  private let storage: [Tensor]

  init(_ layers: [ScoredLayer], _ rule: SelectionRule, _ criterion: String?) throws {
    self.layers = layers
    self.rule = rule
    var storage: [Tensor] = []
    sections = try layers.map { layer in
      // Ties are broken in row-major order, so the storage must have that order.
      let scores = try layer.scores.detached().contiguous()
      let kept = try layer.kept?.contiguous()
      storage += [scores] + (kept.map { [$0] } ?? [])
      return RankedSection(
        scores: try scores.withElements(Element.self) { UnsafeBufferPointer($0) },
        kept: try kept?.withElements(Bool.self) { flags in
          UnsafeRawPointer(flags.baseAddress).map { UnsafeBufferPointer(start: $0.assumingMemoryBound(to: UInt8.self), count: flags.count) }
        } ?? nil)
    }
    self.storage = storage
    counts = sections.map(\.count)
    for (layer, section) in zip(layers, sections) where section.hasNaN {
      throw PruningError.notANumber(layer: layer.name, criterion: criterion)
    }
  }

  /// The number of things to remove from each layer, and what was asked.
  private struct Removals {
    /// Number of removed things by layer.
    var counts: [Int]
    /// Number that the amount asks for now.
    var asked: Int
    /// Number of the original things that should be gone by now.
    var askedInAll: Int?
    /// By layer, where a cut through several layers falls between equal scores: the number of removed things with that score, and of all.
    var ties: [(decided: Int, equal: Int)]
    /// By layer, the cut that its count follows from; nil where that has yet to be found.
    var cuts: [Int: KeyCount] = [:]
  }

  /// The numbers of a layer's things whose key is below a cut, and equal to it.
  private struct KeyCount {
    var key: Element.Key
    var below: Int
    var equal: Int

    init(_ key: Element.Key, of section: RankedSection<Element>) {
      self.key = key
      (below, equal) = section.count(at: key)
    }
  }

  func select(_ amount: RemovalAmount) throws -> Selection {
    try withExtendedLifetime(storage) {
      let floors = zip(layers, counts).map { min(rule.floor(original: $0.original), $1) }
      let capacities = zip(counts, floors).map { $0 - $1 }
      var removals = try amount.isThreshold ? below(amount, capacities) : allocate(amount, capacities)
      if rule.widthMultiple > 1 {
        for index in layers.indices where removals.counts[index] > 0 {
          let kept = WidthMultiple.kept(
            wanted: counts[index] - removals.counts[index], present: counts[index], multiple: rule.widthMultiple, least: floors[index])
          removals.counts[index] = counts[index] - kept
          removals.ties[index] = (0, 0)
          removals.cuts[index] = nil
        }
      }
      let marked = try layers.indices.map { try mark($0, removals.counts[$0], removals.cuts[$0]) }
      return Selection(
        layers: marked.map(\.layer), asked: removals.asked, askedInAll: removals.askedInAll,
        ties: ties(removals, marked.map(\.cut), ranked: counts.indices.filter { capacities[$0] > 0 }.reduce(0) { $0 + counts[$1] }))
    }
  }

  /// Returns what the tie rule decided: in each layer by its own cut, and between layers where they share one.
  private func ties(_ removals: Removals, _ cuts: [Cut?], ranked: Int) -> Ties {
    var result = Ties(decided: 0, removed: removals.counts.reduce(0, +), equal: 0, ranked: ranked)
    var keys: Set<Element.Key> = []
    for (shared, cut) in zip(removals.ties, cuts) {
      result.decided += max(shared.decided, cut?.decided ?? 0)
      result.equal += max(shared.equal, cut.map { $0.decided > 0 ? $0.equal : 0 } ?? 0)
      if let cut, max(shared.decided, cut.decided) > 0 { keys.insert(cut.key) }
    }
    if keys.count == 1, rule.scoresAreTheCriterions { result.score = keys.first.map { Ties.short(Element.number($0)) } }
    return result
  }

  /// Returns the removals of an amount whose counts are decided by a threshold.
  private func below(_ amount: RemovalAmount, _ capacities: [Int]) throws -> Removals {
    let wanted = try zip(layers, sections).map { layer, section in
      switch amount {
      case .below(let threshold): return section.count(below: threshold)
      case .belowDeviations(let factor):
        guard let deviation = layer.deviation else {
          throw PlanError("\(layer.name): the deviation of its weights is not known: thresholds in deviations go with criterion threshold")
        }
        return section.count(below: factor * deviation)
      case .ofKept, .ofOriginal, .count: return 0
      }
    }
    return Removals(
      counts: zip(wanted, capacities).map { min($0, $1) }, asked: wanted.reduce(0, +), ties: Array(repeating: (0, 0), count: layers.count))
  }

  /// Returns the removals of a counted amount.
  private func allocate(_ amount: RemovalAmount, _ capacities: [Int]) throws -> Removals {
    let all = Array(layers.indices)
    switch rule.allocation {
    case .layer:
      let wanted = layers.indices.map { count(amount, of: [$0]) }
      // A layer at its floor stays as it is, and so does one of which only remainders of rounding are left to remove; it is an error only
      // if a fraction would empty the layer at once.
      for l in all where rule.minimumCount > 0 && min(wanted[l].now, wanted[l].byItself) == counts[l] && capacities[l] > 0 {
        throw PruningError.emptied(layer: layers[l].name, asked: wanted[l].now, present: counts[l])
      }
      return Removals(
        counts: zip(wanted, capacities).map { min($0.now, $1) }, asked: wanted.reduce(0) { $0 + $1.now },
        askedInAll: wanted.reduce(0) { $0 + $1.inAll }, ties: Array(repeating: (0, 0), count: layers.count))
    case .global: return try allocate(amount, to: [all], capacities) { spread($0, $1, capacities) }
    case .scoped(let patterns):
      return try allocate(amount, to: Allocation.sets(patterns, among: layers.map(\.members)), capacities) { spread($0, $1, capacities) }
    case .lamp:
      let ranked = try Selector<Double>(layers.map(LAMP.ranked), rule, nil)
      return try allocate(amount, to: [all], capacities) { count, all in
        // Equal magnitudes have different LAMP scores, so the common cut has no ties.
        withExtendedLifetime(ranked.storage) { Spread(counts: ranked.spread(count, all, capacities).counts) }
      }
    case .uniform:
      // Cumulative amounts, and curves of several events, make all densities equal; other amounts remove the same fraction of what is
      // present.
      let follows = rule.course(of: amount) != nil
      let weights = layers.indices.map { amount.isCumulative ? layers[$0].original : follows ? start($0) : counts[$0] }
        .map(Double.init)
      return try allocate(amount, to: [all], capacities) { count, _ in Spread(counts: apportion(count, weights, capacities)) }
    case .shares(let shares):
      let weights = layers.map { (shares[$0.name] ?? 1) * Double($0.original) }
      return try allocate(amount, to: [all], capacities) { count, _ in Spread(counts: apportion(count, weights, capacities)) }
    case .erk:
      let weights = layers.map { layer in
        layer.dimensions.reduce(0) { $0 + Double($1) } / max(layer.dimensions.reduce(1) { $0 * Double($1) }, 1) * Double(layer.original)
      }
      return try allocate(amount, to: [all], capacities) { count, _ in Spread(counts: apportion(count, weights, capacities)) }
    }
  }

  private func start(_ layer: Int) -> Int { rule.starts[layers[layer].name] ?? layers[layer].original }

  private func count(_ amount: RemovalAmount, of set: [Int]) -> WantedCount {
    rule.wanted(
      amount, present: set.reduce(0) { $0 + counts[$1] }, original: set.reduce(0) { $0 + layers[$1].original },
      start: set.reduce(0) { $0 + start($1) })
  }

  /// A count distributed over a set of layers.
  private struct Spread {
    /// Number of removed things by layer, indexed as all layers, not as the set.
    var counts: [Int]
    /// By layer where the common cut falls between equal scores: the number of removed things with that score, and of all.
    var ties: [Int: (decided: Int, equal: Int)] = [:]
    /// The common cut in each layer that it decides.
    var cuts: [Int: KeyCount] = [:]
  }

  /// Counts the amount once per set, and lets `method` distribute it over the set's layers.
  private func allocate(
    _ amount: RemovalAmount, to sets: [[Int]], _ capacities: [Int], _ method: (_ count: Int, _ set: [Int]) throws -> Spread
  ) throws -> Removals {
    var removals = Removals(
      counts: Array(repeating: 0, count: layers.count), asked: 0, askedInAll: 0, ties: Array(repeating: (0, 0), count: layers.count))
    for set in sets {
      let wanted = count(amount, of: set)
      let possible = set.reduce(0) { $0 + capacities[$1] }
      guard min(wanted.now, wanted.byItself) <= possible else {
        let floors = set.filter { counts[$0] > capacities[$0] }
        throw PruningError.floors(
          asked: wanted.now, present: set.reduce(0) { $0 + counts[$1] },
          layers: floors.map { .init(layer: layers[$0].name, minimum: counts[$0] - capacities[$0]) })
      }
      removals.asked += wanted.now
      removals.askedInAll = removals.askedInAll.map { $0 + wanted.inAll }
      let found = try method(min(wanted.now, possible), set)
      for l in set { (removals.counts[l], removals.ties[l], removals.cuts[l]) = (found.counts[l], found.ties[l] ?? (0, 0), found.cuts[l]) }
    }
    return removals
  }

  /// Returns removals that leave kept counts in proportion to weights, as far as floors and present counts allow.
  private func apportion(_ count: Int, _ weights: [Double], _ capacities: [Int]) -> [Int] {
    let kept = Apportionment.shares(
      Double(counts.reduce(0, +) - count), weights: weights, low: zip(counts, capacities).map { $0 - $1 }, high: counts)
    return Apportionment.whole(count, shares: zip(counts, kept).map { Double($0) - $1 }, high: capacities)
  }

  /// Returns how many of the `count` lowest scores of a set of layers lie in each layer, with no layer losing more than its capacity.
  ///
  /// A layer that is at its capacity at one cut is so at every higher one, so it is settled, and the rest is chosen anew among the others.
  private func spread(_ count: Int, _ set: [Int], _ capacities: [Int]) -> Spread {
    var removals = Array(repeating: 0, count: layers.count)
    var ties: [Int: (decided: Int, equal: Int)] = [:]
    var open = set.filter { capacities[$0] > 0 }
    var remaining = count
    while remaining > 0, !open.isEmpty {
      let cut = smallestKey(remaining, in: open.map { sections[$0] })
      let found = open.map { KeyCount(cut, of: sections[$0]) }
      let equal = found.reduce(0) { $0 + $1.equal }
      var left = remaining - found.reduce(0) { $0 + $1.below }
      let isTied = left < equal
      for (i, counts) in zip(open, found) {
        let leaving = min(counts.equal, left)
        left -= leaving
        removals[i] = counts.below + leaving
        if isTied { ties[i] = (leaving, counts.equal) }
      }
      let full = Set(open.filter { removals[$0] > capacities[$0] })
      if full.isEmpty { return Spread(counts: removals, ties: ties, cuts: Dictionary(uniqueKeysWithValues: zip(open, found))) }
      ties = [:]
      for i in full { removals[i] = capacities[i] }
      remaining -= full.reduce(0) { $0 + capacities[$1] }
      open.removeAll { full.contains($0) }
    }
    return Spread(counts: removals)
  }

  /// The score up to which a layer loses its lowest things.
  private struct Cut {
    var key: Element.Key
    /// Number of removed things with that score, if others with it stay; else 0.
    var decided: Int
    /// Number of all things with that score.
    var equal: Int
  }

  /// Returns the layer without its `count` lowest things.
  ///
  /// - Parameter known: a cut below which at most so many lie, and up to which at least so many; nil to search for it.
  private func mark(_ index: Int, _ count: Int, _ known: KeyCount?) throws -> (layer: Selection.Layer, cut: Cut?) {
    let (layer, section) = (layers[index], sections[index])
    let result = try Tensor.empty(layer.scores.shape, type: .bool)
    var found: Cut?
    try result.withElements(Bool.self) { result in
      if count == 0 {
        for i in result.indices { result[i] = section.kept?[i] ?? 1 != 0 }
      } else {
        let cut = known ?? KeyCount(smallestKey(count, in: [section]), of: section)
        let ties = count - cut.below
        section.mark(below: cut.key, ties: ties, into: result)
        found = Cut(key: cut.key, decided: ties < cut.equal ? ties : 0, equal: cut.equal)
      }
    }
    return (Selection.Layer(name: layer.name, kept: result, before: counts[index], removed: count), found)
  }
}
