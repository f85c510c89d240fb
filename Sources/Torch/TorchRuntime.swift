internal import CTorch

/// libtorch's process-wide and thread-wide settings.
public enum TorchRuntime {
  /// libtorch's version, e.g. `2.11.0`.
  public static var version: String { String(cString: ct_runtime_version()) }

  /// Vector instructions that libtorch's kernels use on this machine, e.g. `AVX512`.
  public static var cpuCapability: String { String(cString: ct_runtime_cpu_capability()) }

  /// Number of threads that operations called from this thread compute with.
  public static var threads: Int { Int(ct_runtime_threads()) }

  /// Sets the number of threads, flushes denormal numbers to zero on all of them, and keeps freed memory for the next step.
  ///
  /// Late in training, moments decay into denormals, on which arithmetic is many times slower. And a C library that returns the
  /// gradients' memory to the system after each step, only to request it again in the next, costs up to 7 % of a small network's step,
  /// depending on where the blocks happen to lie.
  public static func configure(threads: Int) throws {
    try checked(ct_runtime_set_threads(Int32(clamping: threads)))
    try checked(ct_runtime_flush_denormals(1))
    ct_runtime_keep_memory()
  }

  /// Sets whether this thread's arithmetic flushes denormal numbers to zero.
  public static func flushDenormals(_ enabled: Bool) throws { try checked(ct_runtime_flush_denormals(enabled ? 1 : 0)) }

  /// Loads libtorch's CUDA library, from the folder of its CPU library unless a path is given, and has cuDNN use only algorithms that give
  /// the same bits each time.
  ///
  /// - Throws: ``TorchError`` if the library is missing, or no device answers.
  public static func loadCUDA(from path: String? = nil) throws { try checked(ct_runtime_load_cuda(path)) }

  /// Number of CUDA devices; 0 before ``loadCUDA(from:)``.
  public static var cudaDevices: Int { Int(ct_runtime_cuda_devices()) }

  /// Name of the first CUDA device, e.g. `NVIDIA H100 80GB HBM3`; nil before ``loadCUDA(from:)``.
  public static var cudaName: String? {
    let name = String(cString: ct_runtime_cuda_name())
    return name.isEmpty ? nil : name
  }

  /// Number of tensors that this thread has created so far: a measure of work that does not depend on a clock.
  public static var tensorsMade: Int { Int(ct_runtime_made()) }

  /// Waits until the device has finished all queued work.
  public static func synchronize(_ device: Device) throws { try checked(ct_runtime_synchronize(device.code)) }
}

/// Runs `body` without recording operations for gradients, on this thread.
@inline(__always)
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
  let before = ct_runtime_set_gradients(0)
  defer { _ = ct_runtime_set_gradients(before) }
  return try body()
}

/// Runs `body` with recording of operations for gradients, on this thread.
@inline(__always)
public func withGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
  let before = ct_runtime_set_gradients(1)
  defer { _ = ct_runtime_set_gradients(before) }
  return try body()
}

/// A stream of random numbers (libtorch's CPU generator, a Mersenne Twister) whose state can be saved and restored.
///
/// All randomness in Espalier comes from generators like this one, never from libtorch's global one: otherwise a resumed run could not
/// continue the stream.
public final class Generator {
  let handle: OpaquePointer

  /// Creates the stream determined by a seed.
  public init(seed: UInt64) throws {
    guard let handle = ct_generator_new(seed) else { throw TorchError.last }
    self.handle = handle
  }

  deinit { ct_generator_free(handle) }

  /// Returns a copy of the generator's state, a vector of bytes.
  public func state() throws -> Tensor { try checked(ct_generator_state(handle)) }

  /// Continues from a state returned by ``state()``.
  public func restore(_ state: Tensor) throws { try checked(ct_generator_set_state(handle, state.handle)) }
}
