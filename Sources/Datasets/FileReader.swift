internal import Files
internal import Interruptions

/// Sequential reading of a file.
final class FileReader {
  let path: String
  private let file: RegularFile
  private var position = 0

  /// - Throws: ``DatasetError/badFile(path:problem:)`` if the file does not exist or cannot be opened.
  init(path: String) throws {
    self.path = path
    file = try DatasetError.naming { try RegularFile(path) }
  }

  /// The file's size in bytes according to the file system.
  static func size(of path: String) throws -> Int { try FileReader(path: path).file.size }

  /// Continues reading at the given byte.
  func seek(to offset: Int) { position = offset }

  /// Reads bytes into `buffer` and returns their number, which is less than the buffer's only at the end of the file.
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
