internal import Foundation

/// Immutable bytes shared by several sets, written once while they are loaded.
// Sendable by hand: the pointer is private to this class and nothing writes after `init` returns.
final class ByteStorage: @unchecked Sendable {
  private let bytes: UnsafeBufferPointer<UInt8>

  /// Number of bytes.
  var count: Int { bytes.count }

  /// Allocates `count` bytes and lets `body` fill them.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if there is not enough memory; what `body` throws.
  init(count: Int, path: String, _ body: (UnsafeMutableBufferPointer<UInt8>) throws -> Void) throws {
    // Not `allocate`, which ends the process if memory runs out.
    guard let start = malloc(max(count, 1)) else {
      throw DatasetError.badFile(path: path, problem: "no memory for its \(count) bytes")
    }
    let buffer = UnsafeMutableBufferPointer(start: start.bindMemory(to: UInt8.self, capacity: max(count, 1)), count: count)
    do {
      try body(buffer)
    } catch {
      free(start)
      throw error
    }
    bytes = UnsafeBufferPointer(buffer)
  }

  /// Calls `body` with the bytes, which are valid as long as this object exists.
  func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(bytes) }
  }

  /// Calls `body` with the bytes as float32 values.
  func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) {
      // malloc's memory is aligned for every type.
      let start = bytes.baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: Float.self) }
      return try body(UnsafeBufferPointer(start: start, count: bytes.count / 4))
    }
  }

  deinit { free(UnsafeMutableRawPointer(mutating: bytes.baseAddress)) }
}
