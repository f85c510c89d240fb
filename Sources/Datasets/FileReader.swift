internal import Foundation

/// A file's bytes in order.
final class FileReader {
  let path: String
  private let file: UnsafeMutablePointer<FILE>

  /// - Throws: ``DatasetError/badFile(path:problem:)`` if the file can't be opened.
  init(path: String) throws {
    guard let file = fopen(path, "rb") else {
      throw DatasetError.badFile(path: path, problem: "can't be opened: \(String(cString: strerror(errno)))")
    }
    self.path = path
    self.file = file
  }

  deinit { fclose(file) }

  /// The file's size in bytes, as the file system gives it.
  static func size(of path: String) throws -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw DatasetError.badFile(path: path, problem: "can't be read: \(String(cString: strerror(errno)))")
    }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      throw DatasetError.badFile(path: path, problem: "can't be read: \(String(cString: strerror(EISDIR)))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw DatasetError.badFile(path: path, problem: "is not a file") }
    return Int(status.st_size)
  }

  /// Continues reading at this byte.
  func seek(to offset: Int) throws {
    guard fseeko(file, off_t(offset), SEEK_SET) == 0 else {
      throw DatasetError.badFile(path: path, problem: "has no byte \(offset)")
    }
  }

  /// Fills `buffer`, less only at the file's end; gives the number of bytes.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    let count = fread(start, 1, buffer.count, file)
    if count < buffer.count, ferror(file) != 0 {
      throw DatasetError.badFile(path: path, problem: "can't be read: \(String(cString: strerror(errno)))")
    }
    return count
  }
}
