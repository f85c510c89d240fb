internal import Foundation

/// An exclusive claim of a study to its folder, held from before anything in the folder is read until the study ends: two studies in one
/// folder would mix their results.
///
/// The claim is a lock on the file `.espalier-lock`, which the kernel releases with the process however it ends; the file names the owner
/// and is removed at the end. Child processes that inherit ``descriptor`` as one of their streams share the claim. On file systems
/// without locks, such as some network drives, nothing is held, and the user must take care not to start two studies in one folder.
public final class FolderClaim {
  /// The locked file's descriptor, to be inherited by worker processes.
  public let descriptor: Int32
  private let path: String

  /// Claims a folder, creating it if it does not exist.
  ///
  /// Waits up to `patience` seconds for the last worker processes of a killed study, which end once they notice that they are orphaned.
  /// - Throws: ``FolderInUse`` if another study holds the folder, ``FileError`` if the folder or the lock cannot be created.
  public init(_ folder: String, patience: Double = 10) throws {
    path = folder + "/.espalier-lock"
    try Folder.make(folder)
    let end = Date() + patience
    while true {
      let descriptor = try Self.open(path)
      if try Self.lock(descriptor, path) {
        // The previous owner may have removed the file meanwhile, and others would not find this one any more.
        if FileIdentity(descriptor: descriptor) == FileIdentity(path) {
          self.descriptor = descriptor
          break
        }
        close(descriptor)
        continue
      }
      let owner = Self.owner(descriptor)
      close(descriptor)
      guard let owner, !Self.isAlive(owner), Date() < end else { throw FolderInUse(folder: folder, process: owner) }
      usleep(50_000)
    }
    let words = "\(Self.heading)\(getpid())\n"
    ftruncate(descriptor, 0)
    _ = words.withCString { pwrite(descriptor, $0, strlen($0), 0) }
  }

  deinit {
    // Remove the name first, while the lock is held: a process that opened the file before finds that it is gone, and tries again.
    OwnFile.remove(path, identity: FileIdentity(descriptor: descriptor)) { _ in true }
    close(descriptor)
  }

  private static let heading = "espalier "

  /// Opens the lock file, creating it if necessary; a file that is not a lock of ours is left as it is.
  private static func open(_ path: String) throws -> Int32 {
    let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else { throw FileError(.write, path, code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.kind == S_IFREG, status.st_size == 0 || content(descriptor) != nil else {
      close(descriptor)
      throw FileError(.write, path, "it already exists and is not a study's lock")
    }
    return descriptor
  }

  /// Whether the lock is ours now; true also where the file system has no locks.
  private static func lock(_ descriptor: Int32, _ path: String) throws -> Bool {
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK: return false
      case EOPNOTSUPP, ENOTSUP, ENOSYS, ENOLCK, EINVAL: return true
      default:
        let code = errno
        close(descriptor)
        throw FileError(.write, path, code: code)
      }
    }
    return true
  }

  /// What follows the heading; nil for a file that is not ours.
  private static func content(_ descriptor: Int32) -> Substring? {
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    return count < bytes.count && text.hasPrefix(heading) ? text.dropFirst(heading.count) : nil
  }

  private static func owner(_ descriptor: Int32) -> Int32? {
    content(descriptor).flatMap { Int32($0.prefix { $0.isNumber }) }.flatMap { $0 > 0 ? $0 : nil }
  }

  private static func isAlive(_ process: Int32) -> Bool { kill(process, 0) == 0 || errno != ESRCH }
}

/// The error of a folder that another study holds.
public struct FolderInUse: Error, CustomStringConvertible, Equatable {
  /// The path of the folder.
  public let folder: String
  /// Id of the process that holds the folder; nil if unknown.
  public let process: Int32?

  /// Creates the error for a folder held by the given process.
  public init(folder: String, process: Int32?) {
    self.folder = folder
    self.process = process
  }

  /// The message in one line, naming the process if known.
  public var description: String {
    "\(folder) is in use by \(process.map { "process \($0)" } ?? "another process"): wait until that has ended, or give another folder"
  }
}
