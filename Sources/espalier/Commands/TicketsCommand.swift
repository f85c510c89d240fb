internal import ArgumentParser
internal import Experiments
internal import Results

/// `espalier tickets`: the analysis of a lottery-ticket study.
struct TicketsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tickets",
    abstract: "Show what a lottery-ticket study has found so far.",
    discussion: """
      A study is started, and continued, by prune --method lottery-ticket:
        espalier prune --network lenet-300-100 --dataset mnist \\
          --method lottery-ticket --branches reinit --branch-rounds 3,7,15 \\
          --seeds 5 --output tickets
        espalier tickets tickets

      Prints each branch's rounds (density, early-stop iteration, test accuracy
      there and at the end, mean over seeds) and verdicts on the claims C1-C7 of
      Frankle & Carbin 2019, each paired by seed and judged by one-sided 95 %
      bounds: holds, fails, or undecided. "direction" judges the same quantity
      against no effect. Every round is a model file:
        espalier inspect tickets/seed-0/trunk/round-18.safetensors
      """)

  @Argument(help: ArgumentHelp("The study's folder.", valueName: "folder"), completion: .directory)
  var folder: String

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let analysis = try TicketStudy.analysis(of: folder)
    try Console.print(json ? analysis.json() : analysis.text)
  }
}
