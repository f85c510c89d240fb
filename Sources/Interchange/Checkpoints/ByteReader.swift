internal import Files

/// Reads a part of a file from its beginning on, a buffer at a time; no length is believed before it was compared with what is left.
struct ByteReader {
  private let file: RegularFile
  private let end: Int
  private var buffer: [UInt8] = []
  private var index = 0
  /// Position in the file of what follows the buffer.
  private var next: Int

  /// Creates a reader of the bytes in `range`, which must lie within the file.
  init(_ file: RegularFile, _ range: Range<Int>) { (self.file, next, end) = (file, range.lowerBound, range.upperBound) }

  /// Position in the file of the next byte.
  var position: Int { next - (buffer.count - index) }

  private mutating func refill() throws {
    let count = min(1 << 16, end - next)
    guard count > 0 else { throw CheckpointProblem("it ends in the middle of a pickle") }
    var fresh = [UInt8](repeating: 0, count: count)
    try fresh.withUnsafeMutableBytes { try file.fill($0, at: next) }
    (buffer, index, next) = (fresh, 0, next + count)
  }

  /// Reads a byte.
  mutating func byte() throws -> UInt8 {
    if index == buffer.count { try refill() }
    defer { index += 1 }
    return buffer[index]
  }

  /// Reads `count` bytes.
  mutating func bytes(_ count: Int) throws -> [UInt8] {
    try check(count)
    var result: [UInt8] = []
    result.reserveCapacity(count)
    while result.count < count {
      if index == buffer.count { try refill() }
      let part = min(count - result.count, buffer.count - index)
      result += buffer[index..<index + part]
      index += part
    }
    return result
  }

  /// Goes past `count` bytes without reading them.
  mutating func skip(_ count: Int) throws {
    try check(count)
    let within = min(count, buffer.count - index)
    index += within
    guard count > within else { return }
    (buffer, index, next) = ([], 0, next + count - within)
  }

  private func check(_ count: Int) throws {
    guard count >= 0, count <= end - position else {
      throw CheckpointProblem("it ends in the middle of a pickle: \(count) bytes are announced, and \(end - position) are left")
    }
  }

  /// Reads an unsigned number of at most 8 bytes, little-endian.
  mutating func number(_ count: Int) throws -> UInt64 {
    var value: UInt64 = 0
    for shift in 0..<UInt64(count) { value |= UInt64(try byte()) << (8 * shift) }
    return value
  }

  /// Reads a length, a number of at most 8 bytes, that must fit an `Int`.
  mutating func count(_ bytes: Int) throws -> Int {
    let value = try number(bytes)
    guard let count = Int(exactly: value) else { throw CheckpointProblem("a pickle announces \(value) bytes") }
    return count
  }

  /// Reads text up to a line feed.
  mutating func line() throws -> String {
    var line: [UInt8] = []
    while true {
      let byte = try byte()
      if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
      guard line.count < 1 << 16 else { throw CheckpointProblem("a line of a pickle has no end") }
      line.append(byte)
    }
  }
}
