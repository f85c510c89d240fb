internal import CTorch
import Foundation
internal import Words

extension TensorArchive {
  /// Reads a file, trusting nothing in it.
  ///
  /// All sizes are checked against the file's own before anything is allocated, so a hostile file costs no more memory than
  /// its length on disk.
  ///
  /// - Throws: ``TensorArchiveError`` that names the file, and the entry at fault.
  public init(contentsOf path: String) throws {
    do throws(ArchiveProblem) {
      self = try Self.read(path)
    } catch {
      throw TensorArchiveError.reading(path: path, problem: error.text)
    }
  }

  private static func read(_ path: String) throws(ArchiveProblem) -> TensorArchive {
    // Non-blocking, or a named pipe would hold us until somebody writes to it.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system }
    guard status.st_mode & S_IFMT == S_IFREG else { throw ArchiveProblem("it is not a file") }
    let size = Int(status.st_size)

    func isNone(_ problem: String) throws(ArchiveProblem) -> ArchiveProblem {
      let head = UnsafeMutableRawBufferPointer.allocate(byteCount: Swift.min(size, 512), alignment: 1)
      defer { head.deallocate() }
      try fill(head, from: descriptor, at: 0)
      return ArchiveProblem(ForeignFile.problem(Array(head), path: path).map { "no safetensors file: \($0)" } ?? problem)
    }
    guard size >= 8 else { throw try isNone("\(size) bytes are too few for a safetensors file") }
    var word: UInt64 = 0
    try withUnsafeMutableBytes(of: &word) { buffer throws(ArchiveProblem) in try fill(buffer, from: descriptor, at: 0) }
    let claimed = UInt64(littleEndian: word)
    guard claimed <= UInt64(maximumHeaderLength) else {
      throw try isNone("no safetensors file: its header would have \(claimed) bytes, and at most \(maximumHeaderLength) are allowed")
    }
    let length = Int(claimed)
    guard length <= size - 8 else { throw try isNone("it is cut short: its header has \(length) bytes, but only \(size - 8) follow") }
    var first: UInt8 = 0
    if length > 0 { try withUnsafeMutableBytes(of: &first) { buffer throws(ArchiveProblem) in try fill(buffer, from: descriptor, at: 8) } }
    guard first == UInt8(ascii: "{") else { throw try isNone("no safetensors file: its header does not begin with \"{\"") }

    let text = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
    defer { text.deallocate() }
    try fill(text, from: descriptor, at: 8)
    let header = try TensorArchiveHeader(UnsafeBufferPointer(text.bindMemory(to: UInt8.self)), dataCount: size - 8 - length)

    var tensors: [String: Tensor] = [:]
    var unread: [String: Unread] = [:]
    tensors.reserveCapacity(header.entries.count)
    for entry in header.entries {
      guard let type = entry.type.elementType else {
        unread[entry.name] = Unread(type: entry.type.rawValue, shape: entry.shape)
        continue
      }
      do {
        tensors[entry.name] = try tensor(entry, type, descriptor, at: 8 + length)
      } catch {
        let reason = (error as? ArchiveProblem)?.text ?? String(describing: error)
        throw ArchiveProblem("entry \(entry.name.quoted): \(reason)")
      }
    }
    return TensorArchive(tensors: tensors, unread: unread, metadata: header.metadata)
  }

  private static func tensor(
    _ entry: TensorArchiveHeader.Entry, _ type: ElementType, _ descriptor: Int32, at base: Int
  ) throws -> Tensor {
    let position = base + entry.range.lowerBound
    switch entry.type {
    case .float16: return try converted(entry, descriptor, at: position, widen: float32(half:))
    case .bfloat16: return try converted(entry, descriptor, at: position) { Float(bitPattern: UInt32($0) << 16) }
    case .bool:
      let bytes = try filled(entry, .uint8, descriptor, at: position)
      if bytes.count > 0, try bytes.max().item() > 1 { throw ArchiveProblem("a BOOL element is neither 0 nor 1") }
      return try bytes.cast(to: .bool)
    default: return try filled(entry, type, descriptor, at: position)
    }
  }

  private static func filled(
    _ entry: TensorArchiveHeader.Entry, _ type: ElementType, _ descriptor: Int32, at position: Int
  ) throws -> Tensor {
    let tensor = try Tensor.empty(entry.shape, type: type)
    if !entry.range.isEmpty {
      try fill(
        UnsafeMutableRawBufferPointer(start: ct_tensor_data(tensor.handle), count: entry.range.count), from: descriptor, at: position)
    }
    return tensor
  }

  /// Reads 16-bit elements in pieces, so that they are never held twice.
  private static func converted(
    _ entry: TensorArchiveHeader.Entry, _ descriptor: Int32, at position: Int, widen: (UInt16) -> Float
  ) throws -> Tensor {
    let tensor = try Tensor.empty(entry.shape, type: .float32)
    try tensor.withElements(Float.self) { elements in
      var piece = [UInt16](repeating: 0, count: Swift.min(1 << 16, elements.count))
      var done = 0
      while done < elements.count {
        let count = Swift.min(piece.count, elements.count - done)
        try piece.withUnsafeMutableBytes { buffer in
          try fill(UnsafeMutableRawBufferPointer(rebasing: buffer[..<(2 * count)]), from: descriptor, at: position + 2 * done)
        }
        for i in 0..<count { elements[done + i] = widen(UInt16(littleEndian: piece[i])) }
        done += count
      }
    }
    return tensor
  }

  /// IEEE 754 binary16 to binary32, exactly. (Swift's Float16 does not exist on every platform.)
  static func float32(half: UInt16) -> Float {
    let sign = UInt32(half & 0x8000) << 16
    let exponent = UInt32(half >> 10 & 0x1F)
    let fraction = UInt32(half & 0x3FF)
    switch exponent {
    case 0: return Float(sign: sign == 0 ? .plus : .minus, exponent: -24, significand: Float(fraction))
    case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// Fills the buffer with the file's bytes from `position`.
  private static func fill(_ buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32, at position: Int) throws(ArchiveProblem) {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(descriptor, rest.baseAddress, rest.count, off_t(position + done))
      if count < 0 {
        if errno == EINTR { continue }
        throw .system
      }
      // The size was asked for when the file was opened; somebody may have cut it since.
      guard count > 0 else { throw ArchiveProblem("the file ends early") }
      done += count
    }
  }
}

extension ArchiveProblem {
  /// What the system's last failed call says of itself.
  static var system: ArchiveProblem { ArchiveProblem(String(cString: strerror(errno))) }
}
