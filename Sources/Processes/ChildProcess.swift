public import Foundation

/// A process started by this one, without a shell: its streams are files, pipes that are read without blocking, or nothing.
///
/// It has a process group of its own: Ctrl-C at a terminal reaches only this process, which passes it on, once, or ends the other.
///
/// Foundation's `Process` would crash the program when no descriptors are left for a pipe.
public final class ChildProcess {
  /// The standard input of a process.
  public enum Input {
    /// An empty file.
    case nothing
    /// A descriptor of this process.
    case descriptor(Int32)
    /// A file.
    case file(String)
  }

  /// The place of a process' standard output or errors.
  public enum Output {
    /// To this process; see ``ChildProcess/readOutput()``.
    case pipe
    /// To a new file of this user alone, in place of the one that may be there.
    case file(String)
  }

  /// Number of the process, which is also that of its group.
  public let identifier: pid_t
  private let output: Pipe?
  private let errors: Pipe?
  private var status: Int32?

  /// Starts a process.
  ///
  /// - Parameters:
  ///   - program: its path, or a name that is looked for on `PATH`.
  ///   - arguments: the words after the program's name.
  /// - Throws: ``ChildProcess/Failure`` if a system call fails.
  public init(
    _ program: String, _ arguments: [String], input: Input = .nothing, output: Output = .pipe, errors: Output = .pipe
  ) throws {
    self.output = try Pipe(output)
    self.errors = try Pipe(errors)
    defer {
      self.output?.closeWriting()
      self.errors?.closeWriting()
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
    switch input {
    case .nothing: posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    case .descriptor(let number): posix_spawn_file_actions_adddup2(&actions, number, STDIN_FILENO)
    case .file(let path): posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, path, O_RDONLY, 0)
    }
    for (stream, kind, pipe) in [(STDOUT_FILENO, output, self.output), (STDERR_FILENO, errors, self.errors)] {
      if let pipe { posix_spawn_file_actions_adddup2(&actions, pipe.writing, stream) }
      if case .file(let path) = kind { posix_spawn_file_actions_addopen(&actions, stream, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600) }
    }
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    words.append(nil)
    defer { words.forEach { free($0) } }
    var found: pid_t = 0
    var problem = posix_spawnp(&found, program, &actions, &attributes, words, environ)
    // A program just written is busy while a child that another thread is starting still holds its descriptor.
    var pause: UInt32 = 1000
    while problem == ETXTBSY, pause <= 1_024_000 {
      usleep(pause)
      pause *= 2
      problem = posix_spawnp(&found, program, &actions, &attributes, words, environ)
    }
    identifier = found
    if problem != 0 { throw Failure(number: problem) }
  }

  /// Whether the process is still running.
  public var isRunning: Bool {
    guard status == nil else { return false }
    var found: Int32 = 0
    let ended = waitpid(identifier, &found, WNOHANG)
    // After any other error there is nothing to wait for.
    if ended != 0, ended != -1 || errno != EINTR { status = ended == identifier ? found : 0 }
    return status == nil
  }

  /// The exit status as a shell reports it, 128 + n after signal n; 0 while the process is running.
  public var exitStatus: Int32 {
    guard let status else { return 0 }
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F
  }

  /// Returns the output that has arrived since the last call.
  public func readOutput() -> Data { output?.available() ?? Data() }

  /// Returns the errors that have arrived since the last call.
  public func readErrors() -> Data { errors?.available() ?? Data() }

  /// Waits for its end.
  ///
  /// - Parameter check: called again and again meanwhile; if it throws, the process and its children are ended.
  /// - Returns: what it wrote to pipes.
  /// - Throws: what `check` throws.
  public func wait(checking check: () throws -> Void = {}) throws -> (output: Data, errors: Data) {
    var (output, errors) = (Data(), Data())
    var (isRunning, pause): (Bool, UInt32) = (true, 1000)
    while isRunning {
      // Asked before its output is read: what it writes in between is read the next time.
      isRunning = self.isRunning
      output += readOutput()
      errors += readErrors()
      guard isRunning else { break }
      do { try check() } catch {
        kill(-identifier, SIGKILL)
        var found: Int32 = 0
        while waitpid(identifier, &found, 0) < 0, errno == EINTR {}
        status = found
        throw error
      }
      // What arrives ends the pause, and so does its end, which closes both.
      Pipe.pause(for: [self.output, self.errors].compactMap(\.self), atMost: pause)
      pause = min(pause * 2, 50_000)
    }
    return (output, errors)
  }

  /// The error of a failed system call.
  public struct Failure: Error, CustomStringConvertible {
    let number: Int32
    /// The system's words for it.
    public var description: String { String(cString: strerror(number)) }
  }

  /// A pipe that this process reads from.
  private final class Pipe {
    private let reading: Int32
    private(set) var writing: Int32
    private var isAtEnd = false

    init?(_ kind: Output) throws {
      guard case .pipe = kind else { return nil }
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

    /// Waits until something can be read, and no longer than given; of pipes that nobody writes to any more nothing is awaited.
    static func pause(for pipes: [Pipe], atMost microseconds: UInt32) {
      var waiting = pipes.filter { !$0.isAtEnd }.map { pollfd(fd: $0.reading, events: Int16(POLLIN), revents: 0) }
      // The process is about to end, or has given its streams to others.
      guard !waiting.isEmpty else {
        usleep(min(microseconds, 2000))
        return
      }
      _ = poll(&waiting, nfds_t(waiting.count), Int32(max(microseconds / 1000, 1)))
    }

    /// Returns all that can be read without waiting.
    func available() -> Data {
      var (data, bytes) = (Data(), [UInt8](repeating: 0, count: 65_536))
      while true {
        let count = read(reading, &bytes, bytes.count)
        if count == 0 { isAtEnd = true }
        guard count > 0 else { return data }
        data += bytes.prefix(count)
      }
    }
  }
}
