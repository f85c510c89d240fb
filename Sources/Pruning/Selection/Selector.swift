internal import Torch
internal import Training

/// The selection for one type of scores.
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
      // Ties are broken in row-major order, so storage must be in it.
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

  func select(_ amount: RemovalAmount) throws -> Selection {
    try withExtendedLifetime(storage) {
      let capacities = zip(layers, counts).map { max($1 - rule.floor(original: $0.original), 0) }
      var (asked, removals) = try amount.isThreshold ? below(amount, capacities) : allocate(amount, capacities)
      if rule.widthMultiple > 1 {
        removals = layers.indices.map { index in
          guard removals[index] > 0 else { return 0 }
          let (present, unrounded) = (counts[index], course(of: index, amount) ?? counts[index] - removals[index])
          return present - WidthMultiple.kept(wanted: min(unrounded, present), present: present, multiple: rule.widthMultiple)
        }
      }
      return Selection(layers: try layers.indices.map { try mark($0, removals[$0]) }, asked: asked)
    }
  }

  /// What a layer would keep by now if no width had been rounded; nil where that is not the course of the layer alone.
  private func course(of index: Int, _ amount: RemovalAmount) -> Int? {
    guard let event = rule.event, rule.allocation == .layer, case .ofKept(let fraction) = amount else { return nil }
    return (0..<event).reduce(layers[index].original) { kept, _ in kept - rule.rounding.count(fraction, of: kept) }
  }

  /// How many leave each layer whose count a threshold decides.
  private func below(_ amount: RemovalAmount, _ capacities: [Int]) throws -> (asked: Int, removals: [Int]) {
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
    return (wanted.reduce(0, +), zip(wanted, capacities).map { min($0, $1) })
  }

  /// How many leave each layer of a counted amount.
  private func allocate(_ amount: RemovalAmount, _ capacities: [Int]) throws -> (asked: Int, removals: [Int]) {
    let all = Array(layers.indices)
    switch rule.allocation {
    case .layer:
      let wanted = layers.indices.map { count(amount, of: [$0]) }
      // A layer that has come down to its floor stays; one that a fraction would empty in one go is a mistake.
      for l in all where rule.minimumCount > 0 && wanted[l] == counts[l] && capacities[l] > 0 {
        throw PruningError.emptied(layer: layers[l].name, asked: wanted[l], present: counts[l])
      }
      return (wanted.reduce(0, +), zip(wanted, capacities).map { min($0, $1) })
    case .global: return try allocate(amount, to: [all], capacities) { spread($0, $1, capacities) }
    case .scoped(let patterns):
      return try allocate(amount, to: Allocation.sets(patterns, among: layers.map(\.members)), capacities) { spread($0, $1, capacities) }
    case .lamp:
      let ranked = try Selector<Double>(layers.map(LAMP.ranked), rule, nil)
      return try allocate(amount, to: [all], capacities) { count, all in
        withExtendedLifetime(ranked.storage) { ranked.spread(count, all, capacities) }
      }
    case .uniform:
      // Cumulative amounts make all densities equal; the others take the same fraction of what is there.
      let weights = layers.indices.map { amount.isCumulative ? layers[$0].original : counts[$0] }.map(Double.init)
      return try allocate(amount, to: [all], capacities) { count, _ in apportion(count, weights, capacities) }
    case .erk:
      let weights = layers.map { layer in
        layer.dimensions.reduce(0) { $0 + Double($1) } / max(layer.dimensions.reduce(1) { $0 * Double($1) }, 1) * Double(layer.original)
      }
      return try allocate(amount, to: [all], capacities) { count, _ in apportion(count, weights, capacities) }
    }
  }

  private func count(_ amount: RemovalAmount, of set: [Int]) -> Int {
    let (present, original) = set.reduce((0, 0)) { ($0.0 + counts[$1], $0.1 + layers[$1].original) }
    return amount.count(kept: present, original: original, rounding: rule.rounding) ?? 0
  }

  /// Counts the amount once per set, and lets `method` spread it over the set's layers.
  private func allocate(
    _ amount: RemovalAmount, to sets: [[Int]], _ capacities: [Int], _ method: (_ count: Int, _ set: [Int]) throws -> [Int]
  ) throws -> (asked: Int, removals: [Int]) {
    var removals = Array(repeating: 0, count: layers.count)
    var asked = 0
    for set in sets {
      let wanted = count(amount, of: set)
      guard wanted <= set.reduce(0, { $0 + capacities[$1] }) else {
        let floors = set.filter { counts[$0] > capacities[$0] }
        throw PruningError.floors(
          asked: wanted, present: set.reduce(0) { $0 + counts[$1] },
          layers: floors.map { .init(layer: layers[$0].name, minimum: counts[$0] - capacities[$0]) })
      }
      asked += wanted
      let found = try method(wanted, set)
      for l in set { removals[l] = found[l] }
    }
    return (asked, removals)
  }

  /// Removals by which what stays is in proportion to weights, as far as floors and what is there allow.
  private func apportion(_ count: Int, _ weights: [Double], _ capacities: [Int]) -> [Int] {
    let kept = Apportionment.shares(
      Double(counts.reduce(0, +) - count), weights: weights, low: zip(counts, capacities).map { $0 - $1 }, high: counts)
    return Apportionment.whole(count, shares: zip(counts, kept).map { Double($0) - $1 }, high: capacities)
  }

  /// How many of the `count` lowest scores of a set of layers lie in each layer, no layer losing more than it can.
  ///
  /// A layer that is full at one cut is full at every higher one, so it is settled and the rest chosen anew among the others.
  private func spread(_ count: Int, _ set: [Int], _ capacities: [Int]) -> [Int] {
    var removals = Array(repeating: 0, count: layers.count)
    var open = set.filter { capacities[$0] > 0 }
    var remaining = count
    while remaining > 0, !open.isEmpty {
      let cut = smallestKey(remaining, in: open.map { sections[$0] })
      let found = open.map { sections[$0].count(at: cut) }
      var ties = remaining - found.reduce(0) { $0 + $1.below }
      for (i, counts) in zip(open, found) {
        let equal = min(counts.equal, ties)
        ties -= equal
        removals[i] = counts.below + equal
      }
      let full = Set(open.filter { removals[$0] > capacities[$0] })
      if full.isEmpty { break }
      for i in full { removals[i] = capacities[i] }
      remaining -= full.reduce(0) { $0 + capacities[$1] }
      open.removeAll { full.contains($0) }
    }
    return removals
  }

  /// The layer without its `count` lowest.
  private func mark(_ index: Int, _ count: Int) throws -> Selection.Layer {
    let (layer, section) = (layers[index], sections[index])
    let result = try Tensor.empty(layer.scores.shape, type: .bool)
    try result.withElements(Bool.self) { result in
      if count == 0 {
        for i in result.indices { result[i] = section.kept?[i] ?? 1 != 0 }
      } else {
        let cut = smallestKey(count, in: [section])
        section.mark(below: cut, ties: count - section.count(at: cut).below, into: result)
      }
    }
    return Selection.Layer(name: layer.name, kept: result, before: counts[index], removed: count)
  }
}
