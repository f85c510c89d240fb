internal import Networks
internal import Pruning
internal import Torch
internal import Training

extension Model {
  /// Returns the model with the given number of weights left in each layer, those of highest score; pruned weights stay pruned.
  func pruned(by criterion: Criterion, keeping counts: [Int], seed: UInt64, round: Int = 0) throws -> Model {
    let layers = try weightScores(criterion, seed: seed, round: round)
    let present = try MaskSet(self).layers
    guard layers.count == counts.count, layers.map(\.name) == present.map(\.name) else {
      throw PlanError("\(counts.count) counts do not fit the \(layers.count) layers of \(network.name)")
    }
    var result = try copied()
    for (k, layer) in layers.enumerated() {
      let selection = try Selection(
        .count(present[k].kept - counts[k]), of: [layer], rule: SelectionRule(scope: .layer), criterion: criterion.name)
      try result.prune(selection)
    }
    return result
  }

  /// Returns the model with the given number of weights left in total, those of highest score in any layer; ignored layers neither count
  /// nor lose weights.
  func pruned(by criterion: Criterion, keeping count: Int, ignoring ignored: [String], seed: UInt64, round: Int = 0) throws -> Model {
    let layers = try weightScores(criterion, ignoring: ignored, seed: seed, round: round)
    return try pruned(layers, keeping: count, rule: SelectionRule(scope: .global, normalization: criterion.definition.normalization))
  }

  /// Returns the model with the given number of weights left in all layers together, at random places, with layer densities by the
  /// Erdős–Rényi kernel.
  func prunedByERK(keeping count: Int, ignoring ignored: [String], seed: UInt64) throws -> Model {
    let layers = try weightScores(.random, ignoring: ignored, seed: seed)
    let spared = try MaskSet(self).kept - layers.reduce(0) { $0 + $1.scores.count }
    return try pruned(layers, keeping: count - spared, rule: SelectionRule(.erk))
  }

  private func pruned(_ layers: [ScoredLayer], keeping count: Int, rule: SelectionRule) throws -> Model {
    let names = Set(layers.map(\.name))
    let kept = try MaskSet(self).layers.reduce(0) { $0 + (names.contains($1.name) ? $1.kept : 0) }
    var result = try copied()
    try result.prune(Selection(.count(kept - count), of: layers, rule: rule))
    return result
  }
}
