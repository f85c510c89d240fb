internal import CSparse

/// A dense layer's weights in the kernels' layout: row by row, the rows some values apart.
final class DenseMatrix {
  /// The layout that the kernels read; it points into this object.
  let layout: cs_matrix
  /// Number of weights in a row.
  let width: Int
  /// Number of rows.
  let height: Int
  /// Values from row to row.
  let stride: Int

  private let keep: Block<UInt16>?

  /// Creates the layout of a matrix.
  ///
  /// - Parameter mask: the mask, row-major; nil if everything is kept.
  init(width: Int, height: Int, mask: [Bool]?) {
    // An odd number of cache lines: rows a power of two apart would all compete for the same places of the caches.
    let stride = 16 * (((width + 15) / 16) | 1)
    (self.width, self.height, self.stride) = (width, height, stride)
    keep = mask.map { mask in
      let words = Block<UInt16>(count: height * stride / 16, repeating: 0)
      for row in 0..<height {
        for column in 0..<width where mask[row * width + column] {
          words.pointer[(row * stride + column) / 16] |= 1 << UInt16(column % 16)
        }
      }
      return words
    }
    layout = cs_matrix(
      row_count: UInt32(height), column_count: UInt32(width), stride: UInt32(stride), keep: keep.map { UnsafePointer($0.pointer) })
  }

  /// Number of values, those between rows included.
  var count: Int { height * stride }
}
