internal import CTorch

extension Tensor {
  /// The same elements in another shape; one size may be −1.
  public func reshaped(_ shape: [Int]) throws -> Tensor { try checked(withSizes(shape) { ct_shape_reshape(handle, $0, $1) }) }
  /// The dimensions in another order, a view.
  public func permuted(_ dims: [Int]) throws -> Tensor { try checked(withSizes(dims) { ct_shape_permute(handle, $0, $1) }) }
  /// The last two dimensions exchanged, a view.
  public func transposed() throws -> Tensor {
    let rank = rank
    guard rank >= 2 else { throw TorchError("transposed: needs two dimensions, not \(rank)") }
    return try permuted(Array(0..<rank - 2) + [rank - 1, rank - 2])
  }
  /// Dimensions of size 1 repeated to this shape, a view.
  public func expanded(_ shape: [Int]) throws -> Tensor { try checked(withSizes(shape) { ct_shape_expand(handle, $0, $1) }) }
  /// Dimensions first … last made one.
  public func flattened(from first: Int = 0, to last: Int = -1) throws -> Tensor {
    try checked(ct_shape_flatten(handle, Int64(first), Int64(last)))
  }
  /// `length` indices of a dimension from `start`, a view.
  public func narrowed(_ dim: Int, from start: Int, length: Int) throws -> Tensor {
    try checked(ct_shape_narrow(handle, Int64(dim), Int64(start), Int64(length)))
  }
  /// Every `step`-th index of a dimension in start ..< end, a view.
  public func sliced(_ dim: Int, from start: Int = 0, to end: Int = .max, step: Int = 1) throws -> Tensor {
    try checked(ct_shape_slice(handle, Int64(dim), Int64(start), Int64(end), Int64(step)))
  }
  /// One index of a dimension, which goes, a view.
  public func selected(_ dim: Int, _ index: Int) throws -> Tensor { try checked(ct_shape_select(handle, Int64(dim), Int64(index))) }
  /// These indices of a dimension, a copy.
  public func indexed(_ dim: Int, _ indices: Tensor) throws -> Tensor {
    try checked(ct_shape_index_select(handle, Int64(dim), indices.handle))
  }
  /// These indices of a dimension, a copy.
  public func indexed(_ dim: Int, _ indices: [Int]) throws -> Tensor { try indexed(dim, Tensor(indices.map(Int64.init))) }
  /// One element per index along a dimension.
  public func gathered(_ dim: Int, _ indices: Tensor) throws -> Tensor { try checked(ct_shape_gather(handle, Int64(dim), indices.handle)) }
  /// Zeros around: pairs (before, after) from the last dimension on.
  public func padded(_ padding: [Int]) throws -> Tensor { try checked(withSizes(padding) { ct_shape_pad(handle, $0, $1) }) }

  /// The parts one after another along a dimension.
  public static func concatenated(_ parts: [Tensor], _ dim: Int = 0) throws -> Tensor {
    let handles = parts.map { Optional($0.handle) }
    return try checked(ct_shape_concatenate(handles, Int32(handles.count), Int64(dim)))
  }
  /// The parts as slices of a new dimension.
  public static func stacked(_ parts: [Tensor], _ dim: Int = 0) throws -> Tensor {
    let handles = parts.map { Optional($0.handle) }
    return try checked(ct_shape_stack(handles, Int32(handles.count), Int64(dim)))
  }
}
