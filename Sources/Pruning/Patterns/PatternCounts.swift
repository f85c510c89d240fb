internal import Networks
internal import Results
internal import Torch
public import Training

/// What is left of a model's blocks, kernels or N:M groups.
public struct PatternCounts: Sendable {
  /// The pattern.
  public var pattern: WeightPattern
  /// Number of blocks, kernels or groups in the layers that are pruned.
  public var cells = 0
  /// Number of those of which any weight is left.
  public var left = 0
  /// Number of those of which some weights have left, but not all; with blocks that is the work of an earlier run.
  public var broken = 0
  /// Number of those that a layer's edge makes smaller than the others.
  public var small = 0
  /// Largest number of weights that are left in one.
  public var most = 0
  /// Layers that the pattern leaves alone, with the reasons.
  public var leftAlone: [(layer: String, reason: String)] = []

  /// The counts in one line, e.g. `151 of 1,505 blocks of 4×4 weights are left, counting 5 smaller ones at edges; fc1 is left alone: …`.
  public var words: String {
    var words =
      if case .nm(_, let size) = pattern {
        "at most \(most) of \(size) inputs \(most == 1 ? "is" : "are") left in each of \(Format.count(cells)) groups"
      } else {
        "\(Format.count(left)) of \(Format.count(cells)) \(pattern.plural) are left"
      }
    if small > 0 { words += ", counting \(Format.count(small)) smaller \(small == 1 ? "one" : "ones") at edges" }
    if broken > 0, pattern.sparsity == nil { words += ", \(Format.count(broken)) with gaps from before" }
    for (reason, layers) in Dictionary(grouping: leftAlone, by: \.reason).sorted(by: { $0.key < $1.key }) {
      let names = layers.prefix(8).map(\.layer).joined(separator: ", ") + (layers.count > 8 ? " and \(layers.count - 8) more" : "")
      words += "; \(names) \(layers.count == 1 ? "is" : "are") left alone: \(reason)"
    }
    return words
  }
}

extension PruningPlan {
  /// Counts what the plan's pattern has left in a model; nil if the plan has none.
  public func patternCounts(of model: Model) throws -> PatternCounts? {
    guard let pattern else { return nil }
    var result = PatternCounts(pattern: pattern)
    result.leftAlone = try leftAlone(in: model.network)
    let grids = model.network.weightGrids
    for name in try weights(of: model.network) {
      guard let grid = grids[name.module] else { continue }
      let cells = PatternCells(pattern, of: grid)
      let kept = try model.masks[name]?.moved(to: .cpu).contiguous().flattened().array(Bool.self)
      let sizes = cells.counts(where: Array(repeating: true, count: grid.count))
      let present = kept.map { cells.counts(where: $0) } ?? sizes
      result.cells += cells.count
      for (size, present) in zip(sizes, present) {
        if present > 0 { result.left += 1 }
        if present > 0, present < size { result.broken += 1 }
        if size < cells.wholeSize { result.small += 1 }
        result.most = max(result.most, present)
      }
    }
    return result
  }
}
