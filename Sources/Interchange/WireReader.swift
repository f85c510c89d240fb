internal import Files

/// The fields of protobuf messages in a file, found by their tags and lengths: what they hold stays on disk.
///
/// A model's weights are nearly all of its file. Parsed like the rest they would lie in memory twice before a tensor has them.
struct WireReader {
  /// A field of a message.
  struct Field {
    var number: Int
    /// Whether it is a message, text, bytes or packed numbers, as opposed to a single number.
    var isDelimited: Bool
    /// Where tag, length and content lie in the file.
    var whole: Range<Int>
    /// Where the content lies in the file.
    var content: Range<Int>
  }

  let file: RegularFile
  private var window: [UInt8] = []
  private var windowStart = 0
  private var count = 0

  /// The most fields: the largest of torchvision's networks has some 100,000, and each may take hundreds of bytes in memory.
  static let mostFields = 1 << 19

  init(_ file: RegularFile) { self.file = file }

  /// Calls `body` with the fields in a part of the file, in order.
  mutating func forEachField(in range: Range<Int>, _ body: (inout WireReader, Field) throws -> Void) throws {
    var position = range.lowerBound
    while position < range.upperBound {
      let start = position
      let tag = try varint(&position, range.upperBound)
      let length: UInt64
      switch tag & 7 {
      case 0:
        let content = position
        _ = try varint(&position, range.upperBound)
        length = UInt64(position - content)
        position = content
      case 1: length = 8
      case 2: length = try varint(&position, range.upperBound)
      case 5: length = 4
      default: throw Self.damaged
      }
      guard (1...0x1FFF_FFFF).contains(tag >> 3), length <= UInt64(range.upperBound - position) else { throw Self.damaged }
      count += 1
      guard count <= Self.mostFields else { throw FileProblem("it has more than \(Self.mostFields) fields") }
      let end = position + Int(length)
      try body(
        &self, Field(number: Int(tag >> 3), isDelimited: tag & 7 == 2, whole: start..<end, content: position..<end))
      position = end
    }
  }

  static let damaged = FileProblem("it is no ONNX model, or a damaged one")

  private mutating func varint(_ position: inout Int, _ end: Int) throws -> UInt64 {
    var (value, shift) = (UInt64(0), UInt64(0))
    while position < end, shift < 64 {
      let byte = try byte(at: position)
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw Self.damaged
  }

  private mutating func byte(at position: Int) throws -> UInt8 {
    if position < windowStart || position >= windowStart + window.count {
      // Small: most fields that are asked for lie behind megabytes of weights.
      window = [UInt8](repeating: 0, count: min(4096, file.size - position))
      windowStart = position
      try window.withUnsafeMutableBytes { try file.fill($0, at: position) }
    }
    return window[position - windowStart]
  }
}
