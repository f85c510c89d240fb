internal import Foundation
public import Torch

/// Where a set's elements are: in memory, or read as they are needed.
enum ExampleStorage: Sendable {
  /// Bytes of all examples, one after the other.
  case bytes(ByteStorage)
  /// float32 values of all examples, one after the other.
  case floats(ByteStorage)
  /// Examples that are read when a batch asks for them.
  case read(CachedExamples)

  var elementType: ElementType {
    switch self {
    case .bytes: .uint8
    case .floats: .float32
    case .read(let examples): examples.reader.elementType
    }
  }

  /// Writes the examples at `positions` to `out`.
  func assemble(
    _ assembly: ImageAssembly, _ positions: [Int64], _ placement: ImageAssembly.Placement?, into out: UnsafeMutableBufferPointer<Float>
  ) throws {
    try withElements(of: positions) { elements, indices in
      switch elements {
      case .bytes(let bytes): try assembly.assemble(bytes, indices: indices, placement: placement, into: out)
      case .floats(let values): try assembly.assemble(values, indices: indices, placement: placement, into: out)
      }
    }
  }

  /// Calls `body` with elements in memory, among them those of the examples at `positions`, and the indices of these.
  func withElements<Result>(of positions: [Int64], _ body: (StoredExamples.Elements, [Int64]) throws -> Result) throws -> Result {
    switch self {
    case .bytes(let storage): return try storage.withBytes { try body(.bytes($0), positions) }
    case .floats(let storage): return try storage.withFloats { try body(.floats($0), positions) }
    case .read(let examples):
      return try examples.withBytes(of: positions) { bytes in
        try body(.init(bytes, examples.reader.elementType), (0..<Int64(positions.count)).map { $0 })
      }
    }
  }
}

/// Reads single examples of a data set that need not fit into memory.
///
/// Several threads may call it at once.
public protocol ExampleReader: Sendable {
  /// Type of an element: `uint8` or `float32`.
  var elementType: ElementType { get }
  /// The dimensions of an example: [features], or [channels, height, width].
  var shape: [Int] { get }
  /// Number of examples.
  var count: Int { get }

  /// Writes the elements of one example, row-major.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if it cannot be read.
  func read(_ index: Int, into elements: UnsafeMutableRawBufferPointer) throws

  /// Returns what is hashed in place of an example's elements, e.g. the file that they are made of.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if it cannot be read.
  func content(_ index: Int) throws -> [UInt8]
}

/// Examples of a reader, read by as many threads as there are cores; the first ones, as many as fit into the limit, stay in memory.
///
/// An order of its own in each epoch asks for every example equally often: to keep some for good serves more of the requests than to keep
/// those used last.
// Sendable by hand: everything that changes is accessed under `lock`.
final class CachedExamples: @unchecked Sendable {
  let reader: any ExampleReader
  /// Bytes of an example.
  let size: Int
  private let lock = NSLock()
  private let kept: UnsafeMutableRawBufferPointer
  private var isKept: [Bool]

  /// Bytes of examples that are kept, by default: more is read from its files again and again.
  static let memoryLimit = 1 << 30

  init(_ reader: any ExampleReader, memoryLimit: Int = memoryLimit) {
    self.reader = reader
    size = reader.shape.reduce(1, *) * reader.elementType.size
    let count = min(reader.count, memoryLimit / max(size, 1))
    // Not `allocate`, which ends the process if memory runs out; without any, nothing is kept.
    let start = count > 0 ? malloc(count * size) : nil
    kept = UnsafeMutableRawBufferPointer(start: start, count: start == nil ? 0 : count * size)
    isKept = Array(repeating: false, count: start == nil ? 0 : count)
  }

  deinit { free(kept.baseAddress) }

  /// Calls `body` with the bytes of the examples at `positions`, one after the other.
  ///
  /// - Throws: what reading throws, of the first of them that cannot be read; what `body` throws.
  func withBytes<Result>(of positions: [Int64], _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    let buffer = try ByteStorage(count: positions.count * size, path: "a batch") { buffer in
      let target = UncheckedBuffer(UnsafeMutableRawBufferPointer(buffer))
      try inParallel(positions.count) { [self] index in
        try read(Int(positions[index]), into: target[index * size, size])
      }
    }
    return try buffer.withBytes { try body(UnsafeRawBufferPointer($0)) }
  }

  private func read(_ position: Int, into target: UnsafeMutableRawBufferPointer) throws {
    let place = position * size
    let isFound = lock.withLock {
      guard position < isKept.count, isKept[position] else { return false }
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: kept[place..<(place + size)]))
      return true
    }
    if isFound { return }
    try reader.read(position, into: target)
    lock.withLock {
      guard position < isKept.count, !isKept[position] else { return }
      UnsafeMutableRawBufferPointer(rebasing: kept[place..<(place + size)]).copyMemory(from: UnsafeRawBufferPointer(target))
      isKept[position] = true
    }
  }
}

/// A buffer whose parts are written by several threads, each its own.
struct UncheckedBuffer: @unchecked Sendable {
  private let buffer: UnsafeMutableRawBufferPointer

  init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

  subscript(start: Int, count: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: buffer[start..<(start + count)])
  }
}

/// Calls `body` for 0 ..< count on as many threads as there are cores.
///
/// - Throws: the error of the lowest index that has one; which other indices were reached is left open.
func inParallel(_ count: Int, _ body: @Sendable (Int) throws -> Void) throws {
  if count == 1 { return try body(0) }
  let failures = Failures()
  DispatchQueue.concurrentPerform(iterations: count) { index in
    guard failures.mayMatter(index) else { return }
    do { try body(index) } catch { failures.add(error, at: index) }
  }
  try failures.throwFirst()
}

// Sendable by hand: everything is accessed under `lock`.
private final class Failures: @unchecked Sendable {
  private let lock = NSLock()
  private var first: (index: Int, error: any Error)?

  func mayMatter(_ index: Int) -> Bool { lock.withLock { first.map { index < $0.index } ?? true } }

  func add(_ error: any Error, at index: Int) {
    lock.withLock { if first.map({ index < $0.index }) ?? true { first = (index, error) } }
  }

  func throwFirst() throws { if let first = lock.withLock({ first }) { throw first.error } }
}
