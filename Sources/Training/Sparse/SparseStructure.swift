internal import CSparse

/// Which weights of a layer exist, for the kernels: by rows within blocks of columns, and by columns.
final class SparseStructure {
  /// What the kernels read; it points into this object.
  let layout: cs_structure
  /// For each value, where it lies in the dense, row-major matrix.
  let positions: Block<UInt32>
  /// Indices of the rows that are computed.
  let rows: [Int]
  /// Indices of the columns whose gradient is computed.
  let columns: [Int]

  private let indices: [Block<UInt16>]
  private let offsets: [Block<UInt32>]

  /// The structure of the kept elements of `rows`.
  ///
  /// - Parameters:
  ///   - keep: row-major, `width` to a row; nil where all are kept.
  ///   - rows: the live rows, ascending.
  ///   - columns: the live columns, ascending, of which each kept element of a live row is one; nil for exactly those of the elements.
  init(keep: [Bool]?, width: Int, rows: [Int], columns: [Int]?) {
    var byRow: [[UInt16]] = rows.map { row in
      guard let keep else { return (0..<width).map(UInt16.init) }
      return (0..<width).lazy.filter { keep[row * width + $0] }.map(UInt16.init)
    }
    let count = byRow.reduce(0) { $0 + $1.count }
    // A block of inputs should stay in the first-level cache while all rows read it; but what a row adds up in memory between blocks
    // must be worth the way: some eight entries.
    let density = Double(max(count, 1)) / Double(max(rows.count * width, 1))
    let blockWidth = max(128, Int(8 / density))
    let blocks = max((width + blockWidth - 1) / blockWidth, 1)

    var starts: [UInt32] = []
    var column: [UInt16] = []
    var positions: [UInt32] = []
    var entries: [[(row: UInt16, entry: UInt32)]] = Array(repeating: [], count: width)
    starts.reserveCapacity(blocks * rows.count + 1)
    column.reserveCapacity(count)
    positions.reserveCapacity(count)
    var next = Array(repeating: 0, count: rows.count)
    for block in 0..<blocks {
      let end = (block + 1) * blockWidth
      for (k, row) in rows.enumerated() {
        starts.append(UInt32(column.count))
        while next[k] < byRow[k].count, byRow[k][next[k]] < end {
          let c = byRow[k][next[k]]
          entries[Int(c)].append((UInt16(row), UInt32(column.count)))
          column.append(c)
          positions.append(UInt32(row * width + Int(c)))
          next[k] += 1
        }
      }
    }
    starts.append(UInt32(column.count))
    byRow = []

    let live = columns ?? (0..<width).filter { !entries[$0].isEmpty }
    var columnStarts: [UInt32] = [0]
    var row: [UInt16] = []
    var entry: [UInt32] = []
    for c in live {
      for element in entries[c] {
        row.append(element.row)
        entry.append(element.entry)
      }
      columnStarts.append(UInt32(row.count))
    }

    self.rows = rows
    self.columns = live
    self.positions = Block(positions, padding: 0)
    indices = [rows.map(UInt16.init), live.map(UInt16.init), column, row].map { Block($0, padding: 0) }
    offsets = [starts, columnStarts, entry].map { Block($0, padding: 0) }
    layout = cs_structure(
      row_count: UInt32(rows.count), column_count: UInt32(live.count), block_count: UInt32(blocks), rows: indices[0].pointer,
      columns: indices[1].pointer, starts: offsets[0].pointer, column: indices[2].pointer, column_starts: offsets[1].pointer,
      row: indices[3].pointer, entry: offsets[2].pointer)
  }

  /// The number of kept weights.
  var count: Int { positions.count }
}
