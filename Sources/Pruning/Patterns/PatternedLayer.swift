internal import Torch

/// A scored layer taken apart for a choice by a pattern.
struct PatternedLayer {
  let layer: ScoredLayer
  let cells: PatternCells
  /// Scores of the weights, row-major.
  let scores: [Double]
  /// Whether each weight is still there.
  let kept: [Bool]
  /// Number of weights that are still there.
  let present: Int
  /// Number of weights that may leave before the layer is at its floor.
  let capacity: Int

  /// - Throws: ``PruningError/mismatch(_:)`` for scores or masks of another shape; ``PruningError/notANumber(layer:criterion:)``.
  init(_ layer: ScoredLayer, _ pattern: WeightPattern, of grid: WeightGrid, rule: SelectionRule, criterion: String?) throws {
    let shape = layer.scores.shape
    guard layer.scores.count == grid.count, layer.kept.map({ $0.shape == shape && $0.elementType == .bool }) ?? true else {
      throw PruningError.mismatch("\(layer.name): scores of shape \(shape) and a mask of shape \(layer.kept?.shape ?? shape) do not fit")
    }
    self.layer = layer
    cells = PatternCells(pattern, of: grid)
    scores = try layer.scores.detached().cast(to: .float64).contiguous().flattened().array(Double.self)
    kept = try layer.kept.map { try $0.contiguous().flattened().array(Bool.self) } ?? Array(repeating: true, count: grid.count)
    present = kept.count { $0 }
    capacity = present - min(rule.floor(original: layer.original), present)
    guard !zip(scores, kept).contains(where: { $0.isNaN && $1 }) else {
      throw PruningError.notANumber(layer: layer.name, criterion: criterion)
    }
  }

  /// Returns the part of a selection in this layer, of which only the marked weights stay.
  func selected(_ stays: [Bool], removed: Int) throws -> Selection.Layer {
    Selection.Layer(name: layer.name, kept: try Tensor(stays, shape: layer.scores.shape), before: present, removed: removed)
  }
}
