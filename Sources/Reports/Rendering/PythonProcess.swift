internal import Files
internal import Foundation
internal import Interruptions
internal import Processes
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
    let process: ChildProcess
    do {
      process = try ChildProcess(program, ["-c", script], input: .file(inputs), output: .file(outputs), errors: .file(errors))
    } catch { throw Missing(description: "\(program.shortened) cannot be run (\(error))") }
    let end = ContinuousClock.now + .seconds(timeout)
    _ = try process.wait {
      try Interruption.check()
      guard ContinuousClock.now < end else {
        throw RenderingError("the charts could not be drawn: \(program.shortened) took longer than \(Format.duration(timeout))")
      }
    }
    let complaint = (try? RegularFile.read(errors, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return Outcome(status: process.exitStatus, output: try RegularFile.read(outputs, limit: limit), errors: complaint)
  }
}
