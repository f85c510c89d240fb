internal import Foundation

/// A file that is appended to, such as a download that gets its final name when it is complete.
public final class GrowingFile {
  /// Path of the incomplete file.
  public let path: String
  private let file: OutputDescriptor
  /// Number of bytes written so far, by this and earlier runs.
  public private(set) var count: Int

  /// Opens the file for appending, creating it and its folder if necessary and keeping its content. Only one process at a time may hold
  /// it.
  ///
  /// - Throws: ``FileError`` if the file or folder cannot be created, is not a file or folder, or another process is writing it.
  public init(appendingTo path: String) throws(FileError) {
    self.path = path
    if !path.folder.isEmpty { try Folder.make(path.folder) }
    file = try OutputDescriptor(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o666), path: path)
    var status = stat()
    guard fstat(file.number, &status) == 0, status.kind == S_IFREG else { throw FileError(.write, path, "it is not a file") }
    count = Int(lseek(file.number, 0, SEEK_END))
    guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else { throw FileError(.write, path, "another process is writing it") }
  }

  /// Appends bytes.
  ///
  /// - Throws: ``FileError``, e.g. on a full disk.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try file.write(bytes)
    count += bytes.count
  }

  /// Waits until all bytes are on the disk, so that they outlast a crash of the machine.
  ///
  /// - Throws: ``FileError``.
  public func synchronize() throws(FileError) {
    guard fsync(file.number) == 0 else { throw FileError(.write, path, code: errno) }
  }

  /// Empties the file, to begin again.
  ///
  /// - Throws: ``FileError``.
  public func restart() throws(FileError) {
    guard ftruncate(file.number, 0) == 0, lseek(file.number, 0, SEEK_SET) == 0 else { throw FileError(.write, path, code: errno) }
    count = 0
  }

  /// Removes the file, unless it already has its final name.
  public func discard() {
    if FileIdentity(path) == FileIdentity(descriptor: file.number) { unlink(path) }
  }

  /// Gives the file its final name once its bytes are on the disk; a file that had the name is replaced and passes on its permissions.
  ///
  /// - Throws: ``FileError``.
  public func moved(to target: String) throws(FileError) {
    var status = stat()
    if stat(target, &status) == 0 { file.take(over: status) }
    file.path = target
    try file.rename(path, to: target)
  }
}
