internal import Foundation

/// A file that grows until it is whole and gets its lasting name, on from what an earlier run left of it.
public final class GrowingFile {
  /// Where it lies meanwhile.
  public let path: String
  private let file: OutputDescriptor
  /// Bytes that are there.
  public private(set) var count: Int

  /// Makes the file, and its folder where needed; what the file holds stays. One process at a time may write it.
  ///
  /// - Throws: ``FileError`` if the file or the folder can't be made, or is none.
  public init(appendingTo path: String) throws(FileError) {
    self.path = path
    if !path.folder.isEmpty { try Folder.make(path.folder) }
    file = try OutputDescriptor(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o666), path: path)
    var status = stat()
    guard fstat(file.number, &status) == 0, status.kind == S_IFREG else { throw FileError(.write, path, "it is not a file") }
    count = Int(lseek(file.number, 0, SEEK_END))
    guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else { throw FileError(.write, path, "another process is writing it") }
  }

  /// Appends.
  ///
  /// - Throws: ``FileError``, e.g. on a full disk.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try file.write(bytes)
    count += bytes.count
  }

  /// Forgets all that was written.
  ///
  /// - Throws: ``FileError``.
  public func restart() throws(FileError) {
    guard ftruncate(file.number, 0) == 0, lseek(file.number, 0, SEEK_SET) == 0 else { throw FileError(.write, path, code: errno) }
    count = 0
  }

  /// Removes the file, unless it has its lasting name.
  public func discard() {
    if FileIdentity(path) == FileIdentity(descriptor: file.number) { unlink(path) }
  }

  /// Gives the file its lasting name, once its bytes are on the disk; replaces what had that name, whose permissions it takes over.
  ///
  /// - Throws: ``FileError``.
  public func moved(to target: String) throws(FileError) {
    var status = stat()
    if stat(target, &status) == 0 { file.take(over: status) }
    file.path = target
    try file.rename(path, to: target)
  }
}
