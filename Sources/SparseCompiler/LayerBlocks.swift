internal import SparseRuntime

/// A layer's weights cut into cells of a shape: what a block may hold of an output's weights, or of a few outputs' together.
///
/// All cells read the input in the same way, `deltas` from where each begins. A weight belongs to one cell; where a layer's sizes are no
/// multiples, the last cells overlap the ones before, and hold zeros for what belongs to those.
struct BlockCells {
  /// Outputs of a block.
  let rows: Int
  /// [points]: positions from a cell's first.
  let deltas: [Int]
  /// [cells]: where in the input a cell begins, for the first group of channels.
  let starts: [Int]
  /// [inputs of a group · taps]: the cell and the point of each weight of an output.
  let places: [(cell: Int, point: Int)]

  private init(rows: Int, deltas: [Int], starts: [Int], places: [(cell: Int, point: Int)]) {
    (self.rows, self.deltas, self.starts, self.places) = (rows, deltas, starts, places)
  }

  /// All ways to cut a layer; none where the shape is larger than the layer.
  ///
  /// - Parameters:
  ///   - taps: positions from an input channel's first to each tap.
  ///   - plane: positions from a channel to the next.
  static func ways(_ shape: BlockShape, of layer: DraftLayer, taps: [Int], plane: Int) -> [BlockCells] {
    let (inputs, rows) = (layer.inputs, shape.rows)
    // A block's outputs read the same channels.
    guard inputs > 0, layer.groups == 1 || (layer.outputs / layer.groups).isMultiple(of: rows) else { return [] }
    switch shape {
    case .kernel:
      guard (2...PlanBlocks.mostPoints).contains(taps.count), let first = taps.min() else { return [] }
      return [
        BlockCells(
          rows: 1, deltas: taps.map { $0 - first }, starts: (0..<inputs).map { $0 * plane + first },
          places: (0..<inputs).flatMap { input in taps.indices.map { (input, $0) } })
      ]
    case .block(_, let columns):
      var ways: [BlockCells] = []
      if inputs >= columns {
        let parts = (inputs + columns - 1) / columns
        let firsts = (0..<parts).map { min($0 * columns, inputs - columns) }
        ways.append(
          BlockCells(
            rows: rows, deltas: (0..<columns).map { $0 * plane }, starts: firsts.flatMap { first in taps.map { first * plane + $0 } },
            places: (0..<inputs).flatMap { input in
              taps.indices.map { (input / columns * taps.count + $0, input - firsts[input / columns]) }
            }))
      }
      // A linear layer that reads an image has its pixels as taps: neighbouring columns are neighbouring pixels.
      if columns > 1, taps.count.isMultiple(of: columns) {
        let deltas = (0..<columns).map { taps[$0] - taps[0] }
        let isRegular = taps.indices.allSatisfy { taps[$0] - taps[$0 - $0 % columns] == deltas[$0 % columns] }
        if isRegular, deltas.allSatisfy({ $0 >= 0 }) {
          let parts = taps.count / columns
          ways.append(
            BlockCells(
              rows: rows, deltas: deltas,
              starts: (0..<inputs).flatMap { input in (0..<parts).map { input * plane + taps[$0 * columns] } },
              places: (0..<inputs).flatMap { input in taps.indices.map { (input * parts + $0 / columns, $0 % columns) } }))
        }
      }
      return ways
    }
  }

  /// Returns the number of blocks in which a weight is left, or nil if there are more than `most`.
  func count(in layer: DraftLayer, most: Int) -> Int? {
    let (size, outputs) = (places.count, layer.outputs)
    var last = [Int](repeating: -1, count: starts.count)
    var count = 0
    return layer.weights.withUnsafeBufferPointer { weights in
      for group in 0..<(outputs + rows - 1) / rows {
        for o in group * rows..<min(group * rows + rows, outputs) {
          for i in 0..<size where weights[o * size + i] != 0 && last[places[i].cell] != group {
            last[places[i].cell] = group
            count += 1
          }
        }
        if count > most { return nil }
      }
      return count
    }
  }

  /// Writes the blocks in which a weight is left.
  ///
  /// - Parameter span: positions that are read at a time, at most 65,536.
  func blocks(of layer: DraftLayer, plane: Int, span: Int, _ writer: inout PlanWriter) -> PlanBlocks {
    let (size, outputs, points) = (places.count, layer.outputs, deltas.count)
    let shift = layer.inputs * plane
    let reach = (layer.groups - 1) * shift + (starts.max() ?? 0)
    let (spans, groups) = (reach / span + 1, (outputs + rows - 1) / rows)
    let order = starts.indices.sorted { starts[$0] < starts[$1] }
    var offsets = [[UInt16]](repeating: [], count: spans)
    var values = [[Float]](repeating: [], count: spans)
    var counts = [UInt32](repeating: 0, count: spans * groups + 1)
    var sums = [Float](repeating: 0, count: starts.count * points * rows)
    var isUsed = [Bool](repeating: false, count: starts.count)
    for group in 0..<groups {
      for o in group * rows..<min(group * rows + rows, outputs) {
        for i in 0..<size where layer.weights[o * size + i] != 0 {
          let (cell, point) = places[i]
          isUsed[cell] = true
          sums[(cell * points + point) * rows + o - group * rows] = layer.weights[o * size + i]
        }
      }
      let base = group * rows / (outputs / layer.groups) * shift
      for cell in order where isUsed[cell] {
        let position = base + starts[cell]
        let span = (index: position / span, offset: position % span)
        offsets[span.index].append(UInt16(span.offset))
        for i in cell * points * rows..<(cell + 1) * points * rows {
          values[span.index].append(sums[i])
          sums[i] = 0
        }
        counts[span.index * groups + group + 1] += 1
        isUsed[cell] = false
      }
    }
    for i in 1..<counts.count { counts[i] += counts[i - 1] }
    return PlanBlocks(
      rows: rows, deltas: writer.add(deltas.map(UInt32.init)), bases: writer.add((0..<spans).map { UInt32($0 * span) }),
      starts: writer.add(counts), offsets: writer.add(offsets.flatMap(\.self)), values: writer.add(values.flatMap(\.self)))
  }
}

extension DraftLayer {
  /// Rows above an output's pixel, and columns on its left, of which the layer reads the furthest.
  var before: (top: Int, left: Int) { (max(taps.map { -$0.down }.max() ?? 0, 0), max(taps.map { -$0.right }.max() ?? 0, 0)) }

  /// Positions from an input channel's first to each tap, counted from the first that any tap reads.
  func tapPlaces(_ input: PlanMap) -> [Int] {
    let (top, left) = before
    return taps.map { $0.shift * input.plane + ($0.down + top) * input.row + $0.right + left }
  }

  /// The cells of a shape in which the fewest blocks are left; nil for a shape that is larger than the layer, or leaves more than `most`.
  func cells(_ shape: BlockShape, _ maps: [PlanMap], most: Int = .max) -> BlockCells? {
    let ways = BlockCells.ways(shape, of: self, taps: tapPlaces(maps[x]), plane: maps[x].plane)
    return ways.compactMap { cells in cells.count(in: self, most: most).map { (cells, $0) } }.min { $0.1 < $1.1 }?.0
  }

  /// The shapes in whose blocks the layer's weights are left, but for a few zeros.
  func shapes(_ maps: [PlanMap]) -> [BlockShape] {
    let kept = kept
    // Where nearly all weights are left, every shape fits.
    guard kept > 0, density < 0.8 else { return [] }
    return BlockShape.allCases.filter { shape in
      let size =
        switch shape {
        case .block(let rows, let columns): rows * columns
        case .kernel: taps.count
        }
      return cells(shape, maps, most: Int(Double(kept) * (1 + BlockShape.mostPadding)) / size) != nil
    }
  }
}
