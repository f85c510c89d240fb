internal import CZlib
internal import Interruptions
internal import Torch

extension ModelFile {
  /// Returns the number of bytes that gzip, at its usual level 6, makes of the plain file: the field's measure of what zeros are worth on a
  /// disk. Nothing is written.
  ///
  /// It may differ by a few bytes between versions of zlib.
  /// - Throws: what writing the file would throw but for the disk, `Interrupted` on request, and an error of one line if zlib fails.
  public func gzipByteCount() throws -> Int {
    let counter = try GzipCounter()
    try archive(.plain).withBytes { try counter.add($0) }
    return try counter.finish()
  }
}

/// Compresses bytes and counts what comes out.
private final class GzipCounter {
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private let output = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1 << 16)
  private var count = 0

  init() throws {
    stream.initialize(to: z_stream())
    // 16 + 15: a gzip wrapper and the largest window; 8: the usual memory.
    let status = deflateInit2_(
      stream, 6, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { throw CompressionError(status: status) }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
    output.deallocate()
  }

  func add(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while !rest.isEmpty {
      try Interruption.check()
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 20))
      stream.pointee.next_in = UnsafeMutablePointer(mutating: piece.bindMemory(to: UInt8.self).baseAddress)
      stream.pointee.avail_in = UInt32(piece.count)
      try drain(Z_NO_FLUSH)
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
    }
  }

  func finish() throws -> Int {
    try drain(Z_FINISH)
    return count
  }

  private func drain(_ flush: Int32) throws {
    repeat {
      stream.pointee.next_out = output.baseAddress
      stream.pointee.avail_out = UInt32(output.count)
      let status = deflate(stream, flush)
      // Z_BUF_ERROR: there was nothing left to do.
      guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { throw CompressionError(status: status) }
      count += output.count - Int(stream.pointee.avail_out)
    } while stream.pointee.avail_out == 0
  }
}

/// zlib did not do its work.
private struct CompressionError: Error, CustomStringConvertible {
  let status: Int32
  var description: String { "zlib cannot compress (status \(status))" }
}
