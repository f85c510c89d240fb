internal import Torch

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
      var removals: [Int]
      let asked: Int
      switch rule.scope {
      case .layer:
        let wanted = zip(layers, counts).map { amount.count(kept: $1, original: $0.original, rounding: rule.rounding) }
        asked = wanted.reduce(0, +)
        removals = zip(wanted, capacities).map { min($0, $1) }
      case .global:
        let present = counts.reduce(0, +)
        asked = amount.count(kept: present, original: layers.reduce(0) { $0 + $1.original }, rounding: rule.rounding)
        guard asked <= capacities.reduce(0, +) else {
          let floors = zip(layers, zip(counts, capacities)).filter { $1.0 > $1.1 }
          throw PruningError.floors(
            asked: asked, present: present, layers: floors.map { .init(layer: $0.name, minimum: $1.0 - $1.1) })
        }
        removals = spread(asked, capacities)
      }
      if rule.widthMultiple > 1 {
        removals = zip(removals, counts).map {
          $0 == 0 ? 0 : $1 - WidthMultiple.kept(wanted: $1 - $0, present: $1, multiple: rule.widthMultiple)
        }
      }
      return Selection(layers: try layers.indices.map { try mark($0, removals[$0]) }, asked: asked)
    }
  }

  /// How many of the `count` lowest scores lie in each layer, no layer losing more than it can.
  ///
  /// A layer that is full at one cut is full at every higher one, so it is settled and the rest chosen anew among the others.
  private func spread(_ count: Int, _ capacities: [Int]) -> [Int] {
    var removals = Array(repeating: 0, count: layers.count)
    var open = layers.indices.filter { capacities[$0] > 0 }
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
