internal import Files
internal import Foundation
internal import Interruptions
internal import Results
internal import Words

/// A script in Python that reads its standard input and writes its standard output, both files, so that neither side waits for the other.
enum PythonProcess {
  /// The end of a script, with what it wrote.
  struct Outcome {
    /// The exit status as a shell reports it, 128 + n after signal n.
    var status: Int32
    var output: Data
    var errors: String
  }

  /// The error for a program that cannot be started.
  struct Missing: Error, CustomStringConvertible {
    let description: String
  }

  /// The most bytes of output that are read: pictures of a hundred figures are a few dozen megabytes.
  private static let limit = 1 << 30

  /// Runs a script.
  ///
  /// - Throws: ``Missing``, ``RenderingError`` after `timeout` seconds, `FileError` if there is no place for its files, `Interrupted`.
  static func run(_ program: String, _ script: String, input: Data, timeout: Double) throws -> Outcome {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("espalier-charts-\(UUID().uuidString)").path
    try FileError.naming(.write, folder) {
      // Private to the user: the input is the study's data.
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (inputs, outputs, errors) = (folder + "/input", folder + "/output", folder + "/errors")
    try AtomicFile.write(input, to: inputs)
    let process = try start(program, ["-c", script], input: inputs, output: outputs, errors: errors)
    let status = try wait(for: process, program, timeout: timeout)
    let complaint = (try? RegularFile.read(errors, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return Outcome(status: status, output: try RegularFile.read(outputs, limit: limit), errors: complaint)
  }

  private static func start(_ program: String, _ arguments: [String], input: String, output: String, errors: String) throws -> pid_t {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A group of its own: Ctrl-C at a terminal reaches only this process, which ends the other.
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    words.append(nil)
    defer { words.forEach { free($0) } }
    var process: pid_t = 0
    let problem = posix_spawnp(&process, program, &actions, &attributes, words, environ)
    guard problem == 0 else { throw Missing(description: "\(program.shortened) cannot be run (\(String(cString: strerror(problem))))") }
    return process
  }

  /// Waits, and ends the process and its children when it takes too long or work should stop.
  private static func wait(for process: pid_t, _ program: String, timeout: Double) throws -> Int32 {
    let end = ContinuousClock.now + .seconds(timeout)
    var pause: UInt32 = 1000
    while true {
      var status: Int32 = 0
      let ended = waitpid(process, &status, WNOHANG)
      if ended == process { return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F }
      guard ended == 0 || errno == EINTR else { return 0 }
      let isLate = ContinuousClock.now > end
      if isLate || Interruption.isRequested() {
        kill(-process, SIGKILL)
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        try Interruption.check()
        throw RenderingError("the charts could not be drawn: \(program.shortened) took longer than \(Format.duration(timeout))")
      }
      usleep(pause)
      pause = min(pause * 2, 50_000)
    }
  }
}
