internal import Datasets
public import Networks

extension WeightPattern {
  /// Returns which of a layer's weights, row-major, are left in a random mask of this pattern: as near to `count` as whole blocks come, or
  /// exactly so many, spread over all groups, by an N:M pattern. Nil for a layer that the pattern leaves alone, or of which it leaves fewer.
  public func sample(keeping count: Int, of operation: Operation, seed: UInt64) -> [Bool]? {
    guard let grid = WeightGrid(operation), excuse(for: grid) == nil else { return nil }
    var generator = SeededGenerator(seed: seed)
    let (weights, bounds) = PatternCells(self, of: grid).members
    var cells = bounds.indices.dropLast().map { Array(weights[bounds[$0]..<bounds[$0 + 1]]) }
    generator.shuffle(&cells)
    var isKept = Array(repeating: false, count: grid.count)
    guard case .nm(let most, let size) = self else {
      var left = count
      for cell in cells where 2 * left >= cell.count && left > 0 {
        for weight in cell { isKept[weight] = true }
        left -= cell.count
      }
      return isKept
    }
    for i in cells.indices { generator.shuffle(&cells[i]) }
    var left = count
    for round in 0..<most {
      for cell in cells where left > 0 && round < (cell.count * most + size - 1) / size {
        isKept[cell[round]] = true
        left -= 1
      }
    }
    return left > 0 ? nil : isKept
  }
}
