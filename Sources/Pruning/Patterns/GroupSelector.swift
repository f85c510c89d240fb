internal import Torch

/// The choice by an N:M pattern: each group by itself keeps its highest scores, so that there is nothing to spread.
struct GroupSelector {
  let layers: [PatternedLayer]
  let rule: SelectionRule

  /// Chooses so that a fraction of each group's weights is gone: of g, ⌈g·(1 − fraction)⌉ stay, or all that are there if those are fewer. Of
  /// equal scores the lower index leaves first.
  ///
  /// - Throws: ``PruningError/mismatch(_:)`` for an amount that is no fraction of the original.
  func select(_ amount: RemovalAmount) throws -> Selection {
    guard case .ofOriginal(let fraction) = amount else {
      throw PruningError.mismatch("an N:M pattern fixes which fraction of the original leaves")
    }
    var ties = Ties(decided: 0, removed: 0, equal: 0, ranked: layers.reduce(0) { $0 + $1.present })
    let chosen = try layers.map { layer in
      var (stays, removed) = (layer.kept, 0)
      let members = layer.cells.members
      for group in members.bounds.indices.dropLast().map({ members.weights[members.bounds[$0]..<members.bounds[$0 + 1]] }) {
        let ranked = group.filter { layer.kept[$0] }.sorted { (layer.scores[$0], $0) < (layer.scores[$1], $1) }
        let leaving = ranked.count - min(Rounding.ceil.whole(Double(group.count) * (1 - fraction), of: group.count), ranked.count)
        for weight in ranked.prefix(leaving) { stays[weight] = false }
        removed += leaving
        guard leaving > 0, leaving < ranked.count, layer.scores[ranked[leaving - 1]] == layer.scores[ranked[leaving]] else { continue }
        let equal = ranked.indices.filter { layer.scores[ranked[$0]] == layer.scores[ranked[leaving]] }
        ties.decided += equal.count { $0 < leaving }
        ties.equal += equal.count
      }
      return try layer.selected(stays, removed: removed)
    }
    ties.removed = chosen.reduce(0) { $0 + $1.removed }
    let (present, original) = layers.reduce((0, 0)) { ($0.0 + $1.present, $0.1 + $1.layer.original) }
    let wanted = rule.wanted(amount, present: present, original: original, start: original)
    return Selection(layers: chosen, asked: wanted.now, askedInAll: wanted.inAll, ties: ties)
  }
}
