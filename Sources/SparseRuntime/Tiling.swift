internal import CSparse

/// How a layer's output is cut into tiles that a form's registers hold.
///
/// A group's tile has some rows and columns of the output, or, where images are small, a row of several groups. A lone example's map is
/// computed as if it were one long row, the zeros between its rows included, which a mask keeps 0.
struct Tiling {
  private let x: PlanMap, y: PlanMap, z: PlanMap?
  /// The map that is written: y, or what is left of it after pooling.
  private let stored: PlanMap
  private let xMap: cs_map, yMap: cs_map, zMap: cs_map?
  private let first: Int
  private let lanes: Int, groups: Int
  private let isDense: Bool
  /// The most vectors of a tile.
  private let capacity: Int
  /// The most vectors that a tile has in fact.
  var mostVectors: Int {
    lanes == 1 ? min((y.flat + 15) / 16, capacity, 8) : x.isVector && y.isVector ? min(groups, capacity) : capacity
  }
  /// Values from a tile's row to the next.
  let xRow: Int, yRow: Int, zRow: Int
  private let rowsAreGroups: Bool
  /// Whether the output's map holds the maximum of each 2 × 2 pixels.
  private let isPooled: Bool

  init(plan: Plan, layer: PlanLayer, layout: WorkspaceLayout, kernels: cs_inference) {
    isPooled = layout.pooled[layer.y] != nil
    (x, y, z) = (plan.maps[layer.x], plan.maps[layer.y], layer.z.map { plan.maps[$0] })
    (xMap, yMap, zMap) = (layout.maps[layer.x], layout.maps[layer.y], layer.z.map { layout.maps[$0] })
    stored = plan.maps[layout.pooled[layer.y] ?? layer.y]
    (first, lanes, groups) = (layer.first, layout.lanes, layout.groups)
    switch layer.weights {
    case .dense: (isDense, capacity) = (true, Int(kernels.dense_vectors))
    case .sparse(let filters):
      // A lone example's row has as many vectors as registers hold, since weights are then most of what is read.
      let most = Int(kernels.sparse_vectors)
      (isDense, capacity) = (false, layout.lanes == 1 ? most : min(most, filters.vectors))
    case .blocks(let blocks):
      let most = kernels.block_vectors
      (isDense, capacity) = (false, Int(blocks.rows == 1 ? most.0 : blocks.rows == 2 ? most.1 : most.2))
    }
    rowsAreGroups = lanes == 16 && groups > 1 && y.height < 4
    xRow = rowsAreGroups ? xMap.group : xMap.row
    yRow = rowsAreGroups ? yMap.group : yMap.row
    zRow = (rowsAreGroups ? zMap?.group : zMap?.row) ?? 0
  }

  func tiles(_ arena: Arena) throws(SparseRuntimeError) -> [cs_tile] {
    if lanes == 1 { return try flatTiles(arena) }
    // Groups of a vector lie side by side, like pixels.
    if x.isVector && y.isVector {
      return pieces(groups, capacity).map { tile(group: $0.lowerBound, row: 0, column: 0, rows: 1, columns: $0.count) }
    }
    var tiles: [cs_tile] = []
    let columns = isPooled ? pieces(y.width / 2, widest / 2).map { $0.lowerBound * 2..<$0.upperBound * 2 } : pieces(y.width, widest)
    let mostRows = isDense ? 1 : max(capacity / (columns.map(\.count).max() ?? 1), 1)
    func heights(_ count: Int) -> [Range<Int>] {
      var (ranges, next): ([Range<Int>], Int) = ([], 0)
      while next < count {
        let height = [4, 2, 1].first { $0 <= mostRows && $0 <= count - next } ?? 1
        ranges.append(next..<next + height)
        next += height
      }
      return ranges
    }
    if rowsAreGroups {
      for group in heights(groups) {
        for row in 0..<y.height {
          for column in columns {
            tiles.append(tile(group: group.lowerBound, row: row, column: column.lowerBound, rows: group.count, columns: column.count))
          }
        }
      }
      return tiles
    }
    for group in 0..<groups {
      for row in heights(y.height) {
        for column in columns {
          tiles.append(tile(group: group, row: row.lowerBound, column: column.lowerBound, rows: row.count, columns: column.count))
        }
      }
    }
    return tiles
  }

  /// The most columns of a tile. Where windows overlap, a tile that is about square reads the fewest pixels for those that it computes, and
  /// where 2 × 2 pixels are pooled it has rows to pool; elsewhere pixels that lie side by side are best.
  private var widest: Int {
    let isWindow = x.above > 0 || x.beside > 0 || x.height != y.height || x.width != y.width
    guard !isDense, isWindow || isPooled, !rowsAreGroups else { return min(capacity, 8) }
    return min(capacity / ([4, 2].first { $0 * $0 <= capacity && $0 <= y.height } ?? 1), 8)
  }

  private func tile(group: Int, row: Int, column: Int, rows: Int, columns: Int) -> cs_tile {
    let unit = x.isVector ? lanes * groups : lanes
    let from = first * unit + (y.flat == 1 ? 0 : row * xMap.row + column * lanes) + group * xMap.group
    func place(_ map: cs_map, _ geometry: PlanMap, _ row: Int, _ column: Int) -> Int {
      geometry.origin * (geometry.isVector ? lanes * groups : lanes) + row * map.row + column * lanes + group * map.group
    }
    let target = isPooled ? place(yMap, stored, row / 2, column / 2) : place(yMap, y, row, column)
    return cs_tile(
      x: from, y: target, z: zMap.flatMap { map in z.map { place(map, $0, row, column) } } ?? 0, rows: UInt8(rows),
      columns: UInt8(columns), masks: nil)
  }

  private func flatTiles(_ arena: Arena) throws(SparseRuntimeError) -> [cs_tile] {
    let vectors = (y.flat + 15) / 16
    let masks = try arena.keep(
      (0..<vectors).map { vector in
        (0..<16).reduce(UInt16(0)) { mask, lane in
          let position = vector * 16 + lane
          return position < y.flat && position % y.row < y.width ? mask | 1 << lane : mask
        }
      })
    return pieces(vectors, min(capacity, 8)).map { piece in
      let start = piece.lowerBound * 16
      return cs_tile(
        x: first + start, y: y.origin + start, z: z.map { $0.origin + start } ?? 0, rows: 1, columns: UInt8(piece.count),
        masks: masks + piece.lowerBound)
    }
  }

  /// Returns consecutive parts of 0 ..< count, none longer than `most` and of about one length.
  private func pieces(_ count: Int, _ most: Int) -> [Range<Int>] {
    let parts = (count + most - 1) / most
    return (0..<parts).map { count * $0 / parts..<count * ($0 + 1) / parts }
  }
}
