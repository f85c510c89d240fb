internal import ArgumentParser
internal import Datasets
internal import Experiments
internal import Pruning
internal import Results
internal import Training

/// Options of `--method lottery-ticket`, including the rewinding that some other methods share.
struct TicketOptions: MethodOptionGroup {
  @Option(
    help: ArgumentHelp(
      """
      What happens to the remaining weights after a removal: init (back to their initial values), a step of the dense training such as \
      500it (back to their values then), learning-rate (unchanged; the schedule restarts) or none (unchanged; the last learning rate); \
      init by default. With gradual, double-pruning and scored-pruning each removal ends a round: init, or a step before the first \
      removal; none by default.
      """, valueName: "point"))
  var rewind: String?

  @Option(
    help: ArgumentHelp(
      "Control branches beside the trunk: \(TicketBranch.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "names"))
  var branches: String?

  @Option(help: ArgumentHelp("Train branches at these rounds only, e.g. 3,7,15.", valueName: "rounds"))
  var branchRounds: String?

  @Option(help: ArgumentHelp("Fraction of the output layer that a round removes; half of --fraction by default.", valueName: "fraction"))
  var outputFraction: String?

  @Option(help: ArgumentHelp("Number of repetitions, with seeds from --seed on; 1 by default.", valueName: "count"))
  var seeds: Int?

  @Option(
    help: ArgumentHelp(
      """
      Seeds that run in parallel, each in a process; by default, and at most, one per core. libtorch gets one thread, for a single \
      seed too unless --threads is given, and kernels of our own share the cores: the bits do not depend on how many run.
      """, valueName: "count"))
  var parallel: Int?

  /// In the process of one of several seeds: the threads for kernels of our own.
  @Option(help: .hidden)
  var worker: Int?

  static let methods: KeyValuePairs = [
    "--rewind": ["lottery-ticket", "gradual", "double-pruning", "scored-pruning"], "--branches": ["lottery-ticket"],
    "--branch-rounds": ["lottery-ticket"], "--output-fraction": ["lottery-ticket"], "--seeds": ["lottery-ticket"],
    "--parallel": ["lottery-ticket"],
  ]

  /// Returns the value of --rewind; nil if it was not given.
  func rewinding() throws -> Rewinding? {
    do { return try rewind.map(Rewinding.init) } catch let error as PlanError { throw PlanError("--rewind \(error)") }
  }

  func parsedBranches() throws -> [TicketBranch] {
    let names = (branches ?? "").split(separator: ",").map { $0.trimmingPrefix(" ") }
    let found = try names.map { name in
      guard let branch = TicketBranch(rawValue: String(name)) else {
        throw PlanError(
          "unknown branch \(String(name.prefix(80)).debugDescription) in --branches: choose from "
            + TicketBranch.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return branch
    }
    if found.isEmpty, branchRounds != nil { throw PlanError("--branch-rounds needs --branches, e.g. --branches reinit") }
    return TicketBranch.allCases.filter { found.contains($0) }
  }

  func parsedRounds() throws -> [Int] {
    try (branchRounds ?? "").split(separator: ",").map { word in
      guard let round = Int(word.trimmingPrefix(" ")), round >= 1 else {
        throw PlanError(
          "--branch-rounds \(String(word.prefix(80)).debugDescription) is not a round: give whole numbers from 1, e.g. 3,7,15")
      }
      return round
    }
  }
}
