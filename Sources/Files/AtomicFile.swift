public import Foundation
internal import Interruptions

/// A file that takes its place only when it is complete and on the disk.
///
/// A file that is replaced hands its permissions on, and its owner and group where the system allows it: what only some could read stays
/// so, while it is written too. What nobody may write is not replaced. A new file has those that the process gives to new files. A link stays a link: what it leads to is
/// replaced or made. What is no file (a terminal, a pipe, standard output under any name) is written to as the bytes come.
public final class AtomicFile {
  private let destination: String
  /// nil where the destination itself is written to.
  private let temporary: String?
  private let file: OutputDescriptor
  private var isCommitted = false

  /// Writes a whole file.
  ///
  /// - Parameter other: the file whose permissions a new one gets, if it is there: what is private in one file stays so in another.
  /// - Throws: ``FileError``; nothing is left of the attempt then.
  public static func write(_ data: Data, to path: String, asPrivateAs other: String? = nil) throws(FileError) {
    let file = try AtomicFile(path, asPrivateAs: other)
    try FileError.naming(.write, path) { try data.withUnsafeBytes { try file.write($0) } }
    try file.commit()
  }

  /// Begins a file; without ``commit()`` nothing is left of it.
  ///
  /// - Parameter other: the file whose permissions a new one gets, if it is there.
  /// - Throws: ``FileError``, e.g. `cannot write model.safetensors: Permission denied`.
  public init(_ path: String, asPrivateAs other: String? = nil) throws(FileError) {
    var status = stat()
    let exists = stat(path, &status) == 0
    // A name that is too long, say, would be told only by the last step, which gives the file its name.
    guard exists || errno == ENOENT else { throw FileError(.write, path, code: errno) }
    if exists, let stream = try Self.stream(path, status) {
      (destination, temporary, file) = (path, nil, stream)
      return
    }
    // Also for whoever may do anything: it says that somebody wants to keep what is in it.
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

  /// Whether bytes go out as they come, to what is no file or to where standard output or error goes anyway.
  public var isStream: Bool { temporary == nil }

  /// Whether something lies at a path that is no file, and would be written to as the bytes come: a pipe, a terminal, a socket.
  public static func isStream(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && ![S_IFREG, S_IFDIR].contains(status.kind)
  }

  /// Appends.
  ///
  /// - Throws: ``FileError``, e.g. on a full disk.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) { try file.write(bytes) }

  /// Gives the file its name, in the place of what had it.
  ///
  /// - Throws: ``FileError``; what had the name still has it then.
  public func commit() throws(FileError) {
    if let temporary { try file.rename(temporary, to: destination) }
    isCommitted = true
  }

  /// What is no file, opened for writing; nil for a file.
  private static func stream(_ path: String, _ status: stat) throws(FileError) -> OutputDescriptor? {
    if status.kind == S_IFDIR { throw FileError(.write, path, "it is a folder") }
    // Also a file: to replace it would take it from under what else is printed there.
    for descriptor in [STDOUT_FILENO, STDERR_FILENO] where FileIdentity(descriptor: descriptor) == FileIdentity(status) {
      return try OutputDescriptor(fcntl(descriptor, F_DUPFD_CLOEXEC, 0), path: path)
    }
    switch status.kind {
    case S_IFREG: return nil
    case S_IFIFO, S_IFCHR:
      // Non-blocking, or a pipe would hold us until somebody reads from it.
      let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
      if descriptor < 0, errno == ENXIO, status.kind == S_IFIFO { throw FileError(.write, path, "it is a pipe, and nobody reads it") }
      let stream = try OutputDescriptor(descriptor, path: path)
      _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
      return stream
    default: throw FileError(.write, path, "it is neither a file nor a stream")
    }
  }

  /// Makes a temporary file beside the destination and locks it, which tells others that it is being written; a kill unlocks it.
  private static func begin(_ destination: String, path: String, mode: mode_t) throws(FileError) -> (String, OutputDescriptor) {
    while true {
      let name = temporaryPath(for: destination)
      let file = try OutputDescriptor(open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode), path: path)
      beforeLock?(name)
      // Another process may hold the lock: it takes the file for remains and is about to remove it.
      while flock(file.number, LOCK_EX) != 0, errno == EINTR {}
      if FileIdentity(name) == FileIdentity(descriptor: file.number) { return (name, file) }
    }
  }

  /// Called between the making of a temporary file and its locking; for tests.
  @TaskLocal static var beforeLock: (@Sendable (String) -> Void)?

  // What was written earlier was written by another process.
  private static let began = {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return (now.tv_sec, now.tv_nsec)
  }()

  /// A new name beside the destination: `.espalier-NAME-RANDOM.partial`.
  static func temporaryPath(for destination: String) -> String {
    destination.folder + stem(of: destination) + String(UInt64.random(in: 0 ... .max), radix: 16) + ending
  }

  /// Removes what processes that were killed while they wrote this file have left beside it.
  ///
  /// What this process or a living one is writing stays: only unlocked files from before its first write go.
  static func removeRemains(of destination: String) {
    let (folder, stem, began) = (destination.folder, stem(of: destination), began)
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? [] {
      // Another file's stem may begin with this one's; what follows it is not hexadecimal then.
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
    // A name may have 255 bytes; 50 code points are at most 200.
    ".espalier-" + String(String.UnicodeScalarView(path.lastName.unicodeScalars.suffix(50))) + "-"
  }
}
