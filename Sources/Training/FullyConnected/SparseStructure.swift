internal import CSparse

/// The weights of a layer that exist, in the kernels' layout: by rows within blocks of columns, and by columns.
final class SparseStructure {
  /// The layout that the kernels read; it points into this object.
  let layout: Block<cs_structure>
  /// Position of each value in the dense, row-major matrix.
  let positions: Block<UInt32>
  /// Indices of the rows that are computed.
  let rows: [Int]
  /// Indices of the columns whose gradients are computed.
  let columns: [Int]

  private let blockCount: Int
  private let indices: [Block<UInt16>]
  private let offsets: [Block<UInt32>]

  /// Creates the structure of the kept elements of `rows`.
  ///
  /// - Parameters:
  ///   - keep: the mask, row-major with `width` elements per row; nil if all are kept.
  ///   - rows: the live rows, ascending.
  ///   - columns: the live columns, ascending, including that of every kept element of a live row; nil for exactly those.
  init(keep: [Bool]?, width: Int, rows: [Int], columns: [Int]?) {
    var byRow: [[UInt16]] = rows.map { row in
      guard let keep else { return (0..<width).map(UInt16.init) }
      return (0..<width).lazy.filter { keep[row * width + $0] }.map(UInt16.init)
    }
    let count = byRow.reduce(0) { $0 + $1.count }
    // A block of inputs should stay in the first-level cache while all rows read it; but each row must have enough entries per block,
    // some eight, to be worth the detour through memory between blocks.
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
    self.positions = Block(positions)
    indices = [rows.map(UInt16.init), live.map(UInt16.init), column, row].map { Block($0) }
    offsets = [starts, columnStarts, entry].map { Block($0) }
    let layout = cs_structure(
      row_count: UInt32(rows.count), column_count: UInt32(live.count), block_count: UInt32(blocks), rows: indices[0].pointer,
      columns: indices[1].pointer, starts: offsets[0].pointer, column: indices[2].pointer, column_starts: offsets[1].pointer,
      row: indices[3].pointer, entry: offsets[2].pointer)
    self.layout = Block([layout])
    blockCount = blocks
  }

  /// Number of kept weights.
  var count: Int { positions.count }

  // Reading and writing a row of a panel costs about as much as four entries.
  private static let rowCost = 4

  /// The cost of each row, in entries.
  var rowCosts: [Int] {
    let starts = offsets[0].pointer
    return rows.indices.map { row in
      (0..<blockCount).reduce(Self.rowCost) { sum, block in
        let i = block * rows.count + row
        return sum + Int(starts[i + 1] - starts[i])
      }
    }
  }

  /// The cost of each column, in entries.
  var columnCosts: [Int] {
    let starts = offsets[1].pointer
    return columns.indices.map { Self.rowCost + Int(starts[$0 + 1] - starts[$0]) }
  }
}
