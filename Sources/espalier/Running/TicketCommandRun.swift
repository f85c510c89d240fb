internal import ArgumentParser
internal import Experiments
internal import Foundation
internal import Interchange
internal import Pruning
internal import Results
internal import Torch
internal import Training

/// `espalier prune --method lottery-ticket`: runs a ticket study and prints its analysis.
struct TicketCommandRun {
  var plan: TicketPlan
  var tickets: TicketOptions
  var run: RunOptions
  var kernels: TrainingKernels.Choice
  var output: OutputOptions
  /// The value of --threads; nil if it was not given, which means one thread for libtorch: its bits must not depend on how many seeds run
  /// in parallel.
  var givenThreads: Int?
  /// Path for the row of the last round, or a report of it; nil for none.
  var report: String?
  /// Batch sizes whose latency that row shows; empty for none, nil for the usual ones.
  var latencyBatches: [Int]?

  private var path: String { output.output ?? "tickets" }

  func callAsFunction() throws {
    let seeds = try run.seeds(tickets.seeds ?? 1)
    let atOnce = try self.atOnce(of: seeds.count)
    if report != nil, seeds.count > 1 { throw PlanError("--report is for a single run: it does not go with --seeds \(seeds.count)") }
    // With more, sums of steps could overflow.
    guard plan.trainings * seeds.count <= 1_000_000 else {
      throw PlanError("\(plan.trainings * seeds.count) trainings are too many: give fewer --rounds, --branches or --seeds")
    }
    try Outputs.checkFolder(path)
    var outputs = Outputs()
    outputs.add("--report", report, as: .text)
    outputs.keep("--weights", plan.weights?.path)
    outputs.keep("the plan of the study", path + "/plan.json")
    plan.data.files.forEach { outputs.keep("a file of \(plan.data.dataset)", $0) }
    try outputs.check()
    let report = try self.report.map { try RowReport($0) }
    defer { withExtendedLifetime(outputs) {} }
    do {
      let study = try TicketStudy(plan, in: path, memory: run.memory, isWorker: tickets.worker != nil, reader: .files)
      if tickets.worker != nil { return try work(study, seeds) }
      let display = ProgressDisplay(quiet: output.quiet)
      defer { display.finish() }
      Interrupt.outcome = "repeat the command to continue from what is in \(path)"
      if atOnce > 1 {
        try TicketWorkers(study, arguments: Array(CommandLine.arguments.dropFirst()), display: display).run(seeds: seeds, atOnce: atOnce)
      } else {
        try apply()
        try study.run(seeds: seeds, options: options({ display.report($0.moment) }, { display.note($0) }))
      }
      display.finish()
      if let report, let seed = seeds.first {
        let row = try study.row(
          seed: seed, command: CommandLine.arguments, version: Espalier.version, latencyBatches: latencyBatches,
          device: run.torchDevice)
        try report.write(row)
      }
    } catch let error as CocoaError {
      throw OutputError(path: path, underlying: error)
    }
    let analysis = try TicketStudy.analysis(of: path)
    try Console.print(output.json ? analysis.json() : analysis.text)
  }

  /// Returns the number of seeds to run in parallel.
  ///
  /// - Throws: `PlanError` for options that contradict each other.
  private func atOnce(of count: Int) throws -> Int {
    if let parallel = tickets.parallel, parallel < 1 { throw PlanError("--parallel \(parallel) is impossible: give at least 1") }
    let asked = min(tickets.parallel ?? (givenThreads ?? 1 > 1 ? 1 : Machine.physicalCores), count)
    if asked > 1, let threads = givenThreads, threads > 1 {
      throw PlanError("--threads \(threads) does not go with --parallel \(asked): seeds that run at once have one thread each")
    }
    return RunOptions.atMostCores(asked, option: "--parallel")
  }

  /// Runs as a worker process, which sends progress and notes to the process that started it.
  private func work(_ study: TicketStudy, _ seeds: [UInt64]) throws {
    Interrupt.ignoreClosedPipes()
    try apply()
    var told = -Double.infinity
    try study.run(
      seeds: seeds,
      options: options(
        { progress in
          let now = ProcessInfo.processInfo.systemUptime
          guard now - told > 0.5 || progress.training.iteration == progress.training.total else { return }
          told = now
          WorkerLine(
            progress: .init(
              words: "\(progress.branch) \(progress.round)/\(progress.rounds) at \(Format.percent(progress.density))",
              done: progress.training.iteration, total: progress.training.total, later: progress.later)
          ).write()
        }, { WorkerLine(note: $0).write() }))
  }

  /// Threads for kernels of our own, whose bits do not depend on them.
  private var ownThreads: Int { tickets.worker ?? givenThreads ?? Machine.physicalCores }

  private func apply() throws {
    var run = run
    run.threads = givenThreads ?? 1
    try run.apply()
  }

  private func options(_ report: @escaping (TicketProgress) -> Void, _ note: @escaping (String) -> Void) -> TicketStudy.Options {
    .init(device: run.torchDevice, kernels: TrainingKernels(kernels, threads: ownThreads), report: report, note: note)
  }
}

extension TicketProgress {
  fileprivate var moment: ProgressDisplay.Moment {
    ProgressDisplay.Moment(
      phase: "seed \(seed), \(branch) \(round)/\(rounds) at \(Format.percent(density))", done: training.iteration, total: training.total,
      loss: training.loss, accuracy: training.evaluation?.validation?.accuracy, later: Double(later) * Double(training.total),
      isMilestone: training.evaluation != nil)
  }
}
