internal import Experiments
internal import Files
internal import Foundation
internal import Interruptions
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
    // Whoever started this process has gone: a second study in the same folder would get in its way.
    do { try Console.print(String(decoding: data, as: UTF8.self)) } catch { Interrupt.request() }
  }
}

/// Runs seeds of a ticket study at once, each in a process of its own with one thread.
///
/// Processes share only the study's folder, where each has a folder of its own. Ctrl-C is passed on; every process writes a checkpoint.
final class TicketWorkers {
  private struct Worker {
    let seed: UInt64
    let process: ChildProcess
    /// What has come of the next line.
    var rest = Data()
    /// The end of what it complained of.
    var complaints = Data()
    var isRunning = true
  }

  private let arguments: [String]
  private let study: TicketStudy
  private let display: ProgressDisplay
  private var running: [Worker] = []
  private var finishedBefore: [UInt64: Int] = [:]
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
    finishedBefore = Dictionary(uniqueKeysWithValues: seeds.map { ($0, study.finished(seed: $0)) })
    var waiting = seeds[...]
    var passedOn = false
    while !running.isEmpty || (!waiting.isEmpty && !Interrupt.isRequested) {
      while running.count < atOnce, !Interrupt.isRequested, let seed = waiting.first, try start(seed) { waiting.removeFirst() }
      if Interrupt.isRequested, !passedOn {
        passedOn = true
        for worker in running { kill(worker.process.identifier, Interrupt.signal) }
      }
      Thread.sleep(forTimeInterval: 0.1)
      for index in running.indices {
        // Asked once, before the last look at what it wrote: a process that ends in between is found the next time.
        running[index].isRunning = running[index].process.isRunning
        read(&running[index])
      }
      for worker in running where !worker.isRunning { finish(worker) }
      running.removeAll { !$0.isRunning }
      report(seeds)
    }
    if Interrupt.isRequested { throw Interrupted() }
    if let failure = failures.first { throw failure }
  }

  /// - Returns: whether it was started; where the system gives no further process, it waits until another one has ended.
  /// - Throws: ``WorkerFailure`` where there is no other.
  private func start(_ seed: UInt64) throws -> Bool {
    let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
    do {
      // With the folder's lock as their input they hold it, too: nobody takes it while one of them still writes.
      let process = try ChildProcess(
        program, arguments + ["--seed", "\(seed)", "--seeds", "1", "--threads", "1", "--worker"], input: study.claim?.descriptor)
      running.append(Worker(seed: seed, process: process))
      return true
    } catch {
      guard running.isEmpty else { return false }
      throw WorkerFailure(description: "cannot start a process: \(error)", exitStatus: .systemError)
    }
  }

  private func read(_ worker: inout Worker) {
    worker.rest += worker.process.readOutput()
    worker.complaints = (worker.complaints + worker.process.readErrors()).suffix(16_384)
    while let end = worker.rest.firstIndex(of: UInt8(ascii: "\n")) {
      let line = worker.rest[..<end]
      worker.rest = Data(worker.rest[worker.rest.index(after: end)...])
      guard let told = try? JSONDecoder().decode(WorkerLine.self, from: line) else { continue }
      if let note = told.note { display.note(note) }
      if let progress = told.progress { newest[worker.seed] = progress }
    }
  }

  private func finish(_ worker: Worker) {
    let status = worker.process.exitStatus
    guard status != 0, !Interrupt.isRequested else { return }
    let line =
      String(decoding: worker.complaints, as: UTF8.self).split(separator: "\n").last.map(String.init)
      ?? "the process ended with status \(status)"
    let words = line.hasPrefix("espalier: ") ? String(line.dropFirst(10)) : line
    fail(worker.seed, words, ExitStatus(rawValue: status) ?? .software)
  }

  private func fail(_ seed: UInt64, _ words: String, _ status: ExitStatus) {
    failures.append(WorkerFailure(description: "seed \(seed): \(words)", exitStatus: status))
    display.note("seed \(seed) failed: \(words)")
  }

  /// One line for all: steps done and to do, and where each seed is.
  private func report(_ seeds: [UInt64]) {
    guard let total = newest.values.first?.total, total > 0 else { return }
    var done = 0
    for seed in seeds {
      guard let progress = newest[seed] else {
        done += (finishedBefore[seed] ?? 0) * total
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
