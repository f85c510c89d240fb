internal import Networks

/// The sizes of a layer's weights, row-major [outputs, inputs, taps].
struct WeightGrid: Hashable {
  /// Number of outputs, of all groups.
  let outputs: Int
  /// Number of inputs that an output reads: those of its group.
  let inputs: Int
  /// Number of taps by which an output reads an input; 1 in linear layers.
  let taps: Int
  /// Number of groups, of `outputs / groups` outputs each.
  let groups: Int
  /// Whether the layer is a convolution.
  let isConvolution: Bool

  /// Number of weights.
  var count: Int { outputs * inputs * taps }

  /// Creates the grid of a linear layer or a convolution; nil for other operations.
  init?(_ operation: Operation) {
    switch operation {
    case .linear(let layer): (outputs, inputs, taps, groups, isConvolution) = (layer.outputs, layer.inputs, 1, 1, false)
    case .convolution(let layer):
      groups = max(layer.groups, 1)
      (outputs, inputs, taps) = (layer.outputs, layer.inputs / groups, layer.kernel.height * layer.kernel.width)
      isConvolution = true
    default: return nil
    }
  }
}

extension Network {
  /// The grids of linear layers and convolutions, by module.
  var weightGrids: [String: WeightGrid] {
    Dictionary(nodes.compactMap { node in WeightGrid(node.operation).map { (node.module, $0) } }, uniquingKeysWith: { first, _ in first })
  }
}

/// The cells of a pattern in one layer, numbered row-major: blocks, kernels, or N:M groups. Each weight is in exactly one.
struct PatternCells {
  private let grid: WeightGrid
  private let rows: Int
  private let columns: Int
  private let spansTaps: Bool

  init(_ pattern: WeightPattern, of grid: WeightGrid) {
    self.grid = grid
    switch pattern {
    case .block(let rows, let columns): (self.rows, self.columns, spansTaps) = (rows, columns, false)
    case .kernel: (rows, columns, spansTaps) = (1, 1, true)
    case .nm(_, let size): (rows, columns, spansTaps) = (1, size, false)
    }
  }

  private var groupOutputs: Int { grid.outputs / grid.groups }
  private var cellRows: Int { (groupOutputs + rows - 1) / rows }
  private var cellColumns: Int { (grid.inputs + columns - 1) / columns }
  private var cellTaps: Int { spansTaps ? 1 : grid.taps }

  /// Number of cells.
  var count: Int { grid.groups * cellRows * cellColumns * cellTaps }

  /// Number of weights of a cell that no edge cuts off.
  var wholeSize: Int { rows * columns * (spansTaps ? grid.taps : 1) }

  /// Calls `body` with each weight's place and its cell, in the order of the weights.
  func forEachWeight(_ body: (_ weight: Int, _ cell: Int) -> Void) {
    var weight = 0
    for output in 0..<grid.outputs {
      // Blocks begin anew in each group, as a group's outputs read other inputs.
      let row = output / groupOutputs * cellRows + output % groupOutputs / rows
      for input in 0..<grid.inputs {
        let first = (row * cellColumns + input / columns) * cellTaps
        for tap in 0..<grid.taps {
          body(weight, first + (spansTaps ? 0 : tap))
          weight += 1
        }
      }
    }
  }

  /// The weights cell by cell, each cell's in their order, and where each cell begins, with the end.
  var members: (weights: [Int], bounds: [Int]) {
    var bounds = Array(repeating: 0, count: count + 1)
    forEachWeight { bounds[$1 + 1] += 1 }
    for cell in 0..<count { bounds[cell + 1] += bounds[cell] }
    var (next, weights) = (bounds, Array(repeating: 0, count: grid.count))
    forEachWeight { weight, cell in
      weights[next[cell]] = weight
      next[cell] += 1
    }
    return (weights, bounds)
  }

  /// Number of weights of each cell for which `flags` is true.
  func counts(where flags: [Bool]) -> [Int] {
    var result = Array(repeating: 0, count: count)
    forEachWeight { if flags[$0] { result[$1] += 1 } }
    return result
  }
}

extension WeightPattern {
  /// Returns why a layer is left alone, e.g. `3 inputs are fewer than 4`; nil if it is pruned.
  func excuse(for grid: WeightGrid) -> String? {
    switch self {
    case .block: nil
    case .kernel: grid.isConvolution ? nil : "no convolution"
    case .nm(_, let size):
      grid.inputs >= size ? nil : "\(grid.inputs) input\(grid.inputs == 1 ? " is" : "s are") fewer than \(size)"
    }
  }
}
