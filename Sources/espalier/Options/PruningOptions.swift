public import ArgumentParser
internal import Experiments
public import Pruning
internal import Training
internal import Words

/// What is pruned, by which score, how much, when, and what mends it.
struct PruningOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How removal and training interleave, with its criterion and defaults: \(PruningMethod.all.map(\.name).joined(separator: ", ")).",
      valueName: "name"))
  var method: String?

  @Option(help: "What leaves: weight (held at 0), unit or filter (cut out).")
  var granularity: Granularity = .weight

  @Option(
    help: ArgumentHelp(
      "The score; --method's, or magnitude for weights and l2 for units and filters (threshold with --deviations) unless given.",
      valueName: "name"))
  var criterion: String?

  @Option(
    help: ArgumentHelp(
      """
      How layers share the removal: layer (a fraction of each), global (the lowest anywhere), uniform, erk or lamp (counts that add up); \
      or sets of layers ranked together, as "conv1,conv2;fc*". --method's, or global for weights, layer else.
      """, valueName: "scope"))
  var scope: String?

  @Option(help: ArgumentHelp("The fraction of the original gone in the end, e.g. 0.9.", valueName: "fraction"))
  var sparsity: String?

  @Option(
    help: ArgumentHelp("How many times smaller what is counted gets: 100 leaves a hundredth, as --sparsity 0.99.", valueName: "times"))
  var compression: String?

  @Option(help: ArgumentHelp("The fraction that each round takes of what is left, e.g. 0.05.", valueName: "fraction"))
  var fraction: String?

  @Option(
    help: ArgumentHelp(
      "What --sparsity or --limit counts, of units and filters: parameters, macs, bytes or latency (measured here).", valueName: "cost"))
  var of: CostTarget.Measure?

  @Option(help: ArgumentHelp("What is left at most in the end, of --of; milliseconds of latency.", valueName: "number"))
  var limit: Double?

  @Option(help: ArgumentHelp("Each round takes what scores below this.", valueName: "score"))
  var threshold: Double?

  @Option(
    help: ArgumentHelp(
      "Each round takes weights below so many standard deviations of their layer's, by criterion threshold.", valueName: "q"))
  var deviations: Double?

  @Option(help: "How a fraction becomes a count: round (what is rounded away follows later), floor or ceil; round unless given.")
  var rounding: Rounding?

  @Option(help: ArgumentHelp("Rounds of pruning and recovery; --method's, or 5 for weights, 1 else.", valueName: "count"))
  var rounds: Int?

  @Option(help: ArgumentHelp("Training after each round, e.g. 10ep; half of --epochs unless given.", valueName: "step"))
  var recovery: String?

  @Flag(help: "Prune before training, by any criterion; in one go, or in so many --rounds without training between them.")
  var atStart = false

  @Option(help: ArgumentHelp("Prune during training, each time so much of it is done, e.g. 7ep.", valueName: "step"))
  var every: String?

  @Option(
    help: ArgumentHelp(
      "The last of these removals comes at this step, e.g. 30ep; --method's, or before the end unless given.", valueName: "step"))
  var until: String?

  @Option(
    help:
      "How --sparsity is spread over the rounds: \(SparsitySchedule.allCases.map(\.rawValue).joined(separator: ", ")); --method's, or exponential unless given."
  )
  var schedule: SparsitySchedule?

  @Option(help: ArgumentHelp("No layer keeps less than this fraction of its weights or units.", valueName: "density"))
  var minimumLayerDensity = 0.0

  @Option(help: ArgumentHelp("Widths that shrink become the nearest multiple of this, e.g. 8, or stay.", valueName: "count"))
  var widthMultiple = 1

  @Option(help: ArgumentHelp("Leave this layer alone; * and ? stand for anything; may be repeated.", valueName: "layer"))
  var ignore: [String] = []

  @Option(
    help: """
      How the scores of layers whose channels leave together become one: mean, sum, max or first (the first layer's; the mean over \
      features of it that a grouped convolution ties together); mean unless given.
      """)
  var reduction: GroupReduction?

  @Option(
    help: "What a layer's scores are divided by where layers are ranked together: none, mean or l2; what suits the criterion unless given.")
  var normalization: LayerNormalization?

  @Flag(
    inversion: .prefixedNo, help: "Of pruned weights: remove dead units at the end, so that tensors get smaller too; done unless given.")
  var compact: Bool?

  @Flag(help: "Let each training step count the same in activation and weight-norm sums.")
  var normalize = false

  @Flag(help: "Sum activations before the activation function.")
  var preActivation = false

  @Flag(help: "Keep the sign of taylor's products.")
  var signed = false

  @Option(
    help: ArgumentHelp(
      "Training images that criteria and repairs look at; 1000, for snip and grasp 10 of each class, unless given.", valueName: "images"))
  var examples: Int?

  @Option(help: "How snip and grasp run batch norms: training or evaluation; as their public code (grasp training) unless given.")
  var batchNormMode: BatchNormMode?

  @Option(help: "What obd takes for curvature: gauss-newton (never negative), or the Hessian's own diagonal by hutchinson.")
  var curvature: HessianProbes.Estimator?

  @Option(
    help: ArgumentHelp(
      "Random vectors for obd's curvature: 4 for each 50 images, or hutchinson's 16 for each 250, unless given.", valueName: "count"))
  var probes: Int?

  @Option(
    help: """
      Where criteria and mean replacement look at units: consumer (what the next layer sees) or output (before pooling); consumer \
      unless given.
      """)
  var meanAt: MeanPlace?

  @Option(
    help: ArgumentHelp(
      """
      What mends the loss before any training: mean (mean replacement), reconstruction (least squares in the layers behind), batch-norm \
      (new statistics); several with commas, done in the order they are written in, e.g. mean,batch-norm.
      """,
      valueName: "repairs"))
  var repair: String?

  @Option(help: "How means become biases: exact (with the layer's padding) or paper; exact unless given.")
  var meanForm: MeanReplacement.Form?

  @Flag(help: "Skip the proof after each surgery that the smaller network computes the same; for benchmarks only.")
  var noProof = false

  private var hessianProbes: HessianProbes? {
    guard curvature != nil || probes != nil else { return nil }
    return HessianProbes(curvature ?? .gaussNewton, count: probes)
  }

  private var criterionOptions: Set<Criterion.Option> {
    Set((normalize ? [.normalize] : []) + (preActivation ? [.preActivation] : []) + (signed ? [.signed] : []))
  }

  /// The plan that these options describe.
  ///
  /// - Throws: `PlanError` and `PruningError` for what no plan can be.
  func plan(seed: UInt64, defaultRecovery: Step, length: Step, regrowth: RegrowthOptions, rewinding: Rewinding?) throws -> PruningPlan {
    let isWeight = granularity == .weight
    let method = try self.method.map { try PruningMethod.named($0) }
    let usual = deviations != nil ? Criterion.threshold.name : isWeight ? "magnitude" : "l2"
    let plan = PruningPlan(
      method: method?.name, criterion: try Criterion(named: criterion ?? method?.criterion ?? usual, options: criterionOptions),
      granularity: granularity, allocation: try allocation(method), reduction: reduction ?? .mean, normalization: normalization,
      rounding: rounding ?? .round,
      amount: try amount(), timing: try timing(method, defaultRecovery, length), schedule: schedule ?? method?.schedule ?? .exponential,
      minimumLayerDensity: minimumLayerDensity,
      widthMultiple: widthMultiple, ignored: ignore, compact: compact ?? true, examples: examples, batchNorms: batchNormMode,
      curvature: hessianProbes, place: meanAt ?? .consumer, repairs: try repairs(),
      regrowth: try regrowth.plan(for: method, rewinding: rewinding), rescalesDropout: method?.rescalesDropout ?? false, seed: seed)
    try plan.validate()
    try refuseIdleOptions(in: plan)
    return plan
  }

  /// - Throws: `PlanError` for an option that would change nothing in this plan.
  private func refuseIdleOptions(in plan: PruningPlan) throws {
    if threshold != nil || deviations != nil {
      let amount = threshold != nil ? "--threshold" : "--deviations"
      let idle = [
        ("--scope", scope != nil), ("--normalization", normalization != nil), ("--rounding", rounding != nil),
        ("--schedule", schedule != nil),
      ]
      if let option = idle.first(where: { $0.1 })?.0 {
        throw PlanError("\(option) does not go with \(amount): each layer loses what scores below it")
      }
    }
    if fraction != nil, let schedule, schedule != .iterative {
      throw PlanError("--schedule \(schedule.rawValue) spreads --sparsity: with --fraction each round takes the same of what is left")
    }
    if rounding != nil, case .cost = plan.amount, [.global, .uniform, .erk, .lamp].contains(plan.allocation) {
      throw PlanError("--rounding does not go with --of and --scope \(plan.allocation): units leave one by one until the cost is met")
    }
    if reduction != nil, !plan.granularity.isStructured {
      throw PlanError("--reduction goes with --granularity unit or filter: single weights leave alone")
    }
    if compact != nil, plan.granularity.isStructured {
      throw PlanError("--compact and --no-compact go with --granularity weight: \(plan.granularity.plural) are cut out in any case")
    }
    let replacesMeans = plan.repairs.contains { if case .meanReplacement = $0 { true } else { false } }
    if meanForm != nil, !replacesMeans { throw PlanError("--mean-form goes with --repair mean") }
    if meanAt != nil, !replacesMeans, try !plan.criterion.looksAtUnits(plan.granularity) {
      throw PlanError("--mean-at goes with --repair mean and criteria that look at units' values: \(plan.criterion.name) does not")
    }
  }

  private func allocation(_ method: PruningMethod?) throws -> Allocation {
    guard let scope else { return method?.allocation ?? (granularity == .weight ? .global : .layer) }
    if let allocation = Allocation(name: scope) { return allocation }
    guard scope.contains(where: { "*?;,.".contains($0) }) else {
      throw PlanError(
        "--scope \(scope.debugDescription) is none: choose \(Allocation.names.joined(separator: ", ")), or sets of layers such as "
          + "\"conv1,conv2;fc*\"")
    }
    let sets = scope.split(separator: ";", omittingEmptySubsequences: false).map { set in
      set.split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmed }
    }
    guard !sets.joined().contains("") else {
      throw PlanError("--scope \(scope.quoted) names a layer without a name: write sets of layers such as \"conv1,conv2;fc*\"")
    }
    return .scoped(sets.map { $0.map { LayerPattern($0) } })
  }

  private func amount() throws -> PruningPlan.Amount {
    let given = [sparsity != nil, compression != nil, fraction != nil, limit != nil, threshold != nil, deviations != nil].count { $0 }
    guard given == 1 else {
      let question = "give --sparsity or --compression (in all) or --fraction (each time), --limit, --threshold or --deviations"
      throw PlanError(
        given == 0 ? "how much is to be pruned? \(question), e.g. --sparsity 0.9" : "one amount is enough: \(question), not several")
    }
    if let limit {
      guard let of else { throw PlanError("--limit \(limit) of what? give --of parameters, macs, bytes or latency") }
      // Said in milliseconds, as it was given, and not in the plan's seconds.
      guard limit > 0, limit.isFinite else { throw PlanError("--limit \(limit) is impossible: give a number above 0") }
      return .cost(CostTarget(of, .most(of == .latency ? limit / 1000 : limit)))
    }
    if sparsity != nil || compression != nil {
      let fraction = try sparsity.map { try Fraction.parse($0, option: "--sparsity") } ?? compression.map(Self.gone) ?? 0
      return of.map { .cost(CostTarget($0, .less(fraction))) } ?? .total(fraction)
    }
    if of != nil { throw PlanError("--of goes with --sparsity or --limit: a cost is reached in the end, not each time") }
    if let fraction { return .perEvent(try Fraction.parse(fraction, option: "--fraction")) }
    if let threshold { return .threshold(threshold) }
    return .deviations(deviations ?? 0)
  }

  /// The fraction that is gone where 1/c is left.
  private static func gone(_ compression: String) throws -> Double {
    guard let times = Double(compression), times >= 1, 1 - 1 / times < 1 else {
      throw PlanError("--compression \(compression) is impossible: give a number from 1 on, e.g. 10 to leave a tenth")
    }
    return 1 - 1 / times
  }

  private func timing(_ method: PruningMethod?, _ defaultRecovery: Step, _ length: Step) throws -> PruningPlan.Timing {
    let recovery = try recovery.map { try Step($0, option: "--recovery") }
    if let method, method.timing == .everyStep {
      guard !atStart, rounds == nil, every == nil, recovery == nil, until == nil, schedule == nil, criterion == nil else {
        throw PlanError(
          "--method \(method.name) chooses anew at every step by scores of its own: "
            + "--criterion, --at-start, --rounds, --recovery, --every, --until and --schedule do not go with it")
      }
      return .everyStep
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
    if let method, case .during(let removals, let share) = method.timing {
      let last = end ?? length.scaled(by: share)
      step = step ?? last.scaled(by: 1 / Double(max(removals, 1)))
      end = last
    }
    guard let every = step else {
      guard until == nil else { throw PlanError("--until ends what --every begins: give --every as well") }
      let rounds = rounds ?? (granularity == .weight ? 5 : 1)
      guard (1...10_000).contains(rounds) else { throw PlanError("--rounds \(rounds) is impossible: give 1 to 10000") }
      return .rounds(rounds, recovery: recovery ?? defaultRecovery)
    }
    guard every.iterations(perEpoch: 1) > 0 else { throw PlanError("--every \(every) is impossible: give at least 1ep or 1it") }
    guard rounds == nil, recovery == nil else {
      throw PlanError("--every prunes during training: --rounds and --recovery do not go with it")
    }
    return .during(every: every, until: end)
  }

  private func repairs() throws -> [PruningPlan.Repair] {
    try (repair ?? "").split(separator: ",").map { word in
      switch word.trimmingPrefix(" ") {
      case "mean": .meanReplacement(MeanReplacement(form: meanForm ?? .exact, place: meanAt ?? .consumer))
      case "reconstruction": .reconstruction(Reconstruction())
      case "batch-norm": .batchNorms
      default:
        throw PlanError(
          "--repair \(String(word).debugDescription) is none: choose mean, reconstruction, batch-norm, or several, e.g. mean,batch-norm")
      }
    }
  }
}

extension String {
  fileprivate var trimmed: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}

extension Granularity: ExpressibleByArgument {}
extension Rounding: ExpressibleByArgument {}
extension SparsitySchedule: ExpressibleByArgument {}
extension CostTarget.Measure: ExpressibleByArgument {}
extension GroupReduction: ExpressibleByArgument {}
extension LayerNormalization: ExpressibleByArgument {}
extension BatchNormMode: ExpressibleByArgument {}
extension HessianProbes.Estimator: ExpressibleByArgument {}
extension MeanPlace: ExpressibleByArgument {}
extension MeanReplacement.Form: ExpressibleByArgument {}
