internal import CTorch

/// An n-dimensional array of libtorch's.
///
/// A reference, as in PyTorch: two variables may hold one tensor, and views share storage. Operations named by nouns
/// or participles make a new tensor; imperative verbs (`copy`, `fill`, `accumulate`) change this one. Not `Sendable`: a
/// run is single-threaded Swift around libtorch's own threads.
///
/// ```swift
/// let x = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
/// let y = try x.matmul(x.transposed()) + 1
/// ```
public final class Tensor {
  let handle: OpaquePointer

  /// Takes over a +1 handle.
  init(owning handle: OpaquePointer) { self.handle = handle }

  deinit { ct_tensor_free(handle) }

  /// The number of dimensions.
  public var rank: Int { Int(ct_tensor_rank(handle)) }

  /// The size of each dimension.
  public var shape: [Int] {
    let rank = rank
    return [Int](unsafeUninitializedCapacity: rank) { buffer, count in
      if let base = buffer.baseAddress {
        base.withMemoryRebound(to: Int64.self, capacity: rank) { ct_tensor_sizes(handle, $0) }
      }
      count = rank
    }
  }

  /// The number of elements.
  public var count: Int { Int(ct_tensor_count(handle)) }

  /// The type of the elements; nil for those that Espalier has no use for.
  public var elementType: ElementType? { ElementType(code: ct_tensor_type(handle)) }

  /// Where the elements lie.
  public var device: Device { ct_tensor_device(handle) == CT_CUDA ? .cuda : .cpu }

  /// Whether the elements lie in row-major order without gaps.
  public var isContiguous: Bool { ct_tensor_is_contiguous(handle) != 0 }

  /// Whether a 4-D tensor lies in the order batch, height, width, channels.
  public var isChannelsLast: Bool { ct_tensor_is_channels_last(handle) != 0 }

  /// Elements times their size.
  public var byteCount: Int { count * (elementType?.size ?? 0) }
}

// MARK: - Creation

extension Tensor {
  /// A copy of the elements in row-major order.
  ///
  /// - Throws: ``TorchError`` if the shape does not hold as many elements.
  public convenience init<Element: TensorElement>(_ elements: [Element], shape: [Int]? = nil) throws {
    let handle = try elements.withUnsafeBytes { try Tensor.handle(bytes: $0, shape: shape ?? [elements.count], type: Element.elementType) }
    self.init(owning: handle)
  }

  /// A copy of raw bytes in row-major order.
  ///
  /// - Throws: ``TorchError`` if their number is not what shape and type need.
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

  /// A tensor without dimensions.
  public static func scalar(_ value: Double, type: ElementType = .float32) throws -> Tensor { try full([], value, type: type) }

  /// Uninitialised elements.
  public static func empty(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) throws -> Tensor {
    try checked(withSizes(shape) { ct_tensor_empty($0, $1, type.code, device.code) })
  }

  /// Every element the same.
  public static func full(_ shape: [Int], _ value: Double, type: ElementType = .float32, device: Device = .cpu) throws -> Tensor {
    try checked(withSizes(shape) { ct_tensor_full($0, $1, value, type.code, device.code) })
  }

  /// Zeros.
  public static func zeros(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) throws -> Tensor {
    try full(shape, 0, type: type, device: device)
  }

  /// Ones.
  public static func ones(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) throws -> Tensor {
    try full(shape, 1, type: type, device: device)
  }

  /// 0, 1, … count − 1.
  public static func range(_ count: Int, type: ElementType = .int64) throws -> Tensor {
    try checked(ct_tensor_arange(Int64(count), type.code))
  }

  /// A random order of 0 …< count.
  public static func permutation(_ count: Int, generator: Generator) throws -> Tensor {
    try checked(ct_tensor_permutation(Int64(count), generator.handle))
  }

  /// N(mean, deviation²).
  public static func normal(
    _ shape: [Int], mean: Double = 0, deviation: Double = 1, type: ElementType = .float32, generator: Generator
  ) throws -> Tensor {
    let result = try empty(shape, type: type)
    try result.fillNormal(mean: mean, deviation: deviation, generator: generator)
    return result
  }

  /// U[low, high).
  public static func uniform(
    _ shape: [Int], low: Double = 0, high: Double = 1, type: ElementType = .float32, generator: Generator
  ) throws -> Tensor {
    let result = try empty(shape, type: type)
    try result.fillUniform(low: low, high: high, generator: generator)
    return result
  }

  /// Uninitialised elements with this tensor's shape, type and memory layout.
  public func emptyLike() throws -> Tensor { try checked(ct_tensor_empty_like(handle)) }

  /// One value everywhere with this tensor's shape and memory layout.
  public func fullLike(_ value: Double, type: ElementType? = nil) throws -> Tensor {
    let code = (type ?? elementType)?.code ?? Int32(CT_OTHER)
    return try checked(ct_tensor_full_like(handle, value, code))
  }

  /// Zeros with this tensor's shape and memory layout.
  public func zerosLike(type: ElementType? = nil) throws -> Tensor { try fullLike(0, type: type) }

  /// Ones with this tensor's shape and memory layout.
  public func onesLike(type: ElementType? = nil) throws -> Tensor { try fullLike(1, type: type) }
}

/// Hands the sizes to C without an intermediate array.
@inline(__always)
func withSizes<Result>(_ sizes: [Int], _ body: (UnsafePointer<Int64>?, Int32) throws -> Result) rethrows -> Result {
  try sizes.withUnsafeBufferPointer { buffer in
    try buffer.withMemoryRebound(to: Int64.self) { try body($0.baseAddress, Int32(buffer.count)) }
  }
}
