import CSparse
import TestSupport
import Testing

let panel = CS_PANEL

/// The names of the forms that this machine has.
let forms: [Int32] = (0..<Int32(CS_FORM_COUNT)).filter { cs_kernels_of_form($0) != nil }

/// Aligned floats for as long as the object lives.
final class Floats {
  let pointer: UnsafeMutablePointer<Float>
  let count: Int
  init(_ values: [Float]) {
    count = values.count
    pointer = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64).bindMemory(to: Float.self, capacity: count)
    pointer.initialize(from: values, count: count)
  }
  var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
  deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}

extension Floats {
  /// The values as panels of this many features.
  func panels(_ features: Int, _ count: Int? = nil) -> cs_panels {
    cs_panels(values: pointer, distance: features * panel, count: UInt32(count ?? self.count / (features * panel)))
  }

  /// The values as what gradients are stored to.
  var asGradient: cs_parameters { cs_parameters(weights: pointer, gradient: pointer, first: pointer, second: pointer) }
}

extension RandomStream {
  mutating func unit() -> Float { Float(next() >> 40) / Float(1 << 24) * 2 - 1 }
  mutating func panel(_ features: Int, count: Int = 64, panels: Int = 1) -> [Float] {
    (0..<panels * features * 64).map { $0 % 64 < count ? unit() : 0 }
  }
}

/// Two parts of a list, of which the first is the smaller one; what kernels compute does not depend on parts.
func shares(_ count: Int) -> [cs_share] {
  let cut = UInt32(count / 3)
  return [cs_share(from: 0, to: cut), cs_share(from: cut, to: UInt32(count))]
}

func expectClose(_ x: [Float], _ y: [Double], _ note: String, tolerance: Double = 2e-6) {
  let scale = max(y.map(abs).max() ?? 0, 1)
  let difference = zip(x, y).map { abs(Double($0) - $1) }.max() ?? 0
  #expect(x.count == y.count && difference <= tolerance * scale, "\(note): \(difference)")
}

extension cs_step {
  init(kind: Int32) {
    self.init()
    self.kind = kind
  }
}

/// A random layer with its structure written out by hand: some rows empty, some full, some not live.
final class Layer {
  let rows: Int, columns: Int
  /// Row-major; nil where there is no weight.
  var dense: [Float?]
  let liveRows: [Int], liveColumns: [Int]
  var order: [(row: Int, column: Int)] = []
  private let shorts: [UnsafeMutablePointer<UInt16>]
  private let longs: [UnsafeMutablePointer<UInt32>]
  let structure: cs_structure

  init(rows: Int, columns: Int, density: Float, blockWidth: Int, random: inout RandomStream) {
    (self.rows, self.columns) = (rows, columns)
    dense = Array(repeating: nil, count: rows * columns)
    var live: [Int] = []
    for row in 0..<rows {
      // Row 0 is empty, row 1 full, row 2 is not live.
      if row != 2 || rows < 4 { live.append(row) }
      let share: Float = rows < 4 ? density : row == 0 ? 0 : row == 1 ? 1 : row == 2 ? 0 : density
      for column in 0..<columns where (random.unit() + 1) / 2 < share { dense[row * columns + column] = random.unit() }
    }
    liveRows = live
    let weights = dense
    liveColumns = (0..<columns).filter { c in c % 7 == 3 || (0..<rows).contains { weights[$0 * columns + c] != nil } }
    var starts: [Int] = []
    let blocks = (columns + blockWidth - 1) / blockWidth
    for block in 0..<blocks {
      for row in live {
        starts.append(order.count)
        for c in block * blockWidth..<min((block + 1) * blockWidth, columns) where dense[row * columns + c] != nil {
          order.append((row, c))
        }
      }
    }
    starts.append(order.count)
    var columnStarts = [0]
    var (row, entry): ([Int], [Int]) = ([], [])
    for c in liveColumns {
      for (k, place) in order.enumerated().sorted(by: { ($0.element.row, $0.offset) < ($1.element.row, $1.offset) }) where place.column == c
      {
        row.append(place.row)
        entry.append(k)
      }
      columnStarts.append(row.count)
    }
    func stored<Integer: FixedWidthInteger>(_ values: [Int]) -> UnsafeMutablePointer<Integer> {
      let pointer = UnsafeMutablePointer<Integer>.allocate(capacity: max(values.count, 1))
      pointer.initialize(from: values.map { Integer($0) }, count: values.count)
      return pointer
    }
    shorts = [live, liveColumns, order.map(\.column), row].map { stored($0) }
    longs = [starts, columnStarts, entry].map { stored($0) }
    structure = cs_structure(
      row_count: UInt32(live.count), column_count: UInt32(liveColumns.count), block_count: UInt32(blocks), rows: shorts[0],
      columns: shorts[1], starts: longs[0], column: shorts[2], column_starts: longs[1], row: shorts[3], entry: longs[2])
  }

  deinit {
    for pointer in shorts { pointer.deallocate() }
    for pointer in longs { pointer.deallocate() }
  }

  var values: [Float] { order.map { dense[$0.row * columns + $0.column] ?? 0 } }
  func weight(_ row: Int, _ column: Int) -> Double { Double(dense[row * columns + column] ?? 0) }
}
