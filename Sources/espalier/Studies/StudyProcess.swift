internal import Files
internal import Foundation
internal import Processes
internal import Results
internal import Studies

/// One run of a study as a process.
final class StudyProcess {
  let run: PlannedRun
  private let store: RunStore
  private let claim: FolderClaim
  private let process: ChildProcess
  private let log: FileHandle?
  private let started = Date()
  private var complaints = Data()
  var hasEnded = false

  /// Claims the run's folder and starts its command.
  ///
  /// - Throws: `FolderInUse` if another process does the run; ``WorkerFailure`` if no process can be started.
  init(_ run: PlannedRun, in store: RunStore, patience: Double = 10) throws {
    (self.run, self.store) = (run, store)
    claim = try store.begin(run, patience: patience)
    let path = store.path(RunStore.log, of: run.key)
    if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    log = FileHandle(forWritingAtPath: path)
    _ = try? log?.seekToEnd()
    var arguments = run.arguments + ["--output", store.path(run.artefact, of: run.key), "--report", store.path(RunStore.row, of: run.key)]
    // Tickets and probes go on by themselves with what their folders hold, which have the evaluations and penalties of all trainings.
    if run.artefact.hasSuffix(".safetensors") { arguments += ["--metrics", store.path(RunStore.metrics, of: run.key), "--resume"] }
    do {
      process = try ChildProcess(Bundle.main.executablePath ?? CommandLine.arguments[0], arguments, input: .descriptor(claim.descriptor))
    } catch { throw WorkerFailure(description: "cannot start a process: \(error)", exitStatus: .systemError) }
  }

  /// Seconds since it started.
  var seconds: Double { Date().timeIntervalSince(started) }

  /// Whether it is still running; passes on what it printed.
  var isRunning: Bool {
    let isRunning = process.isRunning
    let (output, errors) = (process.readOutput(), process.readErrors())
    complaints = (complaints + errors).suffix(16_384)
    try? log?.write(contentsOf: errors + output)
    return isRunning
  }

  /// Passes a signal on.
  func pass(on signal: Int32) { kill(process.identifier, signal) }

  /// Whether it ended because it was asked to.
  var wasStopped: Bool { [ExitStatus.interrupted, .terminated].contains { $0.rawValue == process.exitStatus } }

  /// Seals the run, or writes down why it failed, which it returns.
  ///
  /// A process that was killed has not failed: it goes on from its checkpoint the next time. One that crashed has.
  func finish() -> (words: String, status: ExitStatus, wasKilled: Bool)? {
    let status = process.exitStatus
    var problem: (words: String, status: ExitStatus, wasKilled: Bool)?
    if status == 0 {
      do { try store.finish(run) } catch { problem = ("\(error)", ExitStatus(for: error), false) }
    } else {
      let line = String(decoding: complaints, as: UTF8.self).split(separator: "\n").last { $0.hasPrefix("espalier: ") }
      let ended = status > 128 ? "the process was ended by signal \(status - 128)" : nil
      problem = (
        ended ?? line.map { String($0.dropFirst(10)) } ?? "the process ended with status \(status)",
        ExitStatus(rawValue: status) ?? .software, status == 128 + SIGKILL
      )
    }
    // Where there is no room for the reason, the command that runs the study tells it all the same.
    if let problem, !problem.wasKilled { try? store.fail(run.key, problem.words) }
    try? log?.close()
    return problem
  }
}
