public import Foundation

/// A file that takes its place only when it is complete and on the disk.
///
/// A file that is replaced hands its permissions on, and its owner and group where the system allows it: what only some could read stays
/// so, while it is written too. A new file has those that the process gives to new files.
public final class AtomicFile {
  private let destination: String
  /// nil where the destination itself is written to.
  private let temporary: String?
  private let descriptor: Int32

  /// Writes a whole file.
  ///
  /// - Parameter other: the file whose permissions a new one gets, if it is there: what is private in one file stays so in another.
  /// - Throws: ``TensorArchiveError/writing(path:problem:)``; nothing is left of the attempt then.
  public static func write(_ data: Data, to path: String, asPrivateAs other: String? = nil) throws(TensorArchiveError) {
    do {
      let file = try AtomicFile(path, asPrivateAs: other)
      do {
        try data.withUnsafeBytes { bytes in try file.write(bytes) }
        try file.commit()
      } catch {
        file.abandon()
        throw error
      }
    } catch {
      throw .writing(path: path, problem: (error as? ArchiveProblem)?.text ?? String(describing: error))
    }
  }

  init(_ path: String, asPrivateAs other: String? = nil) throws(ArchiveProblem) {
    var status = stat()
    let exists = stat(path, &status) == 0
    // A name that is too long, say, would be told only by the last step, which gives the file its name.
    guard exists || errno == ENOENT else { throw .system }
    let kind = status.st_mode & S_IFMT
    if exists, kind == S_IFDIR { throw ArchiveProblem("it is a folder") }
    if exists, kind != S_IFREG {
      // A device or pipe must not be replaced by a file.
      (destination, temporary) = (path, nil)
      descriptor = open(path, O_WRONLY | O_CLOEXEC)
    } else {
      // A link stays a link: what it points to is replaced or made, from a temporary file in that folder.
      let place = try Self.target(of: path)
      destination = place
      Self.removeRemains(of: place)
      let name = Self.temporaryPath(for: place)
      temporary = name
      let inherits = exists || other.map { stat($0, &status) == 0 && status.st_mode & S_IFMT == S_IFREG } ?? false
      descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, inherits ? 0o600 : 0o666)
      if descriptor >= 0 {
        // Held until the file is closed, also by a kill: it tells others that this one is being written.
        _ = flock(descriptor, LOCK_EX | LOCK_NB)
        if inherits { Self.hand(status, on: descriptor) }
      }
    }
    guard descriptor >= 0 else { throw .system }
  }

  /// Where a chain of symbolic links ends, whether anything is there or not.
  private static func target(of path: String) throws(ArchiveProblem) -> String {
    var place = path
    // As many as Linux follows.
    for _ in 0..<40 {
      guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: place) else { return place }
      place = link.hasPrefix("/") ? link : folder(of: place) + link
    }
    throw ArchiveProblem(String(cString: strerror(ELOOP)))
  }

  /// Gives an open file the owner, group and permissions of another one, as far as the system allows.
  package static func hand(_ status: stat, on descriptor: Int32) {
    var mode = status.st_mode & 0o777
    // Each for itself: only the administrator can give a file away, but its owner can choose among their groups.
    _ = fchown(descriptor, status.st_uid, .max)
    if fchown(descriptor, .max, status.st_gid) != 0 {
      // Another group must not get what the old one had; all others had theirs anyway.
      mode = mode & 0o707 | (mode & 0o007) << 3 & mode
    }
    _ = fchmod(descriptor, mode)
  }

  // What was written earlier was written by another process.
  private static let began = {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return (now.tv_sec, now.tv_nsec)
  }()

  /// A new name beside the destination: `.espalier-NAME-RANDOM.partial`.
  static func temporaryPath(for destination: String) -> String {
    folder(of: destination) + stem(of: destination) + String(UInt64.random(in: 0 ... .max), radix: 16) + ending
  }

  /// Removes what processes that were killed while they wrote this file have left beside it.
  ///
  /// What this process or a living one is writing stays: only unlocked files from before its first write go.
  private static func removeRemains(of destination: String) {
    let (folder, stem, began) = (folder(of: destination), stem(of: destination), began)
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? [] {
      // Another file's stem may begin with this one's; what follows it is not hexadecimal then.
      guard name.hasPrefix(stem), name.hasSuffix(ending), name.dropFirst(stem.count).dropLast(ending.count).allSatisfy(\.isHexDigit)
      else { continue }
      let remains = open(folder + name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard remains >= 0 else { continue }
      defer { close(remains) }
      var status = stat()
      guard fstat(remains, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.modified < began else { continue }
      if flock(remains, LOCK_EX | LOCK_NB) == 0 { unlink(folder + name) }
    }
  }

  private static let ending = ".partial"

  private static func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }

  private static func stem(of path: String) -> String {
    let name = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    // A name may have 255 bytes; 50 code points are at most 200.
    return ".espalier-" + String(String.UnicodeScalarView(name.unicodeScalars.suffix(50))) + "-"
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest)
      let count = Foundation.write(descriptor, piece.baseAddress, piece.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw .system
      }
      rest = rest.dropFirst(count)
    }
  }

  func commit() throws(ArchiveProblem) {
    guard let temporary else { return }
    guard fsync(descriptor) == 0, rename(temporary, destination) == 0 else { throw .system }
    let folder = destination.lastIndex(of: "/").map { String(destination[...$0]) } ?? "."
    let opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if opened >= 0 {
      // The new name is safe on the disk only with the folder; not every file system can promise it.
      fsync(opened)
      close(opened)
    }
  }

  func abandon() {
    if let temporary { unlink(temporary) }
  }

  deinit { close(descriptor) }
}

extension stat {
  /// Seconds since 1970, and nanoseconds.
  fileprivate var modified: (Int, Int) {
    #if os(Linux)
      (st_mtim.tv_sec, st_mtim.tv_nsec)
    #else
      (st_mtimespec.tv_sec, st_mtimespec.tv_nsec)
    #endif
  }
}
