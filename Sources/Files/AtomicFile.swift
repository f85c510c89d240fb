public import Foundation
internal import Interruptions

/// A file that appears under its name only when it is complete and on the disk.
///
/// A file that is replaced passes on its permissions, and its owner and group where the system allows it; they already hold for the
/// temporary file while it is being written. A write-protected file is not replaced. A new file gets the process's default permissions. A
/// symbolic link stays a link: its target is replaced or created. Whatever is not a regular file (a terminal, a pipe, standard output
/// under any name) is written to directly.
public final class AtomicFile {
  private let destination: String
  /// Path of the temporary file; nil where the destination itself is written to.
  private let temporary: String?
  private let file: OutputDescriptor
  private var isCommitted = false

  /// Writes a whole file.
  ///
  /// - Parameter other: a file whose permissions a new file gets, if it exists, so that what is private in one file stays private in the
  ///   other.
  /// - Throws: ``FileError``; the attempt then leaves nothing behind.
  public static func write(_ data: Data, to path: String, asPrivateAs other: String? = nil) throws(FileError) {
    let file = try AtomicFile(path, asPrivateAs: other)
    try FileError.naming(.write, path) { try data.withUnsafeBytes { try file.write($0) } }
    try file.commit()
  }

  /// Begins a file; without ``commit()`` nothing is left of it.
  ///
  /// - Parameter other: a file whose permissions a new file gets, if it exists.
  /// - Throws: ``FileError``, e.g. `cannot write model.safetensors: Permission denied`.
  public init(_ path: String, asPrivateAs other: String? = nil) throws(FileError) {
    var status = stat()
    let exists = stat(path, &status) == 0
    // Otherwise a name that is too long, for example, would be found only by the last step, which gives the file its name.
    guard exists || errno == ENOENT else { throw FileError(.write, path, code: errno) }
    if exists, let stream = try Self.stream(path, status) {
      (destination, temporary, file) = (path, nil, stream)
      return
    }
    // Even for the superuser, who could write: the protection says that somebody wants to keep the content.
    if exists, status.st_mode & 0o222 == 0 { throw FileError(.write, path, "it is write-protected") }
    destination = try path.followingLinks()
    Self.removeRemains(of: destination)
    let inherits = exists || other.map { stat($0, &status) == 0 && status.kind == S_IFREG } ?? false
    (temporary, file) = try Self.begin(destination, path: path, mode: inherits ? 0o600 : 0o666)
    if inherits { file.take(over: status) }
    Interruption.holdOff()
  }

  deinit {
    guard let temporary else { return }
    if !isCommitted { unlink(temporary) }
    Interruption.letGo()
  }

  /// Whether bytes go out as they are written: to something that is not a regular file, or to the file behind standard output or error.
  public var isStream: Bool { temporary == nil }

  /// Whether something at the path is not a regular file and would be written to directly: a pipe, a terminal, a socket.
  public static func isStream(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && ![S_IFREG, S_IFDIR].contains(status.kind)
  }

  /// Appends bytes.
  ///
  /// - Throws: ``FileError``, e.g. on a full disk.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) { try file.write(bytes) }

  /// Gives the file its name, replacing any file that had it.
  ///
  /// - Throws: ``FileError``; the earlier file is then untouched.
  public func commit() throws(FileError) {
    if let temporary { try file.rename(temporary, to: destination) }
    isCommitted = true
  }

  /// Opens a path that is not a regular file for writing; nil for a regular file.
  private static func stream(_ path: String, _ status: stat) throws(FileError) -> OutputDescriptor? {
    if status.kind == S_IFDIR { throw FileError(.write, path, "it is a folder") }
    // Even if that is a file: replacing it would detach it from whatever else is printed there.
    for descriptor in [STDOUT_FILENO, STDERR_FILENO] where FileIdentity(descriptor: descriptor) == FileIdentity(status) {
      return try OutputDescriptor(fcntl(descriptor, F_DUPFD_CLOEXEC, 0), path: path)
    }
    switch status.kind {
    case S_IFREG: return nil
    case S_IFIFO, S_IFCHR:
      // Non-blocking, or opening a pipe would wait for a reader.
      let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
      if descriptor < 0, errno == ENXIO, status.kind == S_IFIFO { throw FileError(.write, path, "it is a pipe, and nobody reads it") }
      let stream = try OutputDescriptor(descriptor, path: path)
      _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
      return stream
    default: throw FileError(.write, path, "it is neither a file nor a stream")
    }
  }

  /// Creates a temporary file beside the destination and locks it, which tells other processes that it is being written; a kill unlocks
  /// it.
  private static func begin(_ destination: String, path: String, mode: mode_t) throws(FileError) -> (String, OutputDescriptor) {
    while true {
      let name = temporaryPath(for: destination)
      let file = try OutputDescriptor(open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode), path: path)
      beforeLock?(name)
      // Another process may hold the lock, having taken the file for a remnant that it is about to remove.
      while flock(file.number, LOCK_EX) != 0, errno == EINTR {}
      if FileIdentity(name) == FileIdentity(descriptor: file.number) { return (name, file) }
    }
  }

  /// Called between creating a temporary file and locking it; for tests.
  @TaskLocal static var beforeLock: (@Sendable (String) -> Void)?

  // A file written before this moment was written by another process.
  private static let began = {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return (now.tv_sec, now.tv_nsec)
  }()

  /// Returns a new path beside the destination: `.espalier-NAME-RANDOM.partial`.
  static func temporaryPath(for destination: String) -> String {
    destination.folder + stem(of: destination) + String(UInt64.random(in: 0 ... .max), radix: 16) + ending
  }

  /// Removes the temporary files that killed processes have left beside this file.
  ///
  /// Files that this or another living process is writing stay: only unlocked files from before this process's first write are removed.
  static func removeRemains(of destination: String) {
    let (folder, stem, began) = (destination.folder, stem(of: destination), began)
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? [] {
      // The stem of another file may begin with this one's, but then what follows is not hexadecimal.
      guard name.hasPrefix(stem), name.hasSuffix(ending), name.dropFirst(stem.count).dropLast(ending.count).allSatisfy(\.isHexDigit)
      else { continue }
      let remains = open(folder + name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard remains >= 0 else { continue }
      defer { close(remains) }
      var status = stat()
      guard fstat(remains, &status) == 0, status.kind == S_IFREG, status.modified < began else { continue }
      if flock(remains, LOCK_EX | LOCK_NB) == 0 { unlink(folder + name) }
    }
  }

  private static let ending = ".partial"

  private static func stem(of path: String) -> String {
    // A name may have 255 bytes; 50 code points take at most 200.
    ".espalier-" + String(String.UnicodeScalarView(path.lastName.unicodeScalars.suffix(50))) + "-"
  }
}
