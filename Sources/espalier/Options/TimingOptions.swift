public import ArgumentParser
internal import Experiments
public import Pruning
internal import Training

/// Options of `prune` for the time of removals.
struct TimingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Rounds of pruning and recovery; by default those of --method, or 5 for weights and 1 for units, filters and nm:N:M.",
      valueName: "count"))
  var rounds: Int?

  @Option(help: ArgumentHelp("Training after each round, e.g. 10ep; half of --epochs by default.", valueName: "step"))
  var recovery: String?

  @Flag(help: "Prune before training, by any criterion; all at once, or in --rounds without training between them.")
  var atStart = false

  @Option(help: ArgumentHelp("Prune during training, at this interval, e.g. 7ep.", valueName: "step"))
  var every: String?

  @Option(
    help: ArgumentHelp(
      "Step of the last of these removals, e.g. 30ep; by default that of --method, or before the end.", valueName: "step"))
  var until: String?

  @Option(
    help: ArgumentHelp(
      """
      How --sparsity is spread over the rounds: \(SparsitySchedule.allCases.map(\.rawValue).joined(separator: ", ")); by default that of \
      --method, or exponential.
      """, valueName: "name"))
  var schedule: SparsitySchedule?

  @Option(
    help: ArgumentHelp(
      """
      A control with --every: what is chosen stays, but is disturbed. zero (its weights are set to 0 and train on), noise (Gaussian noise \
      is added to them), restore (it is silenced, and after --hold again as before).
      """, valueName: "kind"))
  var temporary: TemporaryRemoval.Kind?

  @Option(help: ArgumentHelp("Repeat this disturbance after each step for so long, e.g. 129it; 0it by default.", valueName: "step"))
  var hold: String?

  /// Returns what becomes of what is chosen, if it stays.
  ///
  /// - Throws: `PlanError` for a length of nothing.
  func disturbance() throws -> TemporaryRemoval? {
    guard let temporary else {
      guard hold == nil else { throw PlanError("--hold says how long --temporary lasts: give that as well") }
      return nil
    }
    return TemporaryRemoval(temporary, hold: try hold.map { try Step($0, option: "--hold") } ?? .iterations(0))
  }

  /// Returns when removals happen, as the options or else the method say.
  ///
  /// - Parameters:
  ///   - granularity: determines with the pattern the default number of rounds.
  ///   - defaultRecovery: the training after a round if --recovery was not given.
  ///   - length: the length of the whole training, of which methods take fractions.
  /// - Throws: `PlanError` for options that do not go with the method or with each other.
  func timing(
    of method: PruningMethod?, granularity: Granularity, pattern: WeightPattern? = nil, defaultRecovery: Step, length: Step,
    hasCriterion: Bool
  ) throws -> PruningPlan.Timing {
    let recovery = try recovery.map { try Step($0, option: "--recovery") }
    if let method, method.timing == .everyStep {
      guard !atStart, rounds == nil, every == nil, recovery == nil, until == nil, schedule == nil, !hasCriterion else {
        throw PlanError(
          "--method \(method.name) selects anew at every step by its own scores: "
            + "--criterion, --at-start, --rounds, --recovery, --every, --until and --schedule do not go with it")
      }
      return .everyStep
    }
    if atStart, let method, case .during = method.timing {
      throw PlanError("--method \(method.name) removes during training: --at-start does not go with it")
    }
    let removals: Int? = if let method, case .atStart(let rounds) = method.timing { rounds } else { atStart ? 1 : nil }
    if let removals {
      if let method, method.regrowth != nil, rounds != nil {
        throw PlanError("--method \(method.name) is one training without rounds: --rounds and --recovery do not go with it")
      }
      guard every == nil, recovery == nil, until == nil else {
        let option = atStart ? "--at-start" : "--method \(method?.name ?? "")"
        throw PlanError("\(option) prunes before training: --every, --until and --recovery do not go with it")
      }
      let rounds = rounds ?? removals
      guard (1...10_000).contains(rounds) else { throw PlanError("--rounds \(rounds) is impossible: give 1 to 10000") }
      return .atStart(rounds: rounds)
    }
    if let method, method.regrowth != nil, rounds != nil || recovery != nil {
      throw PlanError("--method \(method.name) is one training without rounds: --rounds and --recovery do not go with it")
    }
    var (step, end) = (try every.map { try Step($0, option: "--every") }, try until.map { try Step($0, option: "--until") })
    if let own = method?.timing.removals(in: length, until: end) { (step, end) = (step ?? own.every, own.until) }
    guard let every = step else {
      guard until == nil else { throw PlanError("--until ends what --every begins: give --every as well") }
      let rounds = rounds ?? (granularity == .weight && pattern?.sparsity == nil ? 5 : 1)
      guard (1...10_000).contains(rounds) else { throw PlanError("--rounds \(rounds) is impossible: give 1 to 10000") }
      return .rounds(rounds, recovery: recovery ?? defaultRecovery)
    }
    guard every.iterations(perEpoch: 1) > 0 else { throw PlanError("--every \(every) is impossible: give at least 1ep or 1it") }
    guard rounds == nil, recovery == nil else {
      throw PlanError("--every prunes during training: --rounds and --recovery do not go with it")
    }
    return .during(every: every, until: end)
  }
}

extension SparsitySchedule: ExpressibleByArgument {}
extension TemporaryRemoval.Kind: ExpressibleByArgument {}
