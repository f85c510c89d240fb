#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// The bytes of a plan, which never change: a mapped file, or memory of its own.
public final class PlanStorage: Sendable {
  /// All bytes, aligned to 64.
  nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
  private let isMapped: Bool
  /// How the weights of layers lay in the file.
  public let form: WeightForm
  /// Bytes that packed weights have in the file, by where they begin here.
  let packedSizes: [Int: Int]

  /// Copies bytes into memory aligned for the kernels.
  ///
  /// - Throws: ``SparseRuntimeError/resources(_:)`` if there is no memory.
  public init(_ given: [UInt8]) throws(SparseRuntimeError) {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, 64, max(given.count, 64)) == 0, let memory else {
      throw .resources("no memory for a plan of \(given.count) bytes")
    }
    given.withUnsafeBytes { if let base = $0.baseAddress { memory.copyMemory(from: base, byteCount: $0.count) } }
    bytes = UnsafeRawBufferPointer(start: memory, count: given.count)
    (isMapped, form, packedSizes) = (false, .float32, [:])
  }

  /// Unpacks the numbers of a file.
  ///
  /// - Throws: ``SparseRuntimeError``.
  init(_ numbers: PackedNumbers) throws(SparseRuntimeError) {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, 64, numbers.size) == 0, let memory else {
      throw .resources("no memory for a plan of \(numbers.size) bytes")
    }
    memset(memory, 0, numbers.size)
    bytes = UnsafeRawBufferPointer(start: memory, count: numbers.size)
    (isMapped, form, packedSizes) = (false, numbers.form, numbers.packedSizes)
    try numbers.unpack(into: memory)
  }

  /// Maps a file: what the kernels never read is never loaded, and processes share what they do.
  ///
  /// - Throws: ``SparseRuntimeError/file(path:reason:)``.
  public init(contentsOf path: String) throws(SparseRuntimeError) {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw .file(path: path, reason: String(cString: strerror(errno))) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw .file(path: path, reason: String(cString: strerror(errno))) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .unusable(path: path, reason: status.st_mode & S_IFMT == S_IFDIR ? "it is a folder" : "it is not a file")
    }
    guard status.st_size > 0 else { throw .unusable(path: path, reason: "it is empty") }
    guard let memory = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, file, 0), memory != MAP_FAILED else {
      throw .file(path: path, reason: String(cString: strerror(errno)))
    }
    bytes = UnsafeRawBufferPointer(start: memory, count: Int(status.st_size))
    (isMapped, form, packedSizes) = (true, .float32, [:])
  }

  deinit {
    guard let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress) else { return }
    if isMapped { munmap(base, bytes.count) } else { free(base) }
  }

  /// A copy of all bytes.
  public var contents: [UInt8] { Array(bytes) }

  /// Returns whether numbers lie within the bytes, at a place where their kind may.
  func holds<Element>(_ numbers: PlanNumbers<Element>) -> Bool {
    let size = MemoryLayout<Element>.stride
    guard numbers.offset >= 0, numbers.count >= 0, numbers.offset % size == 0 else { return false }
    let (length, overflows) = numbers.count.multipliedReportingOverflow(by: size)
    return !overflows && numbers.offset <= bytes.count && length <= bytes.count - numbers.offset
  }

  /// Returns the numbers; they must lie within the bytes.
  func pointer<Element>(_ numbers: PlanNumbers<Element>) -> UnsafePointer<Element>? {
    guard holds(numbers), let base = bytes.baseAddress else { return nil }
    return (base + numbers.offset).assumingMemoryBound(to: Element.self)
  }

  /// Returns a copy of the numbers, empty if they do not lie within the bytes.
  public func array<Element>(_ numbers: PlanNumbers<Element>) -> [Element] {
    guard let start = pointer(numbers) else { return [] }
    return Array(UnsafeBufferPointer(start: start, count: numbers.count))
  }
}
