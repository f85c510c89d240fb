public import Foundation

/// A file that is read: never a folder, a device or a pipe, which could block for ever or never end.
public final class RegularFile {
  /// The path as it was given.
  public let path: String
  /// Bytes of the file when it was opened.
  public let size: Int
  /// Which file it is.
  public let identity: FileIdentity
  private let descriptor: Int32

  /// Opens it.
  ///
  /// - Parameter followsLinks: whether a symbolic link as the last part of the path is followed, or refused.
  /// - Throws: ``FileError``, e.g. `cannot read pipe: it is not a file`.
  public init(_ path: String, followsLinks: Bool = true) throws(FileError) {
    self.path = path
    // Non-blocking, or a named pipe would hold us until somebody writes to it.
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

  /// Fills the buffer with the bytes from `position`, less only at the file's end; gives their number.
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

  /// Fills the whole buffer.
  ///
  /// - Throws: ``FileError``, also where the file has been cut since it was opened.
  public func fill(_ buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError) {
    guard try read(into: buffer, at: position) == buffer.count else { throw FileError(.read, path, "the file ends early") }
  }

  /// All bytes of a file that has no more than `limit`; memory is asked for only then.
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

  /// ``read(_:limit:)`` as text.
  ///
  /// - Throws: ``FileError``, also for what is not UTF-8.
  public static func text(_ path: String, limit: Int) throws(FileError) -> String {
    guard let text = String(data: try read(path, limit: limit), encoding: .utf8) else { throw FileError(.read, path, "it is not text") }
    return text
  }
}
