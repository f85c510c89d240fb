internal import Experiments
internal import Files
internal import Foundation
internal import Interruptions
internal import Processes
internal import Results
internal import Training

/// A message from the process of one seed to the one that started it: a line of JSON on its standard output.
struct WorkerLine: Codable {
  /// Progress of the current training; nil in a line that only has a note.
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
    // The parent process is gone: this one would get in the way of a second study in the same folder.
    do { try Console.print(String(decoding: data, as: UTF8.self)) } catch { Interrupt.request() }
  }
}

/// Runs several seeds of a ticket study in parallel, each in a process of its own.
///
/// In each, libtorch has one thread, since its bits depend on the number; kernels of our own have the cores that the others leave.
/// Processes share only the study's folder, in which each seed has a folder of its own. Ctrl-C is passed on; every process writes a
/// checkpoint.
final class TicketWorkers {
  private struct Worker {
    let seed: UInt64
    let process: ChildProcess
    /// Beginning of the next line of its output.
    var rest = Data()
    /// The last part of its error output.
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

  /// Creates workers for a study.
  ///
  /// - Parameter arguments: the arguments of this process, without the program name.
  init(_ study: TicketStudy, arguments: [String], display: ProgressDisplay) {
    self.study = study
    self.arguments = Self.shared(arguments)
    self.display = display
  }

  /// Returns the arguments that all seeds share.
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

  /// Runs the seeds, at most `atOnce` in parallel.
  ///
  /// - Throws: ``WorkerFailure`` of the first seed that failed; `Interrupted`.
  func run(seeds: [UInt64], atOnce: Int) throws {
    finishedBefore = Dictionary(uniqueKeysWithValues: seeds.map { ($0, study.finished(seed: $0)) })
    var waiting = seeds[...]
    var passedOn = false
    while !running.isEmpty || (!waiting.isEmpty && !Interrupt.isRequested) {
      while running.count < atOnce, !Interrupt.isRequested, let seed = waiting.first,
        try start(seed, threads: Self.threads(place: seeds.count - waiting.count, of: seeds.count, atOnce: atOnce))
      {
        waiting.removeFirst()
      }
      if Interrupt.isRequested, !passedOn {
        passedOn = true
        for worker in running { kill(worker.process.identifier, Interrupt.signal) }
      }
      Thread.sleep(forTimeInterval: 0.1)
      for index in running.indices {
        // Asked once, before its output is read: a process that ends in between is noticed the next time.
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

  /// Returns the threads for kernels of our own in the process at a place of the order: the last ones, if fewer than those before them, have
  /// more each.
  static func threads(place: Int, of count: Int, atOnce: Int, cores: Int = Machine.physicalCores) -> Int {
    let last = count % atOnce
    return max(cores / (place < count - last ? atOnce : last), 1)
  }

  /// Starts the process of a seed, with so many threads for kernels of our own.
  ///
  /// - Returns: whether it was started; if the system cannot start a further process, it has to wait until another one has ended.
  /// - Throws: ``WorkerFailure`` if no other process is running.
  private func start(_ seed: UInt64, threads: Int) throws -> Bool {
    let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
    do {
      // As their standard input, the lock on the folder is held by the workers, too: no other study can take it while one of them still
      // writes.
      let process = try ChildProcess(
        program, arguments + ["--seed", "\(seed)", "--seeds", "1", "--threads", "1", "--worker", "\(threads)"],
        input: study.claim.map { .descriptor($0.descriptor) } ?? .nothing)
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

  /// Reports the progress of all seeds in one line.
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
    // The end is reported only once.
    guard !toldEnd else { return }
    toldEnd = done >= seeds.count * study.trainings * total
    let words = running.compactMap { worker in newest[worker.seed].map { "\(worker.seed): \($0.words)" } }.joined(separator: ", ")
    display.report(
      ProgressDisplay.Moment(
        phase: "\(seeds.count) seeds", done: done, total: seeds.count * study.trainings * total, detail: words, isMilestone: true))
  }
}

/// The error for a seed that could not be finished.
struct WorkerFailure: ReportedError, CustomStringConvertible {
  let description: String
  let exitStatus: ExitStatus
}
