import Foundation

/// A scanner of the JSON that a safetensors header may hold: strings, whole numbers, lists and flat objects; other values can be skipped.
///
/// A general parser keeps the last of duplicate names, recurses as deeply as the text nests, and allocates many times the text's size in
/// objects. This one never recurses and allocates only the strings it returns.
struct TensorArchiveScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private(set) var position = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  func problem(_ text: String) -> ArchiveProblem { ArchiveProblem("the header is damaged at byte \(position): \(text)") }

  /// Skips whitespace and returns the next byte without consuming it; nil at the end.
  mutating func peek() -> UInt8? {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
      position += 1
    }
    return nil
  }

  /// Consumes the given character if it comes next.
  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ character: Unicode.Scalar) throws(ArchiveProblem) {
    guard take(character) else { throw problem("expected \"\(character)\"") }
  }

  /// Parses a bracketed, comma-separated list, calling `body` at each element.
  mutating func sequence(
    _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout Self) throws(ArchiveProblem) -> Void
  ) throws(ArchiveProblem) {
    try expect(open)
    if take(close) { return }
    repeat { try body(&self) } while take(",")
    try expect(close)
  }

  /// Parses an object, calling `body` with each key, at its value.
  mutating func object(_ body: (inout Self, String) throws(ArchiveProblem) -> Void) throws(ArchiveProblem) {
    try sequence("{", "}") { scanner throws(ArchiveProblem) in
      let key = try scanner.string()
      try scanner.expect(":")
      try body(&scanner, key)
    }
  }

  /// Consumes `null` if it comes next.
  mutating func takeNull() -> Bool {
    guard peek() == UInt8(ascii: "n"), bytes[position...].starts(with: "null".utf8) else { return false }
    position += 4
    return true
  }

  /// The deepest nesting of skipped values, as in the format's reference implementation.
  private static let maximumDepth = 125

  /// Skips a value of any kind.
  mutating func skipValue() throws(ArchiveProblem) {
    // A stack of closing brackets instead of recursion.
    var open: [Unicode.Scalar] = []
    repeat {
      let bracket: Unicode.Scalar? = take("{") ? "}" : take("[") ? "]" : nil
      if let bracket {
        guard open.count < Self.maximumDepth else { throw problem("it nests deeper than \(Self.maximumDepth)") }
        if !take(bracket) {
          open.append(bracket)
          if bracket == "}" { try skipKey() }
          continue
        }
      } else {
        try skipScalar()
      }
      // After a value, the enclosing list or object goes on or ends.
      while let bracket = open.last {
        if take(",") {
          if bracket == "}" { try skipKey() }
          break
        }
        try expect(bracket)
        open.removeLast()
      }
    } while !open.isEmpty
  }

  private mutating func skipKey() throws(ArchiveProblem) {
    _ = try string()
    try expect(":")
  }

  private mutating func skipScalar() throws(ArchiveProblem) {
    guard let first = peek() else { throw problem("expected a value") }
    if first == UInt8(ascii: "\"") {
      _ = try string()
    } else if first == UInt8(ascii: "-") || isDigit(first) {
      try skipNumber()
    } else {
      guard let word = ["null", "true", "false"].first(where: { bytes[position...].starts(with: $0.utf8) }) else {
        throw problem("expected a value")
      }
      position += word.utf8.count
    }
  }

  private mutating func skipNumber() throws(ArchiveProblem) {
    func at(_ characters: String) -> Bool { position < bytes.count && characters.utf8.contains(bytes[position]) }
    if at("-") { position += 1 }
    let start = position
    try skipDigits()
    if bytes[start] == UInt8(ascii: "0"), position > start + 1 { throw problem("a number begins with 0") }
    if at(".") {
      position += 1
      try skipDigits()
    }
    if at("eE") {
      position += 1
      if at("+-") { position += 1 }
      try skipDigits()
    }
  }

  private mutating func skipDigits() throws(ArchiveProblem) {
    let start = position
    while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    if position == start { throw problem("expected a number") }
  }

  /// Parses a whole number without sign.
  mutating func wholeNumber() throws(ArchiveProblem) -> Int {
    guard let first = peek(), isDigit(first) else { throw problem("expected a whole number") }
    let start = position
    var value = 0
    while position < bytes.count, isDigit(bytes[position]) {
      let (tens, tooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, stillTooLarge) = tens.addingReportingOverflow(Int(bytes[position] - UInt8(ascii: "0")))
      guard !tooLarge, !stillTooLarge else { throw problem("the number is too large") }
      value = sum
      position += 1
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") || bytes[position] | 0x20 == UInt8(ascii: "e") {
      throw problem("expected a whole number")
    }
    if first == UInt8(ascii: "0"), position > start + 1 { throw problem("a number begins with 0") }
    return value
  }

  /// Parses a string and resolves its escapes.
  mutating func string() throws(ArchiveProblem) -> String {
    guard take("\"") else { throw problem("expected a string") }
    var start = position
    var result = ""
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        let last = try text(from: start)
        position += 1
        return result.isEmpty ? last : result + last
      }
      if byte < 0x20 { throw problem("a control character in a string") }
      guard byte == UInt8(ascii: "\\") else {
        position += 1
        continue
      }
      result += try text(from: start)
      position += 1
      result.unicodeScalars.append(try escape())
      start = position
    }
    throw problem("a string without end")
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  /// Returns the bytes from `start` to the current position as text; throws unless they are valid UTF-8.
  private func text(from start: Int) throws(ArchiveProblem) -> String {
    let part = UnsafeBufferPointer(rebasing: bytes[start..<position])
    // Decoding replaces invalid UTF-8, so the text was valid if nothing changed.
    let decoded = String(decoding: part, as: UTF8.self)
    let unchanged = decoded.utf8.withContiguousStorageIfAvailable { copy in
      guard copy.count == part.count, let left = copy.baseAddress, let right = part.baseAddress else { return copy.count == part.count }
      return memcmp(left, right, part.count) == 0
    }
    guard unchanged ?? decoded.utf8.elementsEqual(part) else { throw problem("a string is not UTF-8") }
    return decoded
  }

  private mutating func escape() throws(ArchiveProblem) -> Unicode.Scalar {
    guard position < bytes.count else { throw problem("a string without end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try codeUnit()
      if let scalar = Unicode.Scalar(unit) { return scalar }
      guard unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
      else {
        throw problem("half of a surrogate pair")
      }
      position += 2
      let low = try codeUnit()
      guard low >= 0xDC00, low < 0xE000, let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) else {
        throw problem("half of a surrogate pair")
      }
      return scalar
    default: throw problem("an unknown escape in a string")
    }
  }

  private mutating func codeUnit() throws(ArchiveProblem) -> UInt32 {
    guard position + 4 <= bytes.count else { throw problem("a string without end") }
    var value: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
        value = value << 4 | UInt32(byte | 0x20 - UInt8(ascii: "a") + 10)
      default: throw problem("an unknown escape in a string")
      }
    }
    position += 4
    return value
  }
}
