internal import Files

/// A safetensors file whose header has been read and checked, and whose tensors are read one by one.
///
/// ```swift
/// let file = try TensorArchiveFile("features.safetensors")
/// let labels = try file.tensor("y")
/// ```
///
/// Several threads may read from it at once.
public final class TensorArchiveFile: Sendable {
  /// The path as it was given.
  public let path: String
  /// The tensors of the file, by name.
  public let entries: [String: Entry]

  /// Type, shape and place of a tensor.
  public struct Entry: Sendable {
    /// The element type in the format's spelling, e.g. `F32`.
    public let type: String
    /// Size of each dimension.
    public let shape: [Int]
    /// The type as which the elements are read; nil if Espalier does not use it.
    public let elementType: ElementType?
    /// Whether the file holds the elements as they are read, so that parts can be (``fill(_:from:at:)``).
    public let isPlain: Bool
    /// Number of bytes in the file.
    public let byteCount: Int
    fileprivate let position: Int
    fileprivate let entry: TensorArchiveHeader.Entry
  }

  // Never written to, and read with positions of its own: as safe as the descriptor that it wraps.
  private nonisolated(unsafe) let file: RegularFile

  /// Opens a file and checks its header against its size.
  ///
  /// - Throws: ``TensorArchiveError``.
  public init(_ path: String) throws {
    self.path = path
    let (file, header, base) = try TensorArchive.naming(path) {
      let file = try RegularFile(path)
      let (header, base) = try TensorArchive.header(of: file)
      return (file, header, base)
    }
    self.file = file
    entries = Dictionary(
      header.entries.map { entry in
        let isPlain = entry.type.elementType != nil && entry.type != .float16 && entry.type != .bfloat16 && entry.type != .bool
        return (
          entry.name,
          Entry(
            type: entry.type.rawValue, shape: entry.shape, elementType: entry.type.elementType, isPlain: isPlain,
            byteCount: entry.range.count, position: base + entry.range.lowerBound, entry: entry)
        )
      }, uniquingKeysWith: { first, _ in first })
  }

  /// Reads a tensor.
  ///
  /// - Throws: ``TensorArchiveError``, also if there is no such tensor or its element type is not used.
  public func tensor(_ name: String) throws -> Tensor {
    let entry = try entry(name)
    return try TensorArchive.naming(path) {
      guard let type = entry.elementType else { throw ArchiveProblem("\(name) has elements of \(entry.type)") }
      return try TensorArchive.tensor(entry.entry, type, file, at: entry.position - entry.entry.range.lowerBound)
    }
  }

  /// Fills a buffer with the bytes of a tensor from `offset` on, without conversion.
  ///
  /// - Throws: ``TensorArchiveError``, also if there is no such tensor, or it ends before.
  public func fill(_ buffer: UnsafeMutableRawBufferPointer, from name: String, at offset: Int) throws {
    let entry = try entry(name)
    try TensorArchive.naming(path) {
      guard offset >= 0, offset <= entry.byteCount, buffer.count <= entry.byteCount - offset else {
        throw ArchiveProblem("\(name) has no bytes \(offset) to \(offset + buffer.count)")
      }
      try file.fill(buffer, at: entry.position + offset)
    }
  }

  private func entry(_ name: String) throws -> Entry {
    guard let entry = entries[name] else { throw TensorArchiveError.reading(path: path, problem: "there is no tensor \(name)") }
    return entry
  }
}
