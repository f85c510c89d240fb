internal import Files
internal import Foundation
internal import Interruptions
internal import Results
internal import Studies

/// Carries out the runs of a study, several at once, each in a process of its own that is the run's own command.
///
/// A run's folder is claimed before its process starts, and the process inherits the claim: no other process, of this study or another, can
/// do the same run meanwhile. Ctrl-C is passed on; every process leaves a checkpoint.
final class StudyWorkers {
  private let plan: StudyPlan
  private let folder: StudyFolder
  private let display: ProgressDisplay
  private let axes: [StudyAxis]
  private var running: [StudyProcess] = []
  private var waiting: [PlannedRun]
  private var finished: Set<String>
  private var failed: Set<String> = []
  private var failures: [StudyFailure] = []
  /// Whether a run was asked to stop, but not by this process.
  private var stopped = false

  /// Creates workers for the runs that are not finished.
  ///
  /// - Parameters:
  ///   - finished: keys of the runs that are.
  ///   - failed: keys of those that failed before and shall not be tried again.
  init(
    _ plan: StudyPlan, axes: [StudyAxis], _ folder: StudyFolder, finished: Set<String>, failed: Set<String>, display: ProgressDisplay
  ) {
    (self.plan, self.axes, self.folder, self.display) = (plan, axes, folder, display)
    (self.finished, self.failed) = (finished, failed)
    waiting = plan.runs.filter { !finished.contains($0.key) && !failed.contains($0.key) }
  }

  /// Runs what can be run, at most `atOnce` in parallel.
  ///
  /// - Throws: ``StudyFailure`` of the first run that failed, once all others have ended; `Interrupted`.
  func run(atOnce: Int) throws {
    var passedOn = false
    var elsewhere: [PlannedRun] = []
    while true {
      skipOrphans()
      while running.count < atOnce, !Interrupt.isRequested, let index = waiting.firstIndex(where: isReady) {
        let run = waiting.remove(at: index)
        if folder.store.state(run.key) == .finished {
          finished.insert(run.key)
          continue
        }
        do { running.append(try StudyProcess(run, in: folder.store)) } catch is FolderInUse { elsewhere.append(run) }
      }
      if Interrupt.isRequested, !passedOn {
        passedOn = true
        for process in running { process.pass(on: Interrupt.signal) }
      }
      if running.isEmpty, elsewhere.isEmpty || Interrupt.isRequested { break }
      Thread.sleep(forTimeInterval: 0.1)
      for process in running where !process.isRunning { end(process) }
      running.removeAll { $0.hasEnded }
      // Another process does these; if it gives up, they are ours again.
      elsewhere.removeAll { run in
        switch folder.store.state(run.key) {
        case .finished: finished.insert(run.key)
        case .failed: failed.insert(run.key)
        case .begun, .waiting:
          guard running.count < atOnce, !Interrupt.isRequested, let process = try? StudyProcess(run, in: folder.store, patience: 0) else {
            return false
          }
          running.append(process)
        }
        return true
      }
      report()
    }
    if Interrupt.isRequested || stopped { throw Interrupted() }
    if let failure = failures.first { throw StudyFailure(failures, first: failure, of: plan.runs.count) }
  }

  private func isReady(_ run: PlannedRun) -> Bool { run.from.map(finished.contains) ?? true }

  /// Gives up runs that start from one that failed.
  private func skipOrphans() {
    while let index = waiting.firstIndex(where: { run in run.from.map(failed.contains) ?? false }) {
      let run = waiting.remove(at: index)
      failed.insert(run.key)
      display.note("left out, since the run that it starts from failed: \(words(run))")
    }
  }

  private func end(_ process: StudyProcess) {
    process.hasEnded = true
    if process.wasStopped {
      // Others may stop it, too, as a cluster does with a task that it puts back into the queue.
      stopped = stopped || !Interrupt.isRequested
      return
    }
    if let problem = process.finish() {
      failed.insert(process.run.key)
      failures.append(
        StudyFailure(words: "\(words(process.run)): \(problem.words)", exitStatus: problem.status, wasKilled: problem.wasKilled))
      display.note("failed: \(words(process.run)): \(problem.words)")
    } else {
      finished.insert(process.run.key)
      let accuracy =
        (try? folder.store.row(process.run.key))?.final.accuracyAtEnd.map { ", test accuracy \(Format.percent($0.fraction))" } ?? ""
      display.note("finished \(words(process.run))\(accuracy), in \(Format.duration(process.seconds))")
    }
    report(isMilestone: true)
  }

  private func words(_ run: PlannedRun) -> String { run.places.first.map { axes.words(of: $0) } ?? run.key }

  private func report(isMilestone: Bool = false) {
    let count = running.count { !$0.hasEnded }
    let left = [
      count > 0 ? "\(count) running" : nil, failures.isEmpty ? nil : "\(failures.count) failed",
    ].compactMap(\.self).joined(separator: ", ")
    display.report(
      ProgressDisplay.Moment(
        phase: plan.name, done: plan.runs.count { finished.contains($0.key) }, total: plan.runs.count, unit: "runs",
        detail: left.isEmpty ? nil : left,
        isMilestone: isMilestone))
  }
}

/// The error of a study in which runs failed.
struct StudyFailure: ReportedError, CustomStringConvertible {
  let description: String
  let exitStatus: ExitStatus
  /// Whether nothing is wrong with the run itself.
  var wasKilled = false

  init(words: String, exitStatus: ExitStatus, wasKilled: Bool) {
    (description, self.exitStatus, self.wasKilled) = (words, exitStatus, wasKilled)
  }

  /// Runs that failed before, and were not tried again.
  init(leftOut count: Int, of total: Int) {
    description = "\(count) of \(total) runs failed before; --retry-failed tries \(count == 1 ? "it" : "them") again"
    exitStatus = .software
  }

  init(_ failures: [StudyFailure], first: StudyFailure, of total: Int) {
    let advice = failures.allSatisfy(\.wasKilled) ? "the same command goes on from the checkpoints" : "--retry-failed tries again"
    description = "\(failures.count) of \(total) runs failed; the first: \(first.description); the others went on, and \(advice)"
    exitStatus = first.exitStatus
  }
}
