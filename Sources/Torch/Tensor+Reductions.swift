internal import CTorch

extension Tensor {
  @inline(__always)
  private func reduce(_ operation: Int, _ dims: [Int], _ keep: Bool) throws -> Tensor {
    try checked(withSizes(dims) { ct_math_reduce(Int32(operation), handle, $0, $1, keep ? 1 : 0) })
  }

  /// Returns the sum over the given dimensions, or over all.
  public func sum(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_SUM, dims, keep) }
  /// Returns the mean over the given dimensions, or over all.
  public func mean(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_MEAN, dims, keep) }
  /// Returns the largest element over the given dimensions, or over all.
  public func max(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_MAX, dims, keep) }
  /// Returns the smallest element over the given dimensions, or over all.
  public func min(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_MIN, dims, keep) }
  /// Returns the product over one dimension, or over all.
  public func product(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_PRODUCT, dims, keep) }
  /// Returns √Σx² over the given dimensions, or over all.
  public func norm(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_NORM, dims, keep) }
  /// Returns Σ|x| over the given dimensions, or over all.
  public func l1Norm(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_L1, dims, keep) }
  /// Returns the unbiased variance over the given dimensions, or over all.
  public func variance(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_VARIANCE, dims, keep) }
  /// Returns ln Σeˣ over the given dimensions, or over all.
  public func logSumExp(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_LOG_SUM_EXP, dims, keep) }
  /// Returns the index of the largest element along one dimension, or in the flattened tensor.
  public func argmax(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_ARGMAX, dims, keep) }
  /// Returns the index of the smallest element along one dimension, or in the flattened tensor.
  public func argmin(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_ARGMIN, dims, keep) }
  /// Returns the running sums along one dimension.
  public func cumulativeSum(_ dim: Int) throws -> Tensor { try checked(ct_math_cumulative_sum(handle, Int64(dim))) }

  /// Returns the indices that sort along a dimension; the sort is stable.
  public func argsort(_ dim: Int = -1, descending: Bool = false) throws -> Tensor {
    try checked(ct_math_argsort(handle, Int64(dim), descending ? 1 : 0))
  }

  /// Returns the largest (or smallest) elements along a dimension, in order, and their indices.
  ///
  /// The choice among equal elements is undefined: exact selection is up to the pruning code.
  public func top(_ count: Int, _ dim: Int = -1, largest: Bool = true) throws -> (values: Tensor, indices: Tensor) {
    var values: OpaquePointer?
    var indices: OpaquePointer?
    try checked(ct_math_top(handle, Int64(count), Int64(dim), largest ? 1 : 0, &values, &indices))
    return (try checked(values), try checked(indices))
  }

  /// Returns the number of elements that are not exactly 0, in one pass; denormals count.
  ///
  /// - Parameter mask: a mask of the same shape; only elements where it is false are counted. Nil to count all.
  /// - Throws: ``TorchError`` for a mask of another type or shape.
  public func nonZeroCount(outside mask: Tensor? = nil) throws -> Int {
    var count: Int64 = 0
    try checked(ct_math_count_nonzero(handle, mask?.handle, &count))
    return Int(count)
  }
}
