internal import CZlib
internal import Foundation

/// Sequential reading of a file or of a zip member, decompressed as it is read.
final class InflatingReader {
  /// How the content is stored.
  enum Storage {
    /// Compressed if the file begins with gzip's magic bytes, otherwise plain: browsers and tools decompress files without renaming them.
    case gzipOrPlain
    /// A zip archive's member of `count` stored bytes.
    case member(offset: Int, count: Int, deflated: Bool)
  }

  let path: String
  /// Whether the stored bytes are compressed.
  let isCompressed: Bool
  private let file: FileReader
  private let stream: UnsafeMutablePointer<z_stream>
  private let input: UnsafeMutableBufferPointer<UInt8>
  // Stored bytes not yet read from the file; nil for all bytes up to its end.
  private var unread: Int?
  private var hasEnded = false
  private let isGzip: Bool

  /// - Throws: ``DatasetError/badFile(path:problem:)`` if the file cannot be opened.
  init(path: String, storage: Storage = .gzipOrPlain) throws {
    self.path = path
    let file = try FileReader(path: path)
    self.file = file
    switch storage {
    case .gzipOrPlain:
      var magic: (UInt8, UInt8) = (0, 0)
      let count = try withUnsafeMutableBytes(of: &magic) { try file.read(into: $0) }
      file.seek(to: 0)
      isCompressed = count == 2 && magic == (0x1F, 0x8B)
      isGzip = true
    case .member(let offset, let count, let deflated):
      file.seek(to: offset)
      unread = count
      isCompressed = deflated
      isGzip = false
    }
    input = .allocate(capacity: 1 << 17)
    // zlib keeps the stream's address, so it must not move.
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    if isCompressed {
      // 16 + 15: a gzip wrapper and the largest window; -15: no wrapper, as in zip archives.
      let status = inflateInit2_(stream, isGzip ? 31 : -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
      guard status == Z_OK else { throw DatasetError.badFile(path: path, problem: "zlib can't start (status \(status))") }
    }
  }

  deinit {
    if isCompressed { inflateEnd(stream) }
    stream.deallocate()
    input.deallocate()
  }

  /// Reads bytes into `buffer` and returns their number, which is less than the buffer's only at the end of the content.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if the compressed data are cut short or corrupt.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var filled = 0
    while filled < buffer.count {
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...].prefix(1 << 30))
      let count = isCompressed ? try inflatePiece(into: piece) : try storedPiece(into: piece)
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  private func storedPiece(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(unread ?? buffer.count)))
    unread = unread.map { $0 - count }
    return count
  }

  private func inflatePiece(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard !hasEnded, let start = buffer.baseAddress else { return 0 }
    stream.pointee.next_out = start.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(buffer.count)
    while stream.pointee.avail_out == buffer.count {
      if stream.pointee.avail_in == 0, try refill() == 0 {
        throw DatasetError.badFile(path: path, problem: "ends in the middle of its compressed data; the file is cut short")
      }
      let status = inflate(stream, Z_NO_FLUSH)
      switch status {
      case Z_OK, Z_BUF_ERROR: continue
      case Z_STREAM_END:
        if try !startNextMember() {
          hasEnded = true
          return buffer.count - Int(stream.pointee.avail_out)
        }
      default:
        let words = stream.pointee.msg.map { String(cString: $0) } ?? "status \(status)"
        throw DatasetError.badFile(path: path, problem: "its compressed data are corrupt (\(words))")
      }
    }
    return buffer.count - Int(stream.pointee.avail_out)
  }

  // A gzip file may consist of several members in a row; other bytes after the end are padding, as for gunzip.
  private func startNextMember() throws -> Bool {
    guard isGzip else { return false }
    if stream.pointee.avail_in == 0, try refill() == 0 { return false }
    guard stream.pointee.next_in?.pointee == 0x1F else { return false }
    return inflateReset(stream) == Z_OK
  }

  private func refill() throws -> Int {
    let count = try storedPiece(into: UnsafeMutableRawBufferPointer(input))
    stream.pointee.next_in = input.baseAddress
    stream.pointee.avail_in = UInt32(count)
    return count
  }
}

/// Decompression in memory.
enum Inflation {
  /// Decompresses zlib-wrapped bytes to exactly `count` bytes.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if they are corrupt or of another length.
  static func inflated(_ packed: [UInt8], count: Int, path: String) throws -> [UInt8] {
    var length = uLongf(count)
    var bytes = [UInt8](repeating: 0, count: count)
    let status = uncompress(&bytes, &length, packed, uLong(packed.count))
    guard status == Z_OK, Int(length) == count else {
      throw DatasetError.badFile(path: path, problem: "its compressed data are corrupt (status \(status))")
    }
    return bytes
  }
}
