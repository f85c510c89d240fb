internal import Networks
public import Pruning
public import Results

/// The end of a run that prunes weights: counts what is kept of each layer, and cuts dead units out where the plan says so.
public struct Compact: Stage {
  /// `compact`, in recipes.
  public static let name = "compact"
  /// Kept weights by layer, and the proof of the cut.
  public static let outcomes: [any StageOutcome.Type] = [Compaction.self]
  /// Whose ``PruningPlan/compact`` decides.
  public var pruning: PruningPlan

  /// The end of this plan's run.
  public init(_ pruning: PruningPlan) { self.pruning = pruning }

  /// The plan whose weights were removed.
  public var prunes: PruningPlan? { pruning }
  /// False: it takes a fraction of a second.
  public var isKept: Bool { false }

  /// Counts, and cuts with a proof.
  public func carryOut(in run: Runner) throws {
    let layers = try MaskSet(run.model).layers.map { LayerSurvivors(layer: $0.name, kept: $0.kept, of: $0.prunable) }
    var compaction = Compaction(survivors: layers)
    defer { run.state[Compaction.self] = compaction }
    guard pruning.compact, let pruner = run.pruner else { return }
    let compacted = try pruner.compact(run.model, iteration: run.iterations)
    run.model = compacted.model
    for line in compacted.notes { run.note(line) }
    if let removal = compacted.removal { run.state.history.append(removal) }
    compaction.hasCut = compacted.removal != nil
    compaction.proof = compacted.proof?.relativeDifference
    compaction.hasConstantOutput = compacted.proof?.isConstant ?? false
  }
}

/// What was there before dead units left, and whether the cut was proved.
public struct Compaction: StageOutcome {
  /// `compaction`, in checkpoints.
  public static let key = "compaction"
  /// What is kept of each layer's weights, before any unit is cut.
  public var survivors: [LayerSurvivors]
  /// Whether units were cut.
  public var hasCut = false
  /// The largest difference of the masked and the cut network's outputs, relative to the largest output; nil if nothing was compared.
  public var proof: Double?
  /// Whether these outputs were the same for all inputs, which proves nothing.
  public var hasConstantOutput = false

  /// Puts the counts into ``Results/RunRecord/layers``.
  public func fill(_ row: inout RunRecord, of run: Runner) { row.layers = survivors }
}
