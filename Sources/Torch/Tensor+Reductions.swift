internal import CTorch

extension Tensor {
  @inline(__always)
  private func reduce(_ operation: Int, _ dims: [Int], _ keep: Bool) throws -> Tensor {
    try checked(withSizes(dims) { ct_math_reduce(Int32(operation), handle, $0, $1, keep ? 1 : 0) })
  }

  /// The sum over these dimensions, or over all.
  public func sum(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_SUM, dims, keep) }
  /// The mean over these dimensions, or over all.
  public func mean(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_MEAN, dims, keep) }
  /// The largest over these dimensions, or over all.
  public func max(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_MAX, dims, keep) }
  /// The smallest over these dimensions, or over all.
  public func min(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_MIN, dims, keep) }
  /// The product over one dimension, or over all.
  public func product(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_PRODUCT, dims, keep) }
  /// √Σx² over these dimensions, or over all.
  public func norm(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_NORM, dims, keep) }
  /// Σ|x| over these dimensions, or over all.
  public func l1Norm(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_L1, dims, keep) }
  /// The unbiased variance over these dimensions, or over all.
  public func variance(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_VARIANCE, dims, keep) }
  /// ln Σeˣ over these dimensions, or over all.
  public func logSumExp(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_LOG_SUM_EXP, dims, keep) }
  /// Where the largest element stands along one dimension, or in the flattened tensor.
  public func argmax(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_ARGMAX, dims, keep) }
  /// Where the smallest element stands along one dimension, or in the flattened tensor.
  public func argmin(_ dims: Int..., keep: Bool = false) throws -> Tensor { try reduce(CT_ARGMIN, dims, keep) }
  /// Running sums along one dimension.
  public func cumulativeSum(_ dim: Int) throws -> Tensor { try checked(ct_math_cumulative_sum(handle, Int64(dim))) }

  /// The order that sorts along a dimension; equal elements keep theirs.
  public func argsort(_ dim: Int = -1, descending: Bool = false) throws -> Tensor {
    try checked(ct_math_argsort(handle, Int64(dim), descending ? 1 : 0))
  }

  /// The largest (or smallest) elements along a dimension, in order, and where they stand. Which of several equal ones is
  /// not defined: exact selection is the business of the pruning code.
  public func top(_ count: Int, _ dim: Int = -1, largest: Bool = true) throws -> (values: Tensor, indices: Tensor) {
    var values: OpaquePointer?
    var indices: OpaquePointer?
    try checked(ct_math_top(handle, Int64(count), Int64(dim), largest ? 1 : 0, &values, &indices))
    return (try checked(values), try checked(indices))
  }

  /// The number of elements that are not exactly 0.
  public func nonZeroCount() throws -> Int { Int(try notEqual(0).sum().item()) }
}
