internal import Foundation

/// A study's hold on its folder, from before anything in it is looked at to the study's end: two studies in one folder would mix what
/// they find.
///
/// A lock on the file `.espalier-lock`, which the kernel gives up with the process however that ends; the file says whose it is and is
/// gone when the study is. Processes that are started with ``descriptor`` as a stream of theirs hold it, too. Where the file system knows
/// no locks, as some network drives, nothing is held, and it is the user who must not start two studies in one folder.
public final class FolderClaim {
  /// What is locked, to be handed to processes that work for this one.
  public let descriptor: Int32
  private let path: String

  /// Claims a folder, which is made if it is not there.
  ///
  /// What a killed study's last processes still hold is waited for: they end as soon as they see that they are alone.
  /// - Throws: ``FolderInUse`` if another study holds it, ``FileError`` if nothing can be made there.
  public init(_ folder: String, patience: Double = 10) throws {
    path = folder + "/.espalier-lock"
    try Folder.make(folder)
    let end = Date() + patience
    while true {
      let descriptor = try Self.open(path)
      if try Self.lock(descriptor, path) {
        // Who held it may have removed the file meanwhile: then this is none that others would find.
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
    // First the name, while it is ours: whoever opened it before finds that it is gone, and looks again.
    OwnFile.remove(path, identity: FileIdentity(descriptor: descriptor)) { _ in true }
    close(descriptor)
  }

  private static let heading = "espalier "

  /// Opens the file to lock, making it if need be; what is there and none of ours stays as it is.
  private static func open(_ path: String) throws -> Int32 {
    let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else { throw FileError(.write, path, code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.kind == S_IFREG, status.st_size == 0 || content(descriptor) != nil else {
      close(descriptor)
      throw FileError(.write, path, "it is there already, and is no study's lock")
    }
    return descriptor
  }

  /// Whether the lock is ours now; also where there are none to be had.
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

  /// What stands behind the heading; nil for a file of somebody else's.
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

/// A folder that another study holds.
public struct FolderInUse: Error, CustomStringConvertible, Equatable {
  /// The folder.
  public let folder: String
  /// The process that holds it; nil if it does not say.
  public let process: Int32?

  /// A folder in the hands of this process.
  public init(folder: String, process: Int32?) {
    self.folder = folder
    self.process = process
  }

  /// One line.
  public var description: String {
    "\(folder) is in use by \(process.map { "process \($0)" } ?? "another process"): wait until that has ended, or give another folder"
  }
}
