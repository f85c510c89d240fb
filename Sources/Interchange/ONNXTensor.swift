internal import Files
internal import Foundation
internal import SwiftProtobuf
internal import Torch
internal import Words

/// A constant of an ONNX model: its shape, and where its elements lie, which are read when they are needed.
package struct ONNXTensor {
  /// The place of a constant's elements.
  enum Storage {
    /// In a file from a position on, little-endian.
    case file(RegularFile, at: Int)
    /// In another file, which is opened when it is read: a model may have one for each tensor.
    case external(path: String, at: Int)
    case bytes(Data)
    case numbers([Double])
    /// Some elements and their ascending row-major positions; all others are 0.
    indirect case sparse(ONNXTensor, at: [Int])
    /// All elements alike: what layers get that a file has none for.
    case repeated(Double)
  }

  /// Element types, with the format's numbers.
  enum Element: Int32 {
    case float32 = 1
    case uint8 = 2
    case int8 = 3
    case uint16 = 4
    case int16 = 5
    case int32 = 6
    case int64 = 7
    case bool = 9
    case float16 = 10
    case float64 = 11
    case uint32 = 12
    case bfloat16 = 16

    var size: Int {
      switch self {
      case .uint8, .int8, .bool: 1
      case .uint16, .int16, .float16, .bfloat16: 2
      case .float32, .int32, .uint32: 4
      case .float64, .int64: 8
      }
    }

    var isInteger: Bool {
      switch self {
      case .float32, .float64, .float16, .bfloat16: false
      default: true
      }
    }
  }

  /// Name of the value, for messages.
  var name: String
  /// The sizes, whose product is no overflow.
  package var dimensions: [Int]
  var element: Element
  var storage: Storage

  /// Number of elements; the product was checked.
  var count: Int { dimensions.reduce(1, *) }

  /// Number of elements that the file holds, which has none for a constant that is mostly 0, or all alike.
  var stored: Int {
    switch storage {
    case .file, .external, .bytes, .numbers: count
    case .sparse, .repeated: 0
    }
  }

  /// The most elements of a constant that is computed with: sizes, axes and masks, not weights.
  static let mostNumbers = 1 << 21

  /// Whether all elements are the same number.
  func isFilled(with number: Double) throws -> Bool { try numbers()?.allSatisfy { $0 == number } ?? false }

  /// Creates a constant of given numbers.
  init(_ name: String, dimensions: [Int], numbers: [Double], isInteger: Bool) {
    (self.name, self.dimensions, element, storage) = (name, dimensions, isInteger ? .int64 : .float32, .numbers(numbers))
  }

  /// Creates a vector of equal numbers, which takes the place of one: a short file may ask for thousands of them.
  init(_ name: String, repeating number: Double, count: Int) {
    (self.name, dimensions, element, storage) = (name, [count], .float32, .repeated(number))
  }

  /// Reads a tensor from a file of its own, as ONNX's test suite keeps inputs and outputs.
  ///
  /// - Throws: ``InterchangeError``, and `FileError` for a file that cannot be read.
  package init(contentsOf path: String) throws {
    do {
      guard let proto = try? ONNXTensorProto(serializedBytes: RegularFile.read(path, limit: 1 << 28)) else {
        throw FileProblem("it is no tensor of ONNX")
      }
      try self.init(proto, name: proto.name, raw: nil, folder: "")
    } catch let problem as FileProblem { throw InterchangeError.reading(path: path, problem: problem.text) }
  }

  /// Whether its elements are floating-point numbers, as all values of networks are.
  package var isReal: Bool { !element.isInteger }

  /// Takes over a stored constant.
  ///
  /// - Parameters:
  ///   - raw: where its bytes lie, if they were left in the file.
  ///   - folder: the model's folder, beneath which other files may be named.
  init(_ proto: ONNXTensorProto, name: String, raw: (file: RegularFile, range: Range<Int>)?, folder: String) throws {
    self.name = name
    func problem(_ text: String) -> FileProblem { FileProblem("constant \(name.quoted): \(text)") }
    dimensions = try Self.dimensions(proto.dims, problem)
    let count = dimensions.reduce(1, *)
    guard let element = Element(rawValue: proto.dataType) else {
      throw problem("its elements have type \(proto.dataType) of ONNX, which is not understood; use float32")
    }
    self.element = element
    let needed = count * element.size
    func check(_ bytes: Int) throws {
      guard bytes == needed else { throw problem("\(count) elements of \(element) need \(needed) bytes, and there are \(bytes)") }
    }
    if proto.dataLocation == 1 {
      let (path, range) = try Self.external(proto, folder, problem)
      try check(range.count)
      storage = .external(path: path, at: range.lowerBound)
    } else if let raw {
      try check(raw.range.count)
      storage = .file(raw.file, at: raw.range.lowerBound)
    } else if !proto.rawData.isEmpty {
      try check(proto.rawData.count)
      storage = .bytes(proto.rawData)
    } else {
      let numbers: [Double]
      switch element {
      case .float32: numbers = proto.floatData.map(Double.init)
      case .float64: numbers = proto.doubleData
      case .int64: numbers = proto.int64Data.map(Double.init)
      case .uint32: numbers = proto.uint64Data.map(Double.init)
      case .float16: numbers = proto.int32Data.map { Double(TensorArchive.float32(half: UInt16(truncatingIfNeeded: $0))) }
      case .bfloat16: numbers = proto.int32Data.map { Double(Float(bitPattern: UInt32(truncatingIfNeeded: $0) << 16)) }
      default: numbers = proto.int32Data.map(Double.init)
      }
      guard numbers.count == count else { throw problem("\(count) elements are needed, and there are \(numbers.count)") }
      storage = .numbers(numbers)
    }
  }

  /// Checks a shape; its product is at most 2³⁶.
  private static func dimensions(_ dims: [Int64], _ problem: (String) -> FileProblem) throws -> [Int] {
    guard dims.count <= 8 else { throw problem("it has \(dims.count) dimensions, and at most 8 are possible") }
    var count = 1
    for size in dims {
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(clamping: size))
      guard (0...Int64(Int32.max)).contains(size), !overflow, product <= 1 << 36 else {
        throw problem("its shape [\(dims.map(String.init).joined(separator: ", "))] is impossible")
      }
      count = product
    }
    return dims.map { Int($0) }
  }

  /// Takes over a constant that is mostly 0.
  init(_ proto: ONNXSparseTensorProto) throws {
    let name = proto.values.name
    func problem(_ text: String) -> FileProblem { FileProblem("sparse constant \(name.quoted): \(text)") }
    guard proto.values.dataLocation == 0, proto.indices.dataLocation == 0 else { throw problem("its elements lie in another file") }
    let dimensions = try Self.dimensions(proto.dims, problem)
    let values = try ONNXTensor(proto.values, name: name, raw: nil, folder: "")
    let indices = try ONNXTensor(proto.indices, name: name, raw: nil, folder: "")
    let isLinear = indices.dimensions == [values.count]
    guard values.dimensions.count == 1, indices.element == .int64, isLinear || indices.dimensions == [values.count, dimensions.count] else {
      throw problem("\(values.count) elements need as many positions of int64, and they have shape \(indices.dimensions)")
    }
    let numbers = try indices.allNumbers()
    var places: [Int] = []
    places.reserveCapacity(values.count)
    let count = dimensions.reduce(1, *)
    for i in 0..<values.count {
      let coordinates = isLinear ? [numbers[i]] : Array(numbers[(i * dimensions.count)..<((i + 1) * dimensions.count)])
      let sizes = isLinear ? [count] : dimensions
      var place = 0
      for (coordinate, size) in zip(coordinates, sizes) {
        guard coordinate >= 0, coordinate < Double(size) else { throw problem("position \(i + 1) lies outside of it") }
        place = place * size + Int(coordinate)
      }
      guard place > places.last ?? -1 else { throw problem("its positions do not ascend") }
      places.append(place)
    }
    (self.name, self.dimensions, element, storage) = (name, dimensions, values.element, .sparse(values, at: places))
  }

  /// Returns where the elements lie beside the model, in a file below its folder and nowhere else.
  private static func external(
    _ proto: ONNXTensorProto, _ folder: String, _ problem: (String) -> FileProblem
  ) throws -> (path: String, range: Range<Int>) {
    let entries = Dictionary(proto.externalData.map { ($0.key, $0.value) }, uniquingKeysWith: { _, last in last })
    let location = entries["location"] ?? ""
    let outside = problem("its elements lie outside of the model's folder, in \(location.quoted)")
    guard !location.isEmpty, !location.hasPrefix("/"), !location.contains("\0"), !location.split(separator: "/").contains("..") else {
      throw outside
    }
    guard let root = canonical(folder.isEmpty ? "." : folder), let path = canonical("\(folder.isEmpty ? "." : folder)/\(location)") else {
      throw problem("there is no file \(location.quoted) beside the model")
    }
    guard path.hasPrefix(root == "/" ? "/" : root + "/") else { throw outside }
    let size: Int
    do { size = try RegularFile(path, followsLinks: false).size } catch {
      throw problem("\(location.quoted) beside the model: \(error.problem)")
    }
    func number(_ key: String) throws -> Int? {
      guard let text = entries[key] else { return nil }
      guard let value = Int(text), value >= 0 else { throw problem("its \(key) \(text.quoted) is impossible") }
      return value
    }
    let offset = try number("offset") ?? 0
    guard offset <= size else { throw problem("\(location.quoted) has \(size) bytes, and it would begin at \(offset)") }
    let length = try number("length") ?? (size - offset)
    guard length <= size - offset else {
      throw problem("\(location.quoted) has \(size) bytes, and it would be \(length) from \(offset) on")
    }
    return (path, offset..<(offset + length))
  }

  private static func canonical(_ path: String) -> String? {
    guard let pointer = realpath(path, nil) else { return nil }
    defer { free(pointer) }
    return String(cString: pointer)
  }
}
