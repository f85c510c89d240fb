internal import CTorch
public import Files
internal import Words

extension TensorArchive {
  /// Reads an archive without trusting the file.
  ///
  /// All sizes are checked against the file's own before anything is allocated, so a hostile file costs no more memory than its length on
  /// disk.
  ///
  /// - Throws: ``TensorArchiveError`` that names the file, and the entry at fault.
  public init(contentsOf path: String) throws {
    self = try Self.naming(path) {
      let file = try RegularFile(path)
      let (header, base) = try Self.header(of: file)
      return try Self.read(header, base, file)
    }
  }

  /// Returns the metadata of a file without reading its tensors.
  ///
  /// - Throws: ``TensorArchiveError``.
  public static func metadata(of file: RegularFile) throws -> [String: String] {
    try naming(file.path) { try header(of: file).header.metadata }
  }

  /// Returns the metadata of the file at a path without reading its tensors.
  ///
  /// - Throws: ``TensorArchiveError``.
  public static func metadata(contentsOf path: String) throws -> [String: String] {
    try naming(path) { try header(of: RegularFile(path)).header.metadata }
  }

  static func naming<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as ArchiveProblem {
      throw TensorArchiveError.reading(path: path, problem: error.text)
    } catch let error as FileError {
      throw TensorArchiveError.reading(path: path, problem: error.problem)
    }
  }

  /// Reads the header; `base` is the position at which the data begin.
  static func header(of file: RegularFile) throws -> (header: TensorArchiveHeader, base: Int) {
    let size = file.size
    func isNone(_ problem: String) throws -> ArchiveProblem {
      let head = UnsafeMutableRawBufferPointer.allocate(byteCount: Swift.min(size, 512), alignment: 1)
      defer { head.deallocate() }
      try file.fill(head, at: 0)
      return ArchiveProblem(ForeignFile.problem(Array(head), path: file.path).map { "not a safetensors file: \($0)" } ?? problem)
    }
    guard size >= 8 else { throw try isNone("\(size) bytes are too few for a safetensors file") }
    var word: UInt64 = 0
    try withUnsafeMutableBytes(of: &word) { try file.fill($0, at: 0) }
    let claimed = UInt64(littleEndian: word)
    guard claimed <= UInt64(maximumHeaderLength) else {
      throw try isNone("not a safetensors file: its header would have \(claimed) bytes, and at most \(maximumHeaderLength) are allowed")
    }
    let length = Int(claimed)
    guard length <= size - 8 else { throw try isNone("it is cut short: its header has \(length) bytes, but only \(size - 8) follow") }
    var first: UInt8 = 0
    if length > 0 { try withUnsafeMutableBytes(of: &first) { try file.fill($0, at: 8) } }
    guard first == UInt8(ascii: "{") else { throw try isNone("not a safetensors file: its header does not begin with \"{\"") }

    let text = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
    defer { text.deallocate() }
    try file.fill(text, at: 8)
    return (try TensorArchiveHeader(UnsafeBufferPointer(text.bindMemory(to: UInt8.self)), dataCount: size - 8 - length), 8 + length)
  }

  private static func read(_ header: TensorArchiveHeader, _ base: Int, _ file: RegularFile) throws -> TensorArchive {
    var tensors: [String: Tensor] = [:]
    var unread: [String: Unread] = [:]
    tensors.reserveCapacity(header.entries.count)
    for entry in header.entries {
      guard let type = entry.type.elementType else {
        unread[entry.name] = Unread(type: entry.type.rawValue, shape: entry.shape)
        continue
      }
      do {
        tensors[entry.name] = try tensor(entry, type, file, at: base)
      } catch {
        let reason = (error as? ArchiveProblem)?.text ?? (error as? FileError)?.problem ?? String(describing: error)
        throw ArchiveProblem("entry \(entry.name.quoted): \(reason)")
      }
    }
    return TensorArchive(tensors: tensors, unread: unread, metadata: header.metadata)
  }

  static func tensor(
    _ entry: TensorArchiveHeader.Entry, _ type: ElementType, _ file: RegularFile, at base: Int
  ) throws -> Tensor {
    let position = base + entry.range.lowerBound
    switch entry.type {
    case .float16: return try converted(entry, file, at: position, widen: float32(half:))
    case .bfloat16: return try converted(entry, file, at: position) { Float(bitPattern: UInt32($0) << 16) }
    case .bool:
      let bytes = try filled(entry, .uint8, file, at: position)
      if bytes.count > 0, try bytes.max().item() > 1 { throw ArchiveProblem("a BOOL element is neither 0 nor 1") }
      return try bytes.cast(to: .bool)
    default: return try filled(entry, type, file, at: position)
    }
  }

  /// Returns a tensor of elements that lie row-major and little-endian in a file, converted as those of archives are.
  ///
  /// - Throws: ``TensorArchiveError`` for a type that Espalier does not use, sizes that no memory holds, and a file that ends before.
  public static func tensor(_ shape: [Int], as type: StoredType, in file: RegularFile, at position: Int) throws -> Tensor {
    try naming(file.path) {
      guard let elementType = type.elementType else { throw ArchiveProblem("elements of type \(type.rawValue) are not used") }
      guard shape.count <= maximumRank, shape.allSatisfy({ $0 >= 0 }), let bits = TensorArchiveHeader.bitCount(shape, type),
        position >= 0, position <= file.size, bits / 8 <= file.size - position
      else { throw ArchiveProblem("\(type.rawValue) of shape \(shape) goes beyond the end of the file") }
      return try tensor(.init(name: "", type: type, shape: shape, range: 0..<bits / 8), elementType, file, at: position)
    }
  }

  private static func filled(
    _ entry: TensorArchiveHeader.Entry, _ type: ElementType, _ file: RegularFile, at position: Int
  ) throws -> Tensor {
    let tensor = try Tensor.empty(entry.shape, type: type)
    if !entry.range.isEmpty {
      try file.fill(UnsafeMutableRawBufferPointer(start: ct_tensor_data(tensor.handle), count: entry.range.count), at: position)
    }
    return tensor
  }

  /// Reads 16-bit elements in pieces, so that the memory for them is never needed twice.
  private static func converted(
    _ entry: TensorArchiveHeader.Entry, _ file: RegularFile, at position: Int, widen: (UInt16) -> Float
  ) throws -> Tensor {
    let tensor = try Tensor.empty(entry.shape, type: .float32)
    try tensor.withElements(Float.self) { elements in
      var piece = [UInt16](repeating: 0, count: Swift.min(1 << 16, elements.count))
      var done = 0
      while done < elements.count {
        let count = Swift.min(piece.count, elements.count - done)
        try piece.withUnsafeMutableBytes { buffer in
          try file.fill(UnsafeMutableRawBufferPointer(rebasing: buffer[..<(2 * count)]), at: position + 2 * done)
        }
        for i in 0..<count { elements[done + i] = widen(UInt16(littleEndian: piece[i])) }
        done += count
      }
    }
    return tensor
  }

  /// Converts IEEE 754 binary16 to binary32, exactly. (Swift's Float16 does not exist on every platform.)
  public static func float32(half: UInt16) -> Float {
    let sign = UInt32(half & 0x8000) << 16
    let exponent = UInt32(half >> 10 & 0x1F)
    let fraction = UInt32(half & 0x3FF)
    switch exponent {
    case 0: return Float(sign: sign == 0 ? .plus : .minus, exponent: -24, significand: Float(fraction))
    case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}
