public import Networks
public import Training

/// A plan for pruning: by which criterion, how much, at which granularity, when, and with which repairs. Recipes, checkpoints and reports
/// store it.
public struct PruningPlan: Codable, Hashable, Sendable {
  /// The amount to remove.
  public enum Amount: Codable, Hashable, Sendable {
    /// Fraction of all prunable things (weights or units) that is gone after the last event, exactly.
    case total(Double)
    /// Fraction of what is left that each event removes: with ``Rounding/round`` a fraction (1 − p)^k of the original things stays after
    /// event k; the other roundings round at each event separately.
    case perEvent(Double)
    /// Cost of the network after the last event (units and filters only).
    case cost(CostTarget)
    /// Threshold below which each event removes everything.
    case threshold(Double)
    /// Number q of standard deviations of the layer's weights below which each event removes weights (Han et al. 2015).
    case deviations(Double)
    /// What training itself closes (``HardConcreteGates``).
    case learned
  }

  /// The times of the removals.
  public enum Timing: Codable, Hashable, Sendable {
    /// In rounds after training, each of them a removal followed by `recovery` steps of training; a single round is one-shot pruning.
    case rounds(Int, recovery: Step)
    /// During training, after every multiple of `every` before the end: after epoch k·N while k·N < epochs (Salcedo & Sharma). With `until`
    /// no removal is later than that step; the rest of the training recovers.
    case during(every: Step, until: Step? = nil)
    /// Before the first training step, in a number of removals without training between them (SNIP, GraSP: 1; SynFlow: 100).
    case atStart(rounds: Int)
    /// Anew at every step from the first on, while scores are trained instead of weights (``EdgePopup``), or while gates
    /// are trained beside them (``HardConcreteGates``).
    case everyStep
  }

  /// A repair of the model right after units are removed, before any training.
  public enum Repair: Codable, Hashable, Sendable {
    /// The mean outputs of removed units are added to the biases of their consumers.
    case meanReplacement(MeanReplacement)
    /// Layers that lost inputs are fitted to their previous outputs.
    case reconstruction(Reconstruction)
    /// Batch norms get running statistics of the smaller network.
    case batchNorms
  }

  /// Name in the catalogue of the method that the plan follows, e.g. `rigl`; nil for a plan of no method.
  public var method: String?
  /// Criterion; low scores are removed first, unless ``order`` says otherwise.
  public var criterion: Criterion
  /// Which end of the scores leaves first; nil for the lowest.
  public var order: RemovalOrder?
  /// Whether single weights, units or filters are removed.
  public var granularity: Granularity
  /// The shape in which weights are removed; nil for single ones (weights only).
  public var pattern: WeightPattern?
  /// Distribution of the removal over the layers.
  public var allocation: Allocation
  /// How a channel's scores in several layers of its group become one, or those of a block's weights.
  public var reduction: GroupReduction
  /// Normalisation of scores if layers are ranked together; nil for the criterion's own.
  public var normalization: LayerNormalization?
  /// How a fraction is rounded to a count.
  public var rounding: Rounding
  /// Amount to remove.
  public var amount: Amount
  /// Times of the removals.
  public var timing: Timing
  /// Distribution of a total over the events.
  public var schedule: SparsitySchedule
  /// Minimum fraction of its things that each layer keeps.
  public var minimumLayerDensity: Double
  /// Number of which widths that shrink become multiples, unless the present width is nearer (units only); 1 for any width.
  public var widthMultiple: Int
  /// What leaves attention as one unit; nil for what the network says, heads unless it was told otherwise (units only).
  public var attentionUnit: Attention.Unit?
  /// Names or patterns of groups (units) or layers (weights) that are not pruned.
  public var ignored: [String]
  /// Whether dead units are cut out at the end (weights only, but not by a pattern that this would move; removed units are always cut out).
  public var compact: Bool
  /// Number of training examples for criteria and repairs; nil for the criterion's own (``exampleCount(classes:)``).
  public var examples: Int?
  /// Mode of batch norms while the criterion scores; nil for that of its public code (``scoringMode``).
  public var batchNorms: BatchNormMode?
  /// Probes that estimate the curvature; nil for the default, if the criterion uses the curvature at all.
  public var curvature: HessianProbes?
  /// Place where units' values are taken by criteria.
  public var place: MeanPlace
  /// Repairs, in the order in which they are applied (units only).
  public var repairs: [Repair]
  /// How pruned weights come back during training; nil if they do not, and no regrowth is recorded.
  public var regrowth: RegrowthPlan?
  /// How gates are trained that decide what leaves; nil if there are none.
  public var gates: GatePlan?
  /// What becomes of what removals choose, if it is disturbed for a while and stays; nil if it leaves.
  public var temporary: TemporaryRemoval?
  /// Whether each removal of weights lowers the dropout before the pruned layers (`Model.rescalingDropout`).
  public var rescalesDropout: Bool
  /// Seed of random scores, the choice of examples, and proofs.
  public var seed: UInt64

  // The first model files call the method `course`.
  private enum CodingKeys: String, CodingKey {
    case method = "course"
    case criterion, order, granularity, pattern, allocation, reduction, normalization, rounding, amount, timing, schedule,
      minimumLayerDensity,
      widthMultiple, attentionUnit, ignored, compact, examples, batchNorms, curvature, place, repairs, regrowth, gates, temporary,
      rescalesDropout, seed
  }

  /// Creates a plan; every parameter sets the property of the same name.
  public init(
    method: String? = nil, criterion: Criterion, order: RemovalOrder? = nil, granularity: Granularity,
    pattern: WeightPattern? = nil, allocation: Allocation,
    reduction: GroupReduction = .mean,
    normalization: LayerNormalization? = nil, rounding: Rounding = .round, amount: Amount, timing: Timing,
    schedule: SparsitySchedule = .exponential, minimumLayerDensity: Double = 0, widthMultiple: Int = 1,
    attentionUnit: Attention.Unit? = nil, ignored: [String] = [], compact: Bool = true, examples: Int? = nil,
    batchNorms: BatchNormMode? = nil, curvature: HessianProbes? = nil,
    place: MeanPlace = .consumer, repairs: [Repair] = [], regrowth: RegrowthPlan? = nil, gates: GatePlan? = nil,
    temporary: TemporaryRemoval? = nil, rescalesDropout: Bool = false, seed: UInt64 = 0
  ) {
    self.method = method
    self.criterion = criterion
    self.order = order
    self.granularity = granularity
    self.pattern = pattern
    self.allocation = allocation
    self.reduction = reduction
    self.normalization = normalization
    self.rounding = rounding
    self.amount = amount
    self.timing = timing
    self.schedule = schedule
    self.minimumLayerDensity = minimumLayerDensity
    self.widthMultiple = widthMultiple
    self.attentionUnit = attentionUnit
    self.ignored = ignored
    self.compact = compact
    self.examples = examples
    self.batchNorms = batchNorms
    self.curvature = curvature
    self.place = place
    self.repairs = repairs
    self.regrowth = regrowth
    self.gates = gates
    self.temporary = temporary
    self.rescalesDropout = rescalesDropout
    self.seed = seed
  }

  /// Creates a plan for a scope: layers lose a fraction each, or are ranked together.
  public init(
    criterion: Criterion, granularity: Granularity, scope: Scope, rounding: Rounding = .round, amount: Amount, timing: Timing,
    schedule: SparsitySchedule = .exponential, minimumLayerDensity: Double = 0, widthMultiple: Int = 1, ignored: [String] = [],
    compact: Bool = true, seed: UInt64 = 0
  ) {
    self.init(
      criterion: criterion, granularity: granularity, allocation: Allocation(scope), rounding: rounding, amount: amount, timing: timing,
      schedule: schedule, minimumLayerDensity: minimumLayerDensity, widthMultiple: widthMultiple, ignored: ignored, compact: compact,
      seed: seed)
  }

  /// Whether criterion or repairs need training examples.
  public var needsExamples: Bool { criterion.needsExamples || criterion.sumsOverSteps || !repairs.isEmpty }

  /// Checks, before the first step, that the plan goes with a model and, if given, with a training.
  ///
  /// - Parameter span: the training during or before which the plan removes; nil if there is none.
  /// - Throws: ``PruningError`` and `PlanError` for problems that would otherwise show only after hours of work.
  public func check(on model: Model, in span: TrainingSpan?) throws {
    let network = model.network
    if !network.hasBatchNorms {
      for (option, isGiven) in [("--repair batch-norm", repairs.contains(.batchNorms)), ("--batch-norm-mode", batchNorms != nil)]
      where isGiven {
        throw PlanError("\(option) needs batch norms: \(network.name) has none")
      }
    }
    try checkLoneExample(on: network)
    _ = try Pruner(self, original: network)
    if let span {
      try checkRemovals(in: span)
      try checkRegrowth(in: span, of: network)
      try checkTemporary(in: span)
    }
    let removals: Int? =
      switch timing {
      case .rounds(let count, _), .atStart(let count): count
      case .during: span.flatMap { self.removals(in: $0)?.count }
      // Gates leave once, after training.
      case .everyStep: gates == nil ? nil : 1
      }
    // The removals of earlier runs count as well, and may have left a layer below its floor.
    if let removals, removals > 0, model.masks.isEmpty, network.lineage == nil { try checkCounts(of: network, removals: removals) }
  }
}
