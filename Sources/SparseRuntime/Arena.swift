#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Memory that lives as long as a workspace: descriptions of steps, which C code reads, and the values of maps.
final class Arena {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit { for block in blocks { free(block) } }

  /// Returns the place of a copy of the values.
  func keep<Value: BitwiseCopyable>(_ values: [Value]) throws(SparseRuntimeError) -> UnsafeMutablePointer<Value> {
    let place: UnsafeMutablePointer<Value> = try memory(count: max(values.count, 1), alignment: 64)
    values.withUnsafeBufferPointer { if let base = $0.baseAddress { place.initialize(from: base, count: values.count) } }
    return place
  }

  /// Returns the place of a copy of the value.
  func keep<Value: BitwiseCopyable>(_ value: Value) throws(SparseRuntimeError) -> UnsafeMutablePointer<Value> { try keep([value]) }

  /// Returns zeros, in large pages where the system has them: a pass touches many places that are far apart.
  func zeros(count: Int) throws(SparseRuntimeError) -> UnsafeMutablePointer<Float> {
    let isLarge = count >= 1 << 19
    let place: UnsafeMutablePointer<Float> = try memory(count: count, alignment: isLarge ? 1 << 21 : 64)
    #if os(Linux)
      if isLarge { madvise(place, count * MemoryLayout<Float>.stride, MADV_HUGEPAGE) }
    #endif
    place.initialize(repeating: 0, count: count)
    return place
  }

  private func memory<Value>(count: Int, alignment: Int) throws(SparseRuntimeError) -> UnsafeMutablePointer<Value> {
    var memory: UnsafeMutableRawPointer?
    let size = count * MemoryLayout<Value>.stride
    guard posix_memalign(&memory, alignment, max(size, 64)) == 0, let memory else {
      throw .resources("no memory for \(size >> 20) MB of values")
    }
    blocks.append(memory)
    return memory.bindMemory(to: Value.self, capacity: count)
  }
}
