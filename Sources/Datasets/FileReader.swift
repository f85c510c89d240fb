internal import Files
internal import Interruptions

/// A file's bytes in order.
final class FileReader {
  let path: String
  private let file: RegularFile
  private var position = 0

  /// - Throws: ``DatasetError/badFile(path:problem:)`` if there is no file that can be opened.
  init(path: String) throws {
    self.path = path
    file = try DatasetError.naming { try RegularFile(path) }
  }

  /// The file's size in bytes, as the file system gives it.
  static func size(of path: String) throws -> Int { try FileReader(path: path).file.size }

  /// Continues reading at this byte.
  func seek(to offset: Int) { position = offset }

  /// Fills `buffer`, less only at the file's end; gives the number of bytes.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    try Interruption.check()
    let count = try DatasetError.naming { try file.read(into: buffer, at: position) }
    position += count
    return count
  }
}

extension DatasetError {
  fileprivate static func naming<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as FileError {
      throw DatasetError.badFile(path: error.path, problem: "can't be read: \(error.problem)")
    }
  }
}
