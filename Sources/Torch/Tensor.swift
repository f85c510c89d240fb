internal import CTorch

/// An n-dimensional array of libtorch.
///
/// Tensors are references, as in PyTorch: two variables may hold one tensor, and views share storage. Operations named by nouns or
/// participles make a new tensor; imperative verbs (`copy`, `fill`, `accumulate`) change the tensor in place. Not `Sendable`: a run is
/// single-threaded Swift around libtorch's own threads.
///
/// ```swift
/// let x = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
/// let y = try x.matmul(x.transposed()) + 1
/// ```
public final class Tensor {
  let handle: OpaquePointer

  /// Takes ownership of a +1 handle.
  init(owning handle: OpaquePointer) { self.handle = handle }

  deinit { ct_tensor_free(handle) }

  /// Number of dimensions.
  public var rank: Int { Int(ct_tensor_rank(handle)) }

  /// Size of each dimension.
  public var shape: [Int] {
    let rank = rank
    return [Int](unsafeUninitializedCapacity: rank) { buffer, count in
      if let base = buffer.baseAddress {
        base.withMemoryRebound(to: Int64.self, capacity: rank) { ct_tensor_sizes(handle, $0) }
      }
      count = rank
    }
  }

  /// Number of elements.
  public var count: Int { Int(ct_tensor_count(handle)) }

  /// Type of the elements; nil for libtorch types that Espalier does not use.
  public var elementType: ElementType? { ElementType(code: ct_tensor_type(handle)) }

  /// Device that holds the elements.
  public var device: Device { ct_tensor_device(handle) == CT_CUDA ? .cuda : .cpu }

  /// Whether the elements are in row-major order without gaps.
  public var isContiguous: Bool { ct_tensor_is_contiguous(handle) != 0 }

  /// Whether a rank-4 tensor's memory order is batch, height, width, channels.
  public var isChannelsLast: Bool { ct_tensor_is_channels_last(handle) != 0 }

  /// Bytes of all elements; 0 where ``elementType`` is nil.
  public var byteCount: Int { count * (elementType?.size ?? 0) }
}

// MARK: - Creation

extension Tensor {
  /// Creates a tensor with a copy of elements in row-major order; one-dimensional unless a shape is given.
  ///
  /// - Throws: ``TorchError`` if their number does not fit the shape.
  public convenience init<Element: TensorElement>(_ elements: [Element], shape: [Int]? = nil) throws {
    let handle = try elements.withUnsafeBytes { try Tensor.handle(bytes: $0, shape: shape ?? [elements.count], type: Element.elementType) }
    self.init(owning: handle)
  }

  /// Creates a tensor with a copy of raw bytes in row-major order.
  ///
  /// - Throws: ``TorchError`` if their number does not fit shape and type.
  public convenience init(bytes: UnsafeRawBufferPointer, shape: [Int], type: ElementType) throws {
    self.init(owning: try Tensor.handle(bytes: bytes, shape: shape, type: type))
  }

  private static func handle(bytes: UnsafeRawBufferPointer, shape: [Int], type: ElementType) throws -> OpaquePointer {
    var needed = type.size
    for size in shape {
      let (product, overflow) = needed.multipliedReportingOverflow(by: size)
      guard !overflow, size >= 0 else { throw TorchError("from_data: the shape \(shape) is impossible") }
      needed = product
    }
    guard needed == bytes.count else {
      throw TorchError("from_data: the shape \(shape) of \(type) needs \(needed) bytes, not \(bytes.count)")
    }
    let handle = withSizes(shape) { ct_tensor_from_data(bytes.baseAddress, $0, $1, type.code) }
    guard let handle else { throw TorchError.last }
    return handle
  }

  /// Returns a tensor of rank 0 with one element.
  public static func scalar(_ value: Double, type: ElementType = .float32) throws -> Tensor { try full([], value, type: type) }

  /// Returns a tensor with uninitialised elements.
  public static func empty(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) throws -> Tensor {
    try checked(withSizes(shape) { ct_tensor_empty($0, $1, type.code, device.code) })
  }

  /// Returns a tensor with every element equal to `value`.
  public static func full(_ shape: [Int], _ value: Double, type: ElementType = .float32, device: Device = .cpu) throws -> Tensor {
    try checked(withSizes(shape) { ct_tensor_full($0, $1, value, type.code, device.code) })
  }

  /// Returns a tensor of zeros.
  public static func zeros(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) throws -> Tensor {
    try full(shape, 0, type: type, device: device)
  }

  /// Returns a tensor of ones.
  public static func ones(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) throws -> Tensor {
    try full(shape, 1, type: type, device: device)
  }

  /// Returns the vector 0, 1, … count − 1.
  public static func range(_ count: Int, type: ElementType = .int64) throws -> Tensor {
    try checked(ct_tensor_arange(Int64(count), type.code))
  }

  /// Returns a random permutation of 0 ..< count, as int64.
  public static func permutation(_ count: Int, generator: Generator) throws -> Tensor {
    try checked(ct_tensor_permutation(Int64(count), generator.handle))
  }

  /// Returns a tensor of draws from N(mean, deviation²).
  public static func normal(
    _ shape: [Int], mean: Double = 0, deviation: Double = 1, type: ElementType = .float32, generator: Generator
  ) throws -> Tensor {
    let result = try empty(shape, type: type)
    try result.fillNormal(mean: mean, deviation: deviation, generator: generator)
    return result
  }

  /// Returns a tensor of draws from U[low, high).
  public static func uniform(
    _ shape: [Int], low: Double = 0, high: Double = 1, type: ElementType = .float32, generator: Generator
  ) throws -> Tensor {
    let result = try empty(shape, type: type)
    try result.fillUniform(low: low, high: high, generator: generator)
    return result
  }

  /// Returns an uninitialised tensor with this tensor's shape, type and memory layout.
  public func emptyLike() throws -> Tensor { try checked(ct_tensor_empty_like(handle)) }

  /// Returns a tensor of one value with this tensor's shape and memory layout, and its type unless another is given.
  public func fullLike(_ value: Double, type: ElementType? = nil) throws -> Tensor {
    let code = (type ?? elementType)?.code ?? Int32(CT_OTHER)
    return try checked(ct_tensor_full_like(handle, value, code))
  }

  /// Returns zeros with this tensor's shape and memory layout, and its type unless another is given.
  public func zerosLike(type: ElementType? = nil) throws -> Tensor { try fullLike(0, type: type) }

  /// Returns ones with this tensor's shape and memory layout, and its type unless another is given.
  public func onesLike(type: ElementType? = nil) throws -> Tensor { try fullLike(1, type: type) }
}

/// Passes sizes to C without an intermediate array.
@inline(__always)
func withSizes<Result>(_ sizes: [Int], _ body: (UnsafePointer<Int64>?, Int32) throws -> Result) rethrows -> Result {
  try sizes.withUnsafeBufferPointer { buffer in
    try buffer.withMemoryRebound(to: Int64.self) { try body($0.baseAddress, Int32(buffer.count)) }
  }
}
