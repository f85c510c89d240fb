internal import Datasets
internal import Networks
public import Pruning
public import Training

/// Learns to learn tasks and prunes in between, for the pruned network and for those that it is compared with.
///
/// Each network is learned by as many outer steps on the same tasks; removals come between its trainings. The stage ends with the pruned
/// network, and with what all of them are worth to new tasks once their last layer is fitted.
public struct MetaPrune: Stage {
  /// Name of the kind in recipes, `meta-prune`.
  public static let name = "meta-prune"
  /// ``MetaOutcome``: the networks with their accuracies; ``GateReport``: what became of gates.
  public static let outcomes: [any StageOutcome.Type] = [MetaOutcome.self, GateReport.self]
  /// The outer optimizer, its learning rate and the number of its steps before the first removal.
  public var training: RegularizedTraining
  /// The score, granularity and amount of the removals, and the number of outer steps after each.
  public var pruning: PruningPlan
  /// The tasks, how they are learned, and the controls.
  public var meta: MetaPruningPlan

  /// Creates a stage; every parameter sets the property of the same name.
  public init(_ training: RegularizedTraining, _ pruning: PruningPlan, _ meta: MetaPruningPlan) {
    self.training = training
    self.pruning = pruning
    self.meta = meta
  }

  /// The training by outer steps.
  public var trains: RegularizedTraining? { training }
  /// The plan of the removals.
  public var prunes: PruningPlan? { pruning }
  /// One output for each class of a task.
  public var outputs: Int? { meta.form.ways }

  /// Number of outer steps before each removal, and after the last.
  var segments: [Int] {
    guard case .rounds(let count, let recovery) = pruning.timing else { return [] }
    return [training.plan.length.iterations(perEpoch: 1)] + Array(repeating: recovery.iterations(perEpoch: 1), count: max(count, 1))
  }

  /// Checks the plan, the classes and images of tasks, and that the network ends in a layer that can be fitted alone.
  public func check(on model: Model, _ data: TrainingData?) throws {
    try meta.validate()
    guard case .rounds = pruning.timing, segments.allSatisfy({ $0 > 0 }) else {
      throw PlanError("meta-pruning learns before and after each removal: its trainings need at least one step each")
    }
    guard !pruning.amount.isScored else {
      throw PlanError("meta-pruning compares networks of equal size: give a fraction, not a threshold")
    }
    let total = segments.reduce(0) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 }
    guard total <= 1_000_000_000 / (meta.controls.count + 1) else {
      throw PlanError("a meta-pruning of \(total) steps for each network is too long: 1000000000 in all are possible")
    }
    guard (meta.keeps == .masks) == (pruning.gates != nil) else {
      throw PlanError("masks are learned by gates: a plan of them goes with --meta masks, and with nothing else")
    }
    if pruning.gates != nil { _ = try MetaGates(pruning, model: model, examples: data?.training.count ?? 1, steps: 1) }
    if meta.fractionSteps != nil, case .cost = pruning.amount {
      throw PlanError("--learn-fractions spreads a number of things over the layers: it does not go with a cost (--of)")
    }
    if meta.fractionSteps != nil, case let names = try pruning.countedNames(in: model.network), names.count < 2 {
      throw PlanError(
        "--learn-fractions spreads a removal over layers, and \(model.network.name) has one that can be pruned: "
          + names.joined(separator: ", "))
    }
    if meta.learning.pruneGradient == .straightThrough {
      guard pruning.granularity == .weight, case .total = pruning.amount else {
        throw PlanError("--prune-gradient straight-through chooses anew among all weights: give --granularity weight and --sparsity")
      }
    }
    guard model.network.head != nil else {
      throw PlanError("meta-pruning fits the last layer to each task: \(model.network.name) does not end in a linear layer")
    }
    if let data { _ = try MetaTasks(meta, of: data, seed: training.plan.seed, channelsLast: model.network.hasConvolutions) }
  }

  /// Learns and prunes all networks, the pruned one last.
  public func carryOut(in run: Runner) throws { try MetaCourse(self, in: run).carryOut() }
}

extension PruningPlan.Amount {
  /// Whether scores decide how much is removed.
  fileprivate var isScored: Bool {
    switch self {
    case .threshold, .deviations, .learned: true
    case .total, .perEvent, .cost: false
    }
  }
}
