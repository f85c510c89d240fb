/// A file of unsigned bytes in IDX, the format of MNIST and its successors: the bytes 0, 0, type and rank, then big-endian 32-bit sizes,
/// then the elements in row-major order.
struct IDX {
  let path: String
  /// The sizes according to the header.
  let dimensions: [Int]
  private let reader: InflatingReader

  /// Reads the header only, so that its sizes can be checked before anything is allocated for them.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if the file is not an IDX file of bytes with that rank, or ends within its header.
  init(path: String, rank: Int) throws {
    self.path = path
    let reader = try InflatingReader(path: path)
    self.reader = reader
    var header = [UInt8](repeating: 0, count: 4 + 4 * rank)
    let count = try header.withUnsafeMutableBytes { try reader.read(into: $0) }
    let expected: [UInt8] = [0, 0, 8, UInt8(rank)]
    guard count >= 4 else { throw DatasetError.badFile(path: path, problem: "is too short for an IDX file: \(count) bytes") }
    guard Array(header[..<4]) == expected else {
      throw DatasetError.badFile(
        path: path,
        problem: "is not an IDX file of \(rank == 1 ? "labels" : "images"): it begins \(Self.spelled(header[..<4])), "
          + "not \(Self.spelled(expected[...]))")
    }
    guard count == header.count else { throw DatasetError.badFile(path: path, problem: "ends within its header; the file is cut short") }
    dimensions = (0..<rank).map { i in header[(4 + 4 * i)..<(8 + 4 * i)].reduce(0) { $0 << 8 | Int($1) } }
  }

  private static func spelled(_ bytes: ArraySlice<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
  }

  /// Reads the elements.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if there are fewer or more than the header says.
  func elements() throws -> ByteStorage {
    var size = 1
    var overflow = false
    for dimension in dimensions {
      let (product, wraps) = size.multipliedReportingOverflow(by: dimension)
      size = product
      overflow = overflow || wraps
    }
    // deflate expands a byte to at most 1032.
    let stored = try FileReader.size(of: path)
    let (most, unlimited) = stored.multipliedReportingOverflow(by: reader.isCompressed ? 1032 : 1)
    guard !overflow, unlimited || size <= most else {
      let sizes = dimensions.map(String.init).joined(separator: "×")
      throw DatasetError.badFile(path: path, problem: "says that it holds \(sizes) bytes, more than a file of \(stored) bytes can")
    }
    return try ByteStorage(count: size, path: path) { buffer in
      let count = try reader.read(into: UnsafeMutableRawBufferPointer(buffer))
      guard count == size else {
        throw DatasetError.badFile(path: path, problem: "ends after \(count) of the \(size) bytes that its header promises")
      }
      var next: UInt8 = 0
      guard try withUnsafeMutableBytes(of: &next, { try reader.read(into: $0) }) == 0 else {
        throw DatasetError.badFile(path: path, problem: "goes on after the \(size) bytes that its header promises")
      }
    }
  }
}
