internal import Foundation

/// Bytes that several data sets share, written once while they are loaded and only read after.
// Sendable by hand: the pointer is private to this class and nothing writes after `init` returns.
final class ByteStorage: @unchecked Sendable {
  private let bytes: UnsafeBufferPointer<UInt8>

  /// The number of bytes.
  var count: Int { bytes.count }

  /// Lets `body` fill `count` bytes.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if there is not so much memory; what `body` throws.
  init(count: Int, path: String, _ body: (UnsafeMutableBufferPointer<UInt8>) throws -> Void) throws {
    // Not `allocate`, which ends the process where memory is short.
    guard let start = malloc(max(count, 1)) else {
      throw DatasetError.badFile(path: path, problem: "no memory for its \(count) bytes")
    }
    let buffer = UnsafeMutableBufferPointer(start: start.bindMemory(to: UInt8.self, capacity: count), count: count)
    do {
      try body(buffer)
    } catch {
      free(start)
      throw error
    }
    bytes = UnsafeBufferPointer(buffer)
  }

  /// Calls `body` with the bytes, which last no longer than this object.
  func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(bytes) }
  }

  deinit { free(UnsafeMutableRawPointer(mutating: bytes.baseAddress)) }
}
