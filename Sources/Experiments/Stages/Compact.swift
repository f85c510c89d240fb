internal import Networks
public import Pruning
public import Results

/// The last stage of a run that prunes weights: counts kept weights by layer, and removes dead units if the plan asks for that.
public struct Compact: Stage {
  /// Name of the kind in recipes, `compact`.
  public static let name = "compact"
  /// ``Compaction``: kept weights by layer, and the proof of the surgery.
  public static let outcomes: [any StageOutcome.Type] = [Compaction.self]
  /// The plan whose weights were removed; its ``PruningPlan/cutsDeadUnits`` says whether dead units are removed.
  public var pruning: PruningPlan

  /// Creates the last stage of a plan's run.
  public init(_ pruning: PruningPlan) { self.pruning = pruning }

  /// The plan whose weights were removed.
  public var prunes: PruningPlan? { pruning }
  /// False: repeating the work takes a fraction of a second.
  public var isKept: Bool { false }

  /// Counts kept weights, and removes dead units with a proof.
  public func carryOut(in run: Runner) throws {
    let layers = try MaskSet(run.model).layers.map { LayerSurvivors(layer: $0.name, kept: $0.kept, of: $0.prunable) }
    var compaction = Compaction(survivors: layers)
    defer { run.state[Compaction.self] = compaction }
    guard pruning.cutsDeadUnits, let pruner = run.pruner else { return }
    let compacted = try pruner.compact(run.model, iteration: run.iterations)
    run.model = compacted.model
    for line in compacted.notes { run.note(line) }
    if let removal = compacted.removal { run.state.history.append(removal) }
    compaction.hasCut = compacted.removal != nil
    compaction.proof = compacted.proof?.relativeDifference
    compaction.hasConstantOutput = compacted.proof?.isConstant ?? false
  }
}

/// Kept weights by layer before dead units were removed, and the proof of their removal.
public struct Compaction: StageOutcome {
  /// Key of the outcome in checkpoints, `compaction`.
  public static let key = "compaction"
  /// Kept weights of each layer before any unit was removed.
  public var survivors: [LayerSurvivors]
  /// Whether units were removed.
  public var hasCut = false
  /// Largest difference between the outputs of the masked and the compacted network, relative to the largest output; nil if they were not
  /// compared.
  public var proof: Double?
  /// Whether these outputs were the same for all inputs, in which case the comparison proves nothing.
  public var hasConstantOutput = false

  /// Sets ``Results/RunRecord/layers``.
  public func fill(_ row: inout RunRecord, of run: Runner) { row.layers = survivors }
}
