internal import Torch
internal import Training

/// The choice of whole blocks or kernels.
///
/// The amount is counted in weights and spread over the layers as for single weights. Blocks then leave in the order of their scores, equal
/// ones by layer and place, until what is gone is as near to the count as whole blocks come: with ``Rounding/round`` a block that straddles
/// the count leaves if at least half of it is asked for, with ``Rounding/floor`` it stays, with ``Rounding/ceil`` it leaves.
struct BlockSelector {
  private let layers: [PatternedLayer]
  private let rule: SelectionRule
  /// Scores of the blocks of each layer, and their numbers of weights that are still there.
  private let blocks: [(scores: [Double], sizes: [Int])]

  /// - Parameter reduction: how the scores of a block's weights become one.
  init(_ layers: [PatternedLayer], reduction: GroupReduction, rule: SelectionRule, criterion: String?, compares: Bool) throws {
    (self.layers, self.rule) = (layers, rule)
    let raw = layers.map { Self.blocks(of: $0, reduction) }
    for (layer, blocks) in zip(layers, raw) where zip(blocks.scores, blocks.sizes).contains(where: { $0.isNaN && $1 > 0 }) {
      throw PruningError.notANumber(layer: layer.layer.name, criterion: criterion)
    }
    guard compares else {
      blocks = raw
      return
    }
    let scored = try zip(layers, raw).map { layer, blocks in
      ScoredLayer(name: layer.layer.name, scores: try Tensor(blocks.scores), kept: try Tensor(blocks.sizes.map { $0 > 0 }))
    }
    blocks = try zip(rule.normalized(scored), raw).map { (try $0.scores.array(Double.self), $1.sizes) }
  }

  private static func blocks(of layer: PatternedLayer, _ reduction: GroupReduction) -> (scores: [Double], sizes: [Int]) {
    var scores = Array(repeating: reduction == .max ? -Double.infinity : 0, count: layer.cells.count)
    var sizes = Array(repeating: 0, count: layer.cells.count)
    layer.cells.forEachWeight { weight, block in
      guard layer.kept[weight] else { return }
      sizes[block] += 1
      scores[block] = reduction == .max ? max(scores[block], layer.scores[weight]) : scores[block] + layer.scores[weight]
    }
    guard reduction == .mean || reduction == .first else { return (scores, sizes) }
    return (zip(scores, sizes).map { $1 > 0 ? $0 / Double($1) : 0 }, sizes)
  }

  /// A block in the ranking.
  private struct Ranked {
    let score: Double
    let layer: Int
    let block: Int
  }

  /// What has been chosen so far.
  private struct Choice {
    /// Marks of the blocks that leave, by layer.
    var leaves: [[Bool]]
    /// Number of weights that leave, by layer.
    var removed: [Int]
    var ties: Ties
    var tiedScores: Set<Double> = []
  }

  /// Chooses blocks for an amount that each layer, or all together, count in weights.
  ///
  /// - Parameter counts: the same amount chosen among single weights.
  func select(_ counts: Selection) throws -> Selection {
    let sets: [[Int]] =
      switch rule.allocation {
      case .global: [Array(layers.indices)]
      case .scoped(let patterns): try Allocation.sets(patterns, among: layers.map(\.layer.members))
      case .layer, .uniform, .erk, .lamp, .shares: layers.indices.map { [$0] }
      }
    var choice = start
    // Where layers only have parts of one count, what one of them rounds away is asked of the next.
    let carries = rule.allocation.isCounted && rule.rounding == .round
    var owed = 0
    for set in sets {
      let wanted = set.reduce(0) { $0 + counts.layers[$1].removed } + (carries ? owed : 0)
      owed = wanted - take(wanted, from: set, &choice)
    }
    return try selection(choice, asked: counts.asked, inAll: counts.askedInAll)
  }

  /// Chooses the blocks of each layer that score below its threshold.
  func select(below thresholds: [Double]) throws -> Selection {
    var (choice, asked) = (start, 0)
    for (index, threshold) in thresholds.enumerated() {
      let low = ranking(of: [index]).prefix { $0.score < threshold }
      let count = low.reduce(0) { $0 + blocks[index].sizes[$1.block] }
      asked += count
      for ranked in low {
        let size = blocks[index].sizes[ranked.block]
        guard choice.removed[index] + size <= layers[index].capacity else { break }
        remove(ranked, size, &choice)
      }
    }
    return try selection(choice, asked: asked, inAll: nil)
  }

  private var start: Choice {
    Choice(
      leaves: blocks.map { Array(repeating: false, count: $0.sizes.count) }, removed: Array(repeating: 0, count: layers.count),
      ties: Ties(decided: 0, removed: 0, equal: 0, ranked: layers.reduce(0) { $0 + ($1.capacity > 0 ? $1.present : 0) }))
  }

  private func ranking(of set: [Int]) -> [Ranked] {
    set.flatMap { layer in
      blocks[layer].sizes.indices.filter { blocks[layer].sizes[$0] > 0 }
        .map { Ranked(score: blocks[layer].scores[$0], layer: layer, block: $0) }
    }.sorted { ($0.score, $0.layer, $0.block) < ($1.score, $1.layer, $1.block) }
  }

  private func remove(_ ranked: Ranked, _ size: Int, _ choice: inout Choice) {
    choice.leaves[ranked.layer][ranked.block] = true
    choice.removed[ranked.layer] += size
  }

  /// Returns whether a block leaves, given its number of weights and how many weights are still wanted.
  private func takes(_ size: Int, of wanted: Int) -> Bool {
    switch rule.rounding {
    case .round: 2 * wanted >= size
    case .floor: wanted >= size
    case .ceil: wanted > 0
    }
  }

  /// Takes the lowest blocks of a set of layers, past layers at their floor, and returns their number of weights.
  private func take(_ wanted: Int, from set: [Int], _ choice: inout Choice) -> Int {
    guard wanted > 0 else { return 0 }
    var (gone, last, tied) = (0, Double?.none, false)
    let ranking = ranking(of: set.filter { layers[$0].capacity > 0 })
    for ranked in ranking {
      let size = blocks[ranked.layer].sizes[ranked.block]
      guard choice.removed[ranked.layer] + size <= layers[ranked.layer].capacity else { continue }
      guard takes(size, of: wanted - gone) else {
        tied = ranked.score == last
        break
      }
      remove(ranked, size, &choice)
      (gone, last) = (gone + size, ranked.score)
    }
    if tied, let last {
      for ranked in ranking where ranked.score == last {
        let size = blocks[ranked.layer].sizes[ranked.block]
        choice.ties.equal += size
        if choice.leaves[ranked.layer][ranked.block] { choice.ties.decided += size }
      }
      choice.tiedScores.insert(last)
    }
    return gone
  }

  private func selection(_ choice: Choice, asked: Int, inAll: Int?) throws -> Selection {
    var ties = choice.ties
    ties.removed = choice.removed.reduce(0, +)
    if choice.tiedScores.count == 1, rule.scoresAreTheCriterions { ties.score = choice.tiedScores.first.map(Ties.short) }
    let chosen = try layers.indices.map { index in
      let leaves = choice.leaves[index]
      var stays = layers[index].kept
      layers[index].cells.forEachWeight { if leaves[$1] { stays[$0] = false } }
      return try layers[index].selected(stays, removed: choice.removed[index])
    }
    return Selection(layers: chosen, asked: asked, askedInAll: inAll, ties: ties)
  }
}
