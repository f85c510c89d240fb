import CSparse
import TestSupport

/// A random dense layer in the kernels' layout, with a mask that keeps some of its weights; the pruned ones are 0.
final class Matrix {
  let rows: Int, columns: Int, stride: Int
  /// [rows][stride].
  let values: [Float]
  let isKept: [Bool]
  let layout: cs_matrix
  private let words: UnsafeMutablePointer<UInt16>

  init(rows: Int, columns: Int, keeps density: Float, random: inout RandomStream) {
    (self.rows, self.columns) = (rows, columns)
    let stride = (columns + 15) / 16 * 16 + 16
    self.stride = stride
    let isKept = (0..<rows * stride).map { _ in (random.unit() + 1) / 2 < density }
    self.isKept = isKept
    values = isKept.enumerated().map { $1 && $0 % stride < columns ? random.unit() : 0 }
    words = .allocate(capacity: rows * stride / 16)
    for word in 0..<rows * stride / 16 {
      words[word] = (0..<16).reduce(0) { isKept[word * 16 + $1] ? $0 | 1 << UInt16($1) : $0 }
    }
    layout = cs_matrix(
      row_count: UInt32(rows), column_count: UInt32(columns), stride: UInt32(stride), keep: density < 1 ? UnsafePointer(words) : nil)
  }

  deinit { words.deallocate() }
}
