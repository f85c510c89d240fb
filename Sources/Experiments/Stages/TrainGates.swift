internal import Datasets
internal import Foundation
internal import Networks
public import Pruning
public import Results
public import Training

/// Trains weights together with gates that multiply them, and removes what has closed (``HardConcreteGates``).
public struct TrainGates: Stage {
  /// Name of the kind in recipes, `train-gates`.
  public static let name = "train-gates"
  /// ``GateReport``: how many gates closed, and at what λ.
  public static let outcomes: [any StageOutcome.Type] = [GateReport.self]
  /// The training of weights and gates.
  public var training: RegularizedTraining
  /// The plan that says where gates stand, how they are trained, and how much leaves.
  public var pruning: PruningPlan

  /// Creates a training with gates.
  public init(_ training: RegularizedTraining, _ pruning: PruningPlan) {
    self.training = training
    self.pruning = pruning
  }

  /// The training of weights and gates.
  public var trains: RegularizedTraining? { training }
  /// The plan of the removal.
  public var prunes: PruningPlan? { pruning }

  /// Checks that there is a place for gates, and that λ's warm-up ends before the training.
  public func check(on model: Model, _ data: TrainingData?) throws {
    _ = try HardConcreteGates(pruning, model: model, examples: data?.training.count ?? 1)
    guard let data, let warmUp = pruning.gates?.warmUp else { return }
    let span = try TrainingSpan(training.plan, on: data)
    guard warmUp.iterations(perEpoch: span.perEpoch) <= span.total else {
      throw PlanError("--lambda-warm-up \(warmUp) is longer than the training of \(training.plan.length)")
    }
  }

  /// Trains, removes what is closed, and records it as one removal.
  public func carryOut(in run: Runner) throws {
    let gates = try HardConcreteGates(pruning, model: run.model, examples: run.data?.training.count ?? 1)
    if !run.isResumed {
      if run.experiment.start.isFresh { try run.recordDenseShape() } else { try run.recordDense() }
    }
    try run.train(training, phase: "gates", hooks: [gates])
    let before = try run.evaluate(gates.folded(run.model))
    var removal = try gates.removal(from: run.model, iteration: run.iterations, proves: run.pruner?.proves ?? true)
    run.model = removal.model
    for line in removal.notes { run.note(line) }
    removal.event.before = before
    removal.event.after = try run.evaluate(run.model)
    run.state[GateReport.self] = GateReport(gates, removal)
    try run.record(removal.event, removal.removals[0])
    for further in removal.removals.dropFirst() { run.state.history.append(further) }
  }
}

/// What became of gates, layer by layer.
public struct GateReport: StageOutcome, Hashable {
  /// Key of the outcome in checkpoints, `gates`.
  public static let key = "gates"
  /// Number of gates.
  public var count: Int
  /// Number of gates that were closed before any was closed or opened to meet the amount.
  public var closed: Int
  /// Factor by which λ was multiplied at the end to meet an amount; nil if λ was as given.
  public var strength: Double?
  /// Gates that are left, and of how many, by layer.
  public var layers: [LayerSurvivors]
  /// Number of units that nothing read any more, cut out besides.
  public var dead: Int

  init(count: Int, closed: Int, strength: Double?, layers: [LayerSurvivors]) {
    (self.count, self.closed, self.strength, self.layers, dead) = (count, closed, strength, layers, 0)
  }

  init(_ gates: HardConcreteGates, _ removal: GateRemoval) {
    (count, closed, dead) = (gates.count, removal.closedByThemselves, removal.dead)
    strength = gates.follows ? gates.strength : nil
    layers = removal.layers.map { LayerSurvivors(layer: $0.name, kept: $0.kept, of: $0.count) }
  }

  /// How many gates closed, what is left of each layer, and what λ was.
  public func notes(of run: Runner) -> [RunNote] {
    guard let plan = run.experiment.pruning, let gates = plan.gates else { return [] }
    let left = layers.map { "\($0.layer) \(Format.count($0.kept)) of \(Format.count($0.total))" }.joined(separator: ", ")
    let adapted = strength.map { " times \(String(format: "%.3g", $0)), adapted to what was asked" } ?? ""
    let pressure = plan.timing == .everyStep ? ", at \(gates.words)\(adapted)" : ""
    var words = ["\(Format.count(closed)) of \(Format.count(count)) closed by themselves\(pressure)", "left: \(left)"]
    if dead > 0 { words.append("\(Format.count(dead)) more unit\(dead == 1 ? "" : "s"), which nothing read any more, were cut out") }
    return [RunNote(subject: "gates", words: words.joined(separator: "; "))]
  }
}
