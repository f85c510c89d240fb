internal import Files
import Foundation
internal import Words

extension TensorArchive {
  /// Writes the archive atomically; equal archives give equal bytes.
  ///
  /// The bytes go to a temporary file in the same folder, which is flushed to the disk and then renamed; a crash at any instant leaves
  /// either the old file or the new one. Large element types come first and names are sorted within a size, which aligns every tensor. A
  /// device or pipe is written to directly.
  ///
  /// - Parameter other: a file whose permissions a new file gets, if it exists; a file that is replaced keeps its own permissions.
  /// - Throws: `FileError`, e.g. `cannot write model.safetensors: No space left on device`; ``TensorArchiveError`` for content that the
  ///   format cannot hold.
  public func write(to path: String, asPrivateAs other: String? = nil) throws {
    let (header, order): ([UInt8], [Tensor])
    do { (header, order) = try layout() } catch let problem as ArchiveProblem {
      throw TensorArchiveError.writing(path: path, problem: problem.text)
    }
    let file = try AtomicFile(path, asPrivateAs: other)
    try header.withUnsafeBytes { bytes in try file.write(bytes) }
    for tensor in order { try tensor.withBytes { bytes in try file.write(bytes) } }
    try file.commit()
  }

  /// Calls `body` with the bytes of the file that ``write(to:asPrivateAs:)`` would write: the header, then one tensor after another.
  ///
  /// - Throws: ``TensorArchiveError`` for content that the format cannot hold, and what `body` throws.
  public func withBytes(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let (header, order): ([UInt8], [Tensor])
    do { (header, order) = try layout() } catch let problem as ArchiveProblem {
      throw TensorArchiveError.writing(path: "the file", problem: problem.text)
    }
    try header.withUnsafeBytes(body)
    for tensor in order { try tensor.withBytes(body) }
  }

  /// Bytes of the file that ``write(to:asPrivateAs:)`` would write.
  public var byteCount: Int {
    get throws {
      do { return try layout().header.count + tensors.values.reduce(0) { $0 + $1.byteCount } } catch let problem as ArchiveProblem {
        throw TensorArchiveError.writing(path: "the file", problem: problem.text)
      }
    }
  }

  /// The bytes before the data, and the tensors in the order of their data.
  private func layout() throws -> (header: [UInt8], order: [Tensor]) {
    guard tensors.count <= Self.maximumCount else {
      throw ArchiveProblem("\(tensors.count) tensors are too many, at most \(Self.maximumCount) are allowed")
    }
    guard metadata.count <= Self.maximumCount else {
      throw ArchiveProblem("\(metadata.count) texts are too many, at most \(Self.maximumCount) are allowed")
    }
    let typed = try tensors.map { name, tensor in
      guard name != "__metadata__" else { throw ArchiveProblem("no tensor can be named \"__metadata__\"") }
      guard let type = tensor.elementType else { throw ArchiveProblem("entry \(name.quoted): its element type has no place in the format") }
      return (name: name, tensor: tensor, type: StoredType(type))
    }
    let entries = typed.sorted { ($1.type.bits, $0.name) < ($0.type.bits, $1.name) }

    var fields: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key < $1.key }.map { "\($0.key.json):\($0.value.json)" }
      fields.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
    }
    var offset = 0
    for (name, tensor, type) in entries {
      let end = offset + tensor.byteCount
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      fields.append("\(name.json):{\"dtype\":\"\(type.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var text = Array("{\(fields.joined(separator: ","))}".utf8)
    text += Array(repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
    guard text.count <= Self.maximumHeaderLength else {
      throw ArchiveProblem("its header would have \(text.count) bytes, at most \(Self.maximumHeaderLength) are allowed")
    }
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
    return (length + text, entries.map(\.tensor))
  }
}

extension String {
  /// The text as a JSON string.
  fileprivate var json: String {
    var result = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\0"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
