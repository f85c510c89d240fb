internal import CTorch

extension Tensor {
  /// Returns the same elements in another shape; one size may be −1 and is inferred.
  public func reshaped(_ shape: [Int]) throws -> Tensor { try checked(withSizes(shape) { ct_shape_reshape(handle, $0, $1) }) }
  /// Returns a view with the dimensions in another order.
  public func permuted(_ dims: [Int]) throws -> Tensor { try checked(withSizes(dims) { ct_shape_permute(handle, $0, $1) }) }
  /// Returns a view with the last two dimensions exchanged.
  public func transposed() throws -> Tensor {
    let rank = rank
    guard rank >= 2 else { throw TorchError("transposed: needs two dimensions, not \(rank)") }
    return try permuted(Array(0..<rank - 2) + [rank - 1, rank - 2])
  }
  /// Returns a view in which dimensions of size 1 are repeated to the given shape.
  public func expanded(_ shape: [Int]) throws -> Tensor { try checked(withSizes(shape) { ct_shape_expand(handle, $0, $1) }) }
  /// Returns the tensor with dimensions `first` to `last` merged into one.
  public func flattened(from first: Int = 0, to last: Int = -1) throws -> Tensor {
    try checked(ct_shape_flatten(handle, Int64(first), Int64(last)))
  }
  /// Returns a view of `length` consecutive indices of a dimension, from `start` on.
  public func narrowed(_ dim: Int, from start: Int, length: Int) throws -> Tensor {
    try checked(ct_shape_narrow(handle, Int64(dim), Int64(start), Int64(length)))
  }
  /// Returns a view of every `step`-th index of a dimension in start ..< end.
  public func sliced(_ dim: Int, from start: Int = 0, to end: Int = .max, step: Int = 1) throws -> Tensor {
    try checked(ct_shape_slice(handle, Int64(dim), Int64(start), Int64(end), Int64(step)))
  }
  /// Returns a view of one index of a dimension, without that dimension.
  public func selected(_ dim: Int, _ index: Int) throws -> Tensor { try checked(ct_shape_select(handle, Int64(dim), Int64(index))) }
  /// Returns a copy of the given indices (int64) of a dimension.
  public func indexed(_ dim: Int, _ indices: Tensor) throws -> Tensor {
    try checked(ct_shape_index_select(handle, Int64(dim), indices.handle))
  }
  /// Returns a copy of the given indices of a dimension.
  public func indexed(_ dim: Int, _ indices: [Int]) throws -> Tensor {
    try indexed(dim, Tensor(indices.map(Int64.init)).moved(to: device))
  }
  /// Returns the element at each index along a dimension (`torch.gather`).
  public func gathered(_ dim: Int, _ indices: Tensor) throws -> Tensor { try checked(ct_shape_gather(handle, Int64(dim), indices.handle)) }
  /// Returns the tensor surrounded by zeros; `padding` lists pairs (before, after), beginning with the last dimension.
  public func padded(_ padding: [Int]) throws -> Tensor { try checked(withSizes(padding) { ct_shape_pad(handle, $0, $1) }) }

  /// Returns the parts joined along an existing dimension.
  public static func concatenated(_ parts: [Tensor], _ dim: Int = 0) throws -> Tensor {
    let handles = parts.map { Optional($0.handle) }
    return try checked(ct_shape_concatenate(handles, Int32(handles.count), Int64(dim)))
  }
  /// Returns the parts as slices along a new dimension.
  public static func stacked(_ parts: [Tensor], _ dim: Int = 0) throws -> Tensor {
    let handles = parts.map { Optional($0.handle) }
    return try checked(ct_shape_stack(handles, Int32(handles.count), Int64(dim)))
  }
}
