internal import Files
internal import Foundation
internal import Interruptions
internal import Processes
internal import Results
internal import Studies

/// Hands the runs of a study to Slurm as job arrays, whose tasks are `espalier study work`; the study's folder is shared with the nodes.
///
/// `slurm/jobs.json` in the study's folder says which task does which run, so that the same command submits nothing twice; what tasks print
/// is beside it.
struct SlurmLauncher {
  let folder: StudyFolder
  let plan: StudyPlan
  /// The most tasks of an array at the same time; nil for no limit.
  var atOnce: Int?
  /// Further options for sbatch.
  var options: [String] = []

  /// A job array that was submitted.
  struct Job: Codable, Hashable {
    /// Slurm's number of the array.
    var job: String
    /// Keys of its runs, in the order of its tasks.
    var runs: [String]
  }

  /// The arrays of a submission, and the runs that needed none.
  struct Submission: Codable, Hashable {
    /// The arrays that were submitted.
    var submitted: [Job]
    /// Keys of the runs whose tasks were in the queue before.
    var queued: [String]

    /// The submission in words.
    var words: String {
      func runs(_ count: Int) -> String { "\(Format.count(count)) run\(count == 1 ? "" : "s")" }
      let count = submitted.reduce(0) { $0 + $1.runs.count }
      let jobs = submitted.map(\.job).joined(separator: ", ")
      return [
        queued.isEmpty ? nil : "\(runs(queued.count)) in the queue already",
        submitted.isEmpty ? "nothing to submit" : "submitted \(runs(count)) as job\(submitted.count == 1 ? "" : "s") \(jobs)",
      ].compactMap(\.self).joined(separator: ", ")
    }
  }

  private var path: String { folder.path + "/slurm" }

  /// Submits the runs that are neither finished, nor given up, nor in the queue.
  ///
  /// - Parameters:
  ///   - finished: keys of the runs that are finished.
  ///   - failed: keys of those that failed and shall not be tried again.
  /// - Throws: ``UnavailableError`` without Slurm, or if it does not take a job; `FileError`.
  func submit(finished: Set<String>, failed: Set<String>) throws -> Submission {
    let sbatch = try Self.program("sbatch")
    var jobs = try known()
    let tasks = try queued(jobs)
    var lost = failed
    for run in plan.runs where run.from.map(lost.contains) ?? false { lost.insert(run.key) }
    let keys = Set(plan.runs.map(\.key).filter { !finished.contains($0) && !lost.contains($0) && tasks[$0] == nil })
    var submission = Submission(submitted: [], queued: plan.runs.map(\.key).filter { tasks[$0] != nil && !finished.contains($0) })
    try Folder.make(path)
    var owners = tasks
    // Those in the queue count, too: a run may start from one that an earlier submission brought there.
    for array in plan.slurmArrays(of: keys.union(tasks.keys)) {
      let own = array.keys.filter(keys.contains)
      guard !own.isEmpty else { continue }
      let array = SlurmArray(keys: own, from: array.from, cores: array.cores)
      let words = array.options(
        name: "espalier-\(plan.name)", output: path.absolute, atOnce: atOnce, after: array.from.flatMap { owners[$0] })
      let script = path + "/array-\(jobs.count + 1).sh"
      try AtomicFile.write(
        Data(array.script(program: Bundle.main.executablePath ?? CommandLine.arguments[0], study: folder.path).utf8), to: script)
      try Interruption.check()
      // A job that is submitted and not written down would be submitted again.
      Interruption.holdOff()
      defer { Interruption.letGo() }
      let job = try Self.output(of: sbatch, words + options + [script])
      // On several clusters the name of the cluster follows.
      let number = job.split(separator: ";").first.map(String.init) ?? job
      for (index, key) in own.enumerated() { owners[key] = "\(number)_\(index)" }
      jobs.append(Job(job: number, runs: own))
      submission.submitted.append(Job(job: number, runs: own))
      // After each array: a submission that breaks off must not be repeated as a whole.
      try AtomicFile.write(Data(try Format.json(jobs).utf8), to: path + "/jobs.json")
    }
    return submission
  }

  private func known() throws -> [Job] {
    let file = path + "/jobs.json"
    guard FileManager.default.fileExists(atPath: file) else { return [] }
    let data = try RegularFile.read(file, limit: 64_000_000)
    do { return try JSONDecoder().decode([Job].self, from: data) } catch { throw StoreError("\(file) is damaged; remove it") }
  }

  /// Slurm's numbers of the tasks that wait or run, by the keys of their runs.
  private func queued(_ jobs: [Job]) throws -> [String: String] {
    guard !jobs.isEmpty else { return [:] }
    let queue = try Self.output(of: Self.program("squeue"), ["--noheader", "--array", "--format=%F_%K"])
    let tasks = Set(queue.split(whereSeparator: \.isWhitespace).map(String.init))
    var found: [String: String] = [:]
    for job in jobs {
      for (index, key) in job.runs.enumerated() where tasks.contains("\(job.job)_\(index)") { found[key] = "\(job.job)_\(index)" }
    }
    return found
  }

  /// Checks, before anything is written, that Slurm's commands are there.
  ///
  /// - Throws: ``UnavailableError`` for the first one that is not.
  static func check() throws { for name in ["sbatch", "squeue"] { _ = try program(name) } }

  private static func program(_ name: String) throws -> String {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    guard let path = folders.map({ "\($0)/\(name)" }).first(where: FileManager.default.isExecutableFile) else {
      throw UnavailableError("--launcher slurm needs Slurm's commands: there is no \(name) on PATH")
    }
    return path
  }

  /// Runs one of Slurm's commands and returns what it prints.
  private static func output(of program: String, _ arguments: [String]) throws -> String {
    let process: ChildProcess
    do { process = try ChildProcess(program, arguments) } catch {
      throw UnavailableError("\(program) cannot be run: \(error)")
    }
    let (output, errors) = try process.wait()
    guard process.exitStatus == 0 else {
      let line = String(decoding: errors, as: UTF8.self).split(separator: "\n").first.map(String.init)
      throw UnavailableError("Slurm refused: \(line ?? "\(program) ended with status \(process.exitStatus)")")
    }
    return String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

extension String {
  /// The path from the root of the file system.
  fileprivate var absolute: String {
    hasPrefix("/") ? self : FileManager.default.currentDirectoryPath + "/" + self
  }
}
