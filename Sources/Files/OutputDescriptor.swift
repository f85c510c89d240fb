internal import Foundation

/// A file descriptor that is open for writing; it is closed with the object.
final class OutputDescriptor {
  /// The path that messages name.
  var path: String
  let number: Int32

  /// - Parameter number: the result of the system's `open`.
  /// - Throws: ``FileError`` if that was a failure.
  init(_ number: Int32, path: String) throws(FileError) {
    guard number >= 0 else { throw FileError(.write, path, code: errno) }
    (self.number, self.path) = (number, path)
  }

  deinit { close(number) }

  func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest)
      let count = Foundation.write(number, piece.baseAddress, piece.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(.write, path, code: errno)
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Copies the owner, group and permissions of another file, as far as the system allows.
  func take(over status: stat) {
    var mode = status.st_mode & 0o777
    // One at a time: only the superuser can change the owner, but the owner can choose among their groups.
    _ = fchown(number, status.st_uid, .max)
    if fchown(number, .max, status.st_gid) != 0 {
      // Another group must not get the old group's permissions, beyond those that everybody had.
      mode = mode & 0o707 | (mode & 0o007) << 3 & mode
    }
    _ = fchmod(number, mode)
  }

  /// Gives the file its final name once its bytes are on the disk.
  func rename(_ temporary: String, to destination: String) throws(FileError) {
    guard fsync(number) == 0, Foundation.rename(temporary, destination) == 0 else { throw FileError(.write, path, code: errno) }
    let folder = open(destination.folder.isEmpty ? "." : destination.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      // The new name is durable only once the folder is flushed; not every file system can promise it.
      fsync(folder)
      close(folder)
    }
  }
}
