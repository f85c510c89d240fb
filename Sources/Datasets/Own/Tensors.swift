internal import Foundation
internal import Interruptions
internal import Torch
internal import Words

extension OwnData {
  /// `tensors:FILE.safetensors`: `x` [n, …] and `y` [n], anybody's features, tables and embeddings; optionally `x_test` and `y_test`.
  /// Without `y` the examples have no labels, which is enough for calibration and distillation.
  ///
  /// An x of [n, features] is vectors, [n, height, width] grey images, [n, channels, height, width] images; for a network of sequences
  /// [n, channels, length] is sequences. Of bytes (U8), or of F32, F64, F16 or BF16, all finite. Labels are whole numbers from 0.
  static let tensors = OwnData(
    prefix: "tensors", place: "FILE.safetensors",
    summary: "x [n, …] and y [n] of a safetensors file, and x_test and y_test if it has them", files: nil
  ) { path, request in
    let file = try TensorArchiveFile(path)
    let isUnlabelled = request.takesUnlabelled && file.entries["x"] != nil && file.entries["y"] == nil
    let all = try TensorPart(file, "x", isUnlabelled ? nil : "y", request)
    let test = file.entries["x_test"] == nil && file.entries["y_test"] == nil ? nil : try TensorPart(file, "x_test", "y_test", request)
    if let test, test.shape != all.shape || test.type != all.type {
      throw DatasetError.badFile(
        path: path, problem: "x_test holds \(test.words), and x \(all.words): they must be alike")
    }
    // Both are checked before the first, which may be large, is read.
    let (labels, testLabels) = (try all.labels(), try test?.labels())
    let classes = ((labels ?? []) + (testLabels ?? [])).max().map { Int($0) + 1 } ?? 1
    let names = isUnlabelled ? request.names(for: classes) : request.classNames ?? (0..<max(classes, 1)).map(String.init)
    guard classes <= names.count else {
      throw DatasetError.badFile(path: path, problem: "its labels go up to \(classes - 1): the network has \(names.count) classes")
    }
    func set(_ part: TensorPart, _ labels: [Int64]?) throws -> ExampleSet {
      let set = try ExampleSet(
        storage: part.storage(), labels: labels ?? Array(repeating: 0, count: part.count), shape: part.shape, classNames: names,
        name: "tensors:\(path)")
      return labels == nil ? set.withoutLabels() : set
    }
    if request.onlyTest {
      if let test { return Parts(training: nil, test: try set(test, testLabels)) }
      request.note("\(path) has no x_test: all of x is evaluated")
      return Parts(training: nil, test: try set(all, labels))
    }
    return Parts(training: try set(all, labels), test: try test.map { try set($0, testLabels) })
  }
}

/// Two tensors of a file, the examples and their labels, whose types and shapes have been checked.
private struct TensorPart {
  let file: TensorArchiveFile
  let x: String
  /// Name of the labels; nil if there are none.
  let y: String?
  /// The dimensions of an example.
  let shape: [Int]
  /// Number of examples.
  let count: Int
  /// Type of the elements in memory.
  let type: ElementType
  private let entry: TensorArchiveFile.Entry

  init(_ file: TensorArchiveFile, _ x: String, _ y: String?, _ request: OwnData.Request) throws {
    (self.file, self.x, self.y) = (file, x, y)
    func bad(_ problem: String) -> DatasetError { .badFile(path: file.path, problem: problem) }
    func found(_ name: String) throws -> TensorArchiveFile.Entry {
      if let entry = file.entries[name] { return entry }
      let names = file.entries.keys.sorted()
      let listed = names.prefix(8).map(\.quoted).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
      throw bad("has no tensor \(name.quoted)" + (names.isEmpty ? "" : "; it holds \(listed)"))
    }
    let (examples, labels) = (try found(x), try y.map(found))
    guard let type = examples.elementType, type == .uint8 || type.isFloatingPoint else {
      throw bad("\(x) has elements of \(examples.type): possible are U8, F32, F64, F16 and BF16")
    }
    self.type = type == .uint8 ? .uint8 : .float32
    switch examples.shape.count {
    case 1: shape = [1]
    case 2, 4: shape = Array(examples.shape.dropFirst())
    case 3 where request.takesSequences: shape = [examples.shape[1], 1, examples.shape[2]]
    case 3: shape = [1] + examples.shape.dropFirst()
    default:
      throw bad(
        "\(x) has shape \(examples.shape): possible are [n], [n, features], [n, height, width] and [n, channels, height, width]")
    }
    count = examples.shape.first ?? 0
    // The header was checked: no product of sizes exceeds 64 bits.
    guard count > 0, shape.allSatisfy({ $0 > 0 }) else { throw bad("\(x) has shape \(examples.shape): there is nothing in it") }
    entry = examples
    guard let labels, let y else { return }
    guard labels.shape == [count] else {
      throw bad("\(y) has shape \(labels.shape): \(x) has \(count) examples, so it must be [\(count)]")
    }
    guard labels.elementType != nil else {
      throw bad("\(y) has elements of \(labels.type): possible are I64, I32, U8, and floats of whole numbers")
    }
  }

  var words: String { "\(type.rawValue) examples of \(shape.map(String.init).joined(separator: "×"))" }

  /// Returns the labels; nil if there are none.
  ///
  /// - Throws: `DatasetError.badFile` for one that is negative, not whole, or beyond a hundred thousand classes.
  func labels() throws -> [Int64]? {
    guard let y else { return nil }
    let tensor = try file.tensor(y)
    let values: [Int64]
    if tensor.elementType?.isFloatingPoint ?? false {
      values = try tensor.cast(to: .float64).array(Double.self).enumerated().map { index, value in
        guard let whole = Int64(exactly: value) else { throw bad("\(y)[\(index)] is \(value): labels are whole numbers from 0") }
        return whole
      }
    } else {
      values = try tensor.cast(to: .int64).array()
    }
    let most = 100_000
    if let wrong = values.firstIndex(where: { $0 < 0 || $0 >= most }) {
      throw bad(
        "\(y)[\(wrong)] is \(values[wrong]): "
          + (values[wrong] < 0 ? "labels are whole numbers from 0" : "at most \(most) classes are possible"))
    }
    return values
  }

  /// Returns the examples: in memory, or read as they are needed if they are many.
  func storage() throws -> ExampleStorage {
    guard entry.isPlain, type == .uint8 || entry.elementType == .float32 else {
      let values = try file.tensor(x).cast(to: .float32).array(Float.self)
      let storage = try ByteStorage(count: values.count * 4, path: file.path) { buffer in
        values.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
      }
      try storage.withFloats { try checkFinite($0, from: 0) }
      return .floats(storage)
    }
    if entry.byteCount > CachedExamples.memoryLimit {
      let reader = TensorReader(file: file, name: x, shape: shape, count: count, elementType: type)
      try checkFinite(reader)
      return .read(CachedExamples(reader))
    }
    let storage = try ByteStorage(count: entry.byteCount, path: file.path) { buffer in
      try file.fill(UnsafeMutableRawBufferPointer(buffer), from: x, at: 0)
    }
    guard type == .float32 else { return .bytes(storage) }
    try storage.withFloats { try checkFinite($0, from: 0) }
    return .floats(storage)
  }

  private func checkFinite(_ reader: TensorReader) throws {
    guard type == .float32 else { return }
    var piece = [Float](repeating: 0, count: 1 << 20)
    for start in stride(from: 0, to: entry.byteCount / 4, by: piece.count) {
      try Interruption.check()
      let wanted = min(piece.count, entry.byteCount / 4 - start)
      try piece.withUnsafeMutableBytes {
        try file.fill(UnsafeMutableRawBufferPointer(rebasing: $0[..<(4 * wanted)]), from: x, at: 4 * start)
      }
      try piece.withUnsafeBufferPointer { try checkFinite(UnsafeBufferPointer(rebasing: $0[..<wanted]), from: start) }
    }
  }

  private func checkFinite(_ values: UnsafeBufferPointer<Float>, from start: Int) throws {
    guard let wrong = values.firstIndex(where: { !$0.isFinite }) else { return }
    // The position of the element in x's own shape.
    var (rest, place) = (start + wrong, [Int]())
    for size in entry.shape.dropFirst().reversed() {
      place.insert(rest % size, at: 0)
      rest /= size
    }
    place.insert(rest, at: 0)
    throw bad("\(x)\(place) is \(values[wrong]): features must be finite")
  }

  private func bad(_ problem: String) -> DatasetError { .badFile(path: file.path, problem: problem) }
}

/// Reads examples of a tensor that is too large to be kept.
struct TensorReader: ExampleReader {
  let file: TensorArchiveFile
  let name: String
  let shape: [Int]
  let count: Int
  let elementType: ElementType

  private var size: Int { shape.reduce(1, *) * elementType.size }

  func read(_ index: Int, into elements: UnsafeMutableRawBufferPointer) throws { try file.fill(elements, from: name, at: index * size) }

  func content(_ index: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size)
    try bytes.withUnsafeMutableBytes { try read(index, into: $0) }
    return bytes
  }
}
