internal import ArgumentParser
internal import Experiments
internal import Foundation
internal import Pruning
internal import Results
internal import Torch
internal import Training

/// `espalier prune --method lottery-ticket`: carries a ticket study out, and shows what came of it.
struct TicketCommandRun {
  var plan: TicketPlan
  var tickets: TicketOptions
  var run: RunOptions
  var output: OutputOptions
  var report: String?

  func callAsFunction() throws {
    let count = tickets.seeds ?? 1
    guard (1...100_000).contains(count) else { throw PlanError("--seeds \(count) is impossible: give 1 to 100000") }
    let seeds = (0..<UInt64(count)).map { run.seed &+ $0 }
    let path = output.output ?? "tickets"
    let study: TicketStudy
    do { study = try TicketStudy(plan, in: path) } catch let error as CocoaError { throw OutputError(path: path, underlying: error) }
    try run.apply()
    let display = ProgressDisplay(quiet: output.quiet)
    defer { display.finish() }
    Interrupt.install()
    do {
      try study.run(
        seeds: seeds,
        options: .init(interrupted: { Interrupt.isRequested }, report: { display.report($0.moment) }, note: { display.note($0) }))
    } catch let error as TrainingError {
      display.finish()
      if case .interrupted = error { Console.note("the same command goes on from what is in \(path)\n") }
      throw error
    } catch let error as CocoaError {
      throw OutputError(path: path, underlying: error)
    }
    display.finish()
    let analysis = try TicketStudy.analysis(of: path)
    try Console.print(output.json ? analysis.json() : analysis.text)
  }
}

extension TicketProgress {
  var moment: ProgressDisplay.Moment {
    ProgressDisplay.Moment(
      phase: "seed \(seed), \(branch) \(round)/\(rounds) at \(Format.percent(density))", done: training.iteration, total: training.total,
      perEpoch: nil, loss: training.loss, accuracy: training.evaluation?.validation?.accuracy, isMilestone: training.evaluation != nil)
  }
}
