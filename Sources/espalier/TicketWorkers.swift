internal import Experiments
internal import Foundation
internal import Results
internal import Training

/// What a process that runs one seed tells the one that started it: a line of JSON on its standard output.
struct WorkerLine: Codable {
  /// Steps of the present training that are done, and its words; nil in a line that only notes something.
  var progress: Progress?
  var note: String?

  struct Progress: Codable {
    var words: String
    var done: Int
    var total: Int
    var later: Int
  }

  func write() {
    guard let data = try? JSONEncoder().encode(self) else { return }
    try? Console.print(String(decoding: data, as: UTF8.self))
  }
}

/// Runs seeds of a ticket study at once, each in a process of its own with one thread.
///
/// Processes share only the study's folder, where each has a folder of its own. Ctrl-C is passed on; every process writes a checkpoint.
final class TicketWorkers {
  private struct Worker {
    let seed: UInt64
    let process: Process
    let output: FileHandle
    let errors: FileHandle
    var rest = Data()
  }

  private let arguments: [String]
  private let study: TicketStudy
  private let display: ProgressDisplay
  private var running: [Worker] = []
  private var newest: [UInt64: WorkerLine.Progress] = [:]
  private var toldEnd = false
  private var failures: [WorkerFailure] = []

  /// - Parameter arguments: this process's, without its name.
  init(_ study: TicketStudy, arguments: [String], display: ProgressDisplay) {
    self.study = study
    self.arguments = Self.shared(arguments)
    self.display = display
  }

  /// The arguments that all seeds have in common.
  static func shared(_ arguments: [String]) -> [String] {
    let (valued, flags): (Set<String>, Set<String>) = (
      ["--seeds", "--seed", "--parallel", "--threads", "--report"], ["--quiet", "--json"]
    )
    var result: [String] = []
    var skipsNext = false
    for argument in arguments {
      if skipsNext {
        skipsNext = false
      } else if valued.contains(argument) {
        skipsNext = true
      } else if !flags.contains(argument), !valued.contains(where: { argument.hasPrefix($0 + "=") }) {
        result.append(argument)
      }
    }
    return result
  }

  /// - Throws: ``WorkerFailure`` of the first seed that failed, or of an interruption.
  func run(seeds: [UInt64], atOnce: Int) throws {
    var waiting = seeds[...]
    var passedOn = false
    while !running.isEmpty || (!waiting.isEmpty && !Interrupt.isRequested) {
      while running.count < atOnce, !Interrupt.isRequested, let seed = waiting.popFirst() { running.append(try start(seed)) }
      if Interrupt.isRequested, !passedOn {
        passedOn = true
        for worker in running { passOn(to: worker.process) }
      }
      Thread.sleep(forTimeInterval: 0.1)
      for index in running.indices { read(&running[index]) }
      for worker in running where !worker.process.isRunning { finish(worker) }
      running.removeAll { !$0.process.isRunning }
      report(seeds)
    }
    if Interrupt.isRequested {
      throw WorkerFailure(description: "interrupted", exitStatus: Interrupt.signal == SIGTERM ? .terminated : .interrupted)
    }
    if let failure = failures.first { throw failure }
  }

  private func start(_ seed: UInt64) throws -> Worker {
    let process = Process()
    process.executableURL = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    process.arguments = arguments + ["--seed", "\(seed)", "--seeds", "1", "--threads", "1", "--worker"]
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let handle = output.fileHandleForReading
    _ = fcntl(handle.fileDescriptor, F_SETFL, fcntl(handle.fileDescriptor, F_GETFL) | O_NONBLOCK)
    return Worker(seed: seed, process: process, output: handle, errors: errors.fileHandleForReading)
  }

  /// A terminal's Ctrl-C reaches all processes of its group by itself, and a second one would end them at once.
  private func passOn(to process: Process) {
    let pid = process.processIdentifier
    if Interrupt.signal == SIGTERM || getpgid(pid) != getpgrp() { kill(pid, Interrupt.signal) }
  }

  private func read(_ worker: inout Worker) {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = bytes.withUnsafeMutableBytes { Foundation.read(worker.output.fileDescriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { break }
      worker.rest += bytes.prefix(count)
    }
    while let end = worker.rest.firstIndex(of: UInt8(ascii: "\n")) {
      let line = worker.rest[..<end]
      worker.rest = Data(worker.rest[worker.rest.index(after: end)...])
      guard let told = try? JSONDecoder().decode(WorkerLine.self, from: line) else { continue }
      if let note = told.note { display.note(note) }
      if let progress = told.progress { newest[worker.seed] = progress }
    }
  }

  private func finish(_ worker: Worker) {
    // Lines that came between the last look and the end.
    var last = worker
    read(&last)
    let status = worker.process.terminationStatus
    guard status != 0 || worker.process.terminationReason != .exit, !Interrupt.isRequested else { return }
    let text = String(decoding: (try? worker.errors.readToEnd()) ?? Data(), as: UTF8.self)
    let line = text.split(separator: "\n").last.map(String.init) ?? "the process ended with status \(status)"
    let words = line.hasPrefix("espalier: ") ? String(line.dropFirst(10)) : line
    failures.append(WorkerFailure(description: "seed \(worker.seed): \(words)", exitStatus: ExitStatus(rawValue: status) ?? .software))
    display.note("seed \(worker.seed) failed: \(words)")
  }

  /// One line for all: steps done and to do, and where each seed is.
  private func report(_ seeds: [UInt64]) {
    guard let total = newest.values.first?.total, total > 0 else { return }
    var done = 0
    for seed in seeds {
      guard let progress = newest[seed] else {
        done += study.finished(seed: seed) * total
        continue
      }
      done += (study.trainings - 1 - progress.later) * total + progress.done
    }
    // The end is told once.
    guard !toldEnd else { return }
    toldEnd = done >= seeds.count * study.trainings * total
    let words = running.compactMap { worker in newest[worker.seed].map { "\(worker.seed): \($0.words)" } }.joined(separator: ", ")
    display.report(
      ProgressDisplay.Moment(
        phase: "\(seeds.count) seeds", done: done, total: seeds.count * study.trainings * total, detail: words, isMilestone: true))
  }
}

/// A seed that could not be finished.
struct WorkerFailure: ReportedError, CustomStringConvertible {
  let description: String
  let exitStatus: ExitStatus
}
