internal import CTorch

/// The settings of libtorch that belong to the process or the thread.
public enum TorchRuntime {
  /// libtorch's version, e.g. `2.11.0`.
  public static var version: String { String(cString: ct_runtime_version()) }

  /// The vector instructions libtorch's own kernels use here, e.g. `AVX512`.
  public static var cpuCapability: String { String(cString: ct_runtime_cpu_capability()) }

  /// The number of threads that operations called from this thread compute with.
  public static var threads: Int { Int(ct_runtime_threads()) }

  /// Sets the number of threads, flushes denormal numbers to zero on all of them, and keeps freed memory for the next step.
  ///
  /// Late in training moments fade into denormals, on which arithmetic is many times slower. And a C library that hands the
  /// gradients' memory back to the system after each step, to ask for it again in the next, costs up to 7 % of a small
  /// network's step, by the luck of where its blocks lie.
  public static func configure(threads: Int) throws {
    try checked(ct_runtime_set_threads(Int32(clamping: threads)))
    try checked(ct_runtime_flush_denormals(1))
    ct_runtime_keep_memory()
  }

  /// Lets this thread's arithmetic keep denormal numbers, or not.
  public static func flushDenormals(_ enabled: Bool) throws { try checked(ct_runtime_flush_denormals(enabled ? 1 : 0)) }

  /// Loads libtorch's CUDA half, from beside its CPU half unless a path is given.
  ///
  /// - Throws: ``TorchError`` if the library is missing, or no device answers.
  public static func loadCUDA(from path: String? = nil) throws { try checked(ct_runtime_load_cuda(path)) }

  /// The number of CUDA devices; 0 before ``loadCUDA(from:)``.
  public static var cudaDevices: Int { Int(ct_runtime_cuda_devices()) }

  /// Tensors that this thread has made since it began: a measure of work that no clock disturbs.
  public static var tensorsMade: Int { Int(ct_runtime_made()) }

  /// Waits until the device has done all that it was given.
  public static func synchronize(_ device: Device) throws { try checked(ct_runtime_synchronize(device.code)) }
}

/// Runs `body` without recording operations for gradients, on this thread.
@inline(__always)
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
  let before = ct_runtime_set_gradients(0)
  defer { _ = ct_runtime_set_gradients(before) }
  return try body()
}

/// Runs `body` recording operations for gradients, on this thread.
@inline(__always)
public func withGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
  let before = ct_runtime_set_gradients(1)
  defer { _ = ct_runtime_set_gradients(before) }
  return try body()
}

/// A stream of random numbers (Mersenne Twister, libtorch's CPU generator) with a state that can be kept.
///
/// Everything random in Espalier draws from a generator of its own, never from libtorch's global one: only so does
/// a resumed run continue the stream.
public final class Generator {
  let handle: OpaquePointer

  /// A stream determined by the seed.
  public init(seed: UInt64) throws {
    guard let handle = ct_generator_new(seed) else { throw TorchError.last }
    self.handle = handle
  }

  deinit { ct_generator_free(handle) }

  /// A copy of the state, a vector of bytes.
  public func state() throws -> Tensor { try checked(ct_generator_state(handle)) }

  /// Continues from a state that ``state()`` gave.
  public func restore(_ state: Tensor) throws { try checked(ct_generator_set_state(handle, state.handle)) }
}
