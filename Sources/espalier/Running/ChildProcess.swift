internal import Foundation

/// A process started by this one, whose output and errors are read through pipes without blocking.
///
/// It has a process group of its own: Ctrl-C at a terminal reaches only this process, which passes it on, once.
///
/// Foundation's `Process` would crash the program when no descriptors are left for a pipe.
final class ChildProcess {
  let identifier: pid_t
  private let output: Pipe
  private let errors: Pipe
  private var status: Int32?

  /// Starts a process.
  ///
  /// - Parameter input: descriptor that becomes its standard input; by default /dev/null.
  /// - Throws: ``ChildProcess/Failure`` if a system call fails.
  init(_ path: String, _ arguments: [String], input: Int32? = nil) throws {
    let (output, errors) = (try Pipe(), try Pipe())
    (self.output, self.errors) = (output, errors)
    defer {
      output.closeWriting()
      errors.closeWriting()
    }
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
      posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    } else {
      posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, output.writing, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errors.writing, STDERR_FILENO)
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
    words.append(nil)
    defer { words.forEach { free($0) } }
    var found: pid_t = 0
    let problem = posix_spawn(&found, path, &actions, &attributes, words, environ)
    identifier = found
    if problem != 0 { throw Failure(number: problem) }
  }

  /// Whether the process is still running.
  var isRunning: Bool {
    guard status == nil else { return false }
    var found: Int32 = 0
    let ended = waitpid(identifier, &found, WNOHANG)
    // After any other error there is nothing to wait for.
    if ended != 0, ended != -1 || errno != EINTR { status = ended == identifier ? found : 0 }
    return status == nil
  }

  /// The exit status as a shell reports it, 128 + n after signal n; 0 while the process is running.
  var exitStatus: Int32 {
    guard let status else { return 0 }
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F
  }

  /// Returns the output that has arrived since the last call.
  func readOutput() -> Data { output.available() }

  /// Returns the errors that have arrived since the last call.
  func readErrors() -> Data { errors.available() }

  /// The error of a failed system call.
  struct Failure: Error, CustomStringConvertible {
    let number: Int32
    var description: String { String(cString: strerror(number)) }
  }

  /// A pipe that this process reads from.
  private final class Pipe {
    private let reading: Int32
    private(set) var writing: Int32

    init() throws {
      var ends: [Int32] = [-1, -1]
      guard pipe(&ends) == 0 else { throw Failure(number: errno) }
      (reading, writing) = (ends[0], ends[1])
      // Other children must not hold them open.
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      _ = fcntl(reading, F_SETFL, fcntl(reading, F_GETFL) | O_NONBLOCK)
    }

    deinit {
      closeWriting()
      close(reading)
    }

    func closeWriting() {
      if writing >= 0 { close(writing) }
      writing = -1
    }

    /// Returns all that can be read without waiting.
    func available() -> Data {
      var (data, bytes) = (Data(), [UInt8](repeating: 0, count: 65_536))
      while true {
        let count = read(reading, &bytes, bytes.count)
        guard count > 0 else { return data }
        data += bytes.prefix(count)
      }
    }
  }
}
