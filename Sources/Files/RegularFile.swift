public import Foundation

/// A file opened for reading; never a folder, a device or a pipe, which could block forever or never end.
public final class RegularFile {
  /// The path as it was given.
  public let path: String
  /// Number of bytes when the file was opened.
  public let size: Int
  /// The identity of the open file, whatever happens to its path.
  public let identity: FileIdentity
  private let descriptor: Int32

  /// Opens a file.
  ///
  /// - Parameter followsLinks: whether a symbolic link as the last component of the path is followed or refused.
  /// - Throws: ``FileError``, e.g. `cannot read pipe: it is not a file`.
  public init(_ path: String, followsLinks: Bool = true) throws(FileError) {
    self.path = path
    // Non-blocking, or opening a named pipe would wait for a writer.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (followsLinks ? 0 : O_NOFOLLOW))
    guard descriptor >= 0 else { throw FileError(.read, path, code: errno) }
    var status = stat()
    let code = fstat(descriptor, &status) == 0 ? 0 : errno
    guard code == 0, status.kind == S_IFREG else {
      close(descriptor)
      throw code != 0
        ? FileError(.read, path, code: code) : FileError(.read, path, status.kind == S_IFDIR ? "it is a folder" : "it is not a file")
    }
    (size, identity) = (Int(status.st_size), FileIdentity(status))
  }

  deinit { close(descriptor) }

  /// Reads bytes from `position` into the buffer and returns their number, which is less than the buffer's only at the end of the file.
  ///
  /// - Throws: ``FileError``.
  public func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError) -> Int {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(descriptor, rest.baseAddress, rest.count, off_t(position + done))
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(.read, path, code: errno)
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Fills the whole buffer with the bytes from `position`.
  ///
  /// - Throws: ``FileError``, also if the file has been truncated since it was opened.
  public func fill(_ buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError) {
    guard try read(into: buffer, at: position) == buffer.count else { throw FileError(.read, path, "the file ends early") }
  }

  /// Returns the content of a file of at most `limit` bytes; the size is checked before memory is allocated.
  ///
  /// - Throws: ``FileError``, e.g. `cannot read plan.json: 21474836480 bytes are too many: at most 16777216 are possible`.
  public static func read(_ path: String, limit: Int) throws(FileError) -> Data {
    let file = try RegularFile(path)
    guard file.size <= limit else {
      throw FileError(.read, path, "\(file.size) bytes are too many: at most \(limit) are possible")
    }
    var data = Data(count: file.size)
    try FileError.naming(.read, path) { try data.withUnsafeMutableBytes { try file.fill($0, at: 0) } }
    return data
  }

  /// Returns the content of a UTF-8 text file of at most `limit` bytes.
  ///
  /// - Throws: ``FileError``, also if the content is not UTF-8.
  public static func text(_ path: String, limit: Int) throws(FileError) -> String {
    guard let text = String(data: try read(path, limit: limit), encoding: .utf8) else { throw FileError(.read, path, "it is not text") }
    return text
  }
}
