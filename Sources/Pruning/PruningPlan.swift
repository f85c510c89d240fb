internal import Networks
public import Training

/// What is pruned, by which score, how much, when, and how the loss is repaired: a value that recipes, checkpoints and reports can hold.
public struct PruningPlan: Codable, Hashable, Sendable {
  /// How much is removed.
  public enum Amount: Codable, Hashable, Sendable {
    /// This fraction of all prunable things (weights, or units) is gone after the last event, exactly.
    case total(Double)
    /// Each event removes this fraction of what is still there: with ``Rounding/round`` (1 − p)^k of all that was there stays after
    /// event k, the other roundings count each event by itself.
    case perEvent(Double)
    /// The network costs so much after the last event (units and filters only).
    case cost(CostTarget)
    /// Each event removes what scores below this.
    case threshold(Double)
    /// Each event removes the weights below q standard deviations of their layer's (Han et al. 2015).
    case deviations(Double)
  }

  /// When it is removed.
  public enum Timing: Codable, Hashable, Sendable {
    /// In rounds after training, each one a removal and then `recovery` steps of training; one round is one-shot.
    case rounds(Int, recovery: Step)
    /// During training, after every k-th such step before the end: after epoch k·N while k·N < epochs (Salcedo & Sharma). With
    /// `until` the last removal is the last one not after that step; what follows trains what is left.
    case during(every: Step, until: Step? = nil)
    /// Before the first training step, in so many removals without training between them (SNIP, GraSP: 1; SynFlow: 100).
    case atStart(rounds: Int)
    /// Anew at every step from the first on, while scores are trained in the weights' place (``EdgePopup``).
    case everyStep
  }

  /// What is done for the accuracy right after units left, before any training.
  public enum Repair: Codable, Hashable, Sendable {
    /// What removed units said on average moves into the biases of their listeners.
    case meanReplacement(MeanReplacement)
    /// Layers that lost inputs are fitted to what they said before.
    case reconstruction(Reconstruction)
    /// Batch norms get running statistics of the smaller network.
    case batchNorms
  }

  /// The catalogue name of the method that the plan follows, e.g. `rigl`; nil for a plan put together by hand.
  public var method: String?
  /// The score: low ones go first.
  public var criterion: Criterion
  /// Single weights, or whole units.
  public var granularity: Granularity
  /// How the removal is spread over the layers.
  public var allocation: Allocation
  /// How the scores of a channel group's layers become one.
  public var reduction: GroupReduction
  /// What layers' scores are divided by where layers are ranked together; nil for what the criterion says.
  public var normalization: LayerNormalization?
  /// How a fraction becomes a count.
  public var rounding: Rounding
  /// How much.
  public var amount: Amount
  /// When.
  public var timing: Timing
  /// How a total is spread over the events.
  public var schedule: SparsitySchedule
  /// No layer is left with fewer than this fraction of its things.
  public var minimumLayerDensity: Double
  /// Widths that shrink become multiples of this, or stay where they are nearer (units only); 1 leaves them as they come.
  public var widthMultiple: Int
  /// Names or patterns of groups (units) or layers (weights) left alone.
  public var ignored: [String]
  /// Whether dead units are removed physically at the end (weights only; units are always removed).
  public var compact: Bool
  /// Training examples that criteria and repairs look at; nil for what the criterion wants (``exampleCount(classes:)``).
  public var examples: Int?
  /// How batch norms are run while the criterion scores; nil for as its public code does (``scoringMode``).
  public var batchNorms: BatchNormMode?
  /// How the curvature is estimated; nil for the usual way, where the criterion looks at it at all.
  public var curvature: HessianProbes?
  /// Where criteria look at units' values.
  public var place: MeanPlace
  /// In order; units only.
  public var repairs: [Repair]
  /// How weights come back while the network trains; nil if they do not, and nothing is recorded of it.
  public var regrowth: RegrowthPlan?
  /// Whether each removal of weights lowers dropout by what its listeners lost (``Training/Model/rescalingDropout(from:)``).
  public var rescalesDropout: Bool
  /// For random scores, the choice of examples and proofs.
  public var seed: UInt64

  // `course` is what the first model files call the method.
  private enum CodingKeys: String, CodingKey {
    case method = "course"
    case criterion, granularity, allocation, reduction, normalization, rounding, amount, timing, schedule, minimumLayerDensity,
      widthMultiple, ignored, compact, examples, batchNorms, curvature, place, repairs, regrowth, rescalesDropout, seed
  }

  /// A plan; see the properties.
  public init(
    method: String? = nil, criterion: Criterion, granularity: Granularity, allocation: Allocation, reduction: GroupReduction = .mean,
    normalization: LayerNormalization? = nil, rounding: Rounding = .round, amount: Amount, timing: Timing,
    schedule: SparsitySchedule = .exponential, minimumLayerDensity: Double = 0, widthMultiple: Int = 1, ignored: [String] = [],
    compact: Bool = true, examples: Int? = nil, batchNorms: BatchNormMode? = nil, curvature: HessianProbes? = nil,
    place: MeanPlace = .consumer, repairs: [Repair] = [], regrowth: RegrowthPlan? = nil, rescalesDropout: Bool = false, seed: UInt64 = 0
  ) {
    self.method = method
    self.criterion = criterion
    self.granularity = granularity
    self.allocation = allocation
    self.reduction = reduction
    self.normalization = normalization
    self.rounding = rounding
    self.amount = amount
    self.timing = timing
    self.schedule = schedule
    self.minimumLayerDensity = minimumLayerDensity
    self.widthMultiple = widthMultiple
    self.ignored = ignored
    self.compact = compact
    self.examples = examples
    self.batchNorms = batchNorms
    self.curvature = curvature
    self.place = place
    self.repairs = repairs
    self.regrowth = regrowth
    self.rescalesDropout = rescalesDropout
    self.seed = seed
  }

  /// The plan for a scope: layers lose a fraction each, or compete.
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

  /// Whether criteria or repairs look at training examples.
  public var needsExamples: Bool { criterion.needsExamples || criterion.sumsOverSteps || !repairs.isEmpty }

  /// Whether it can be carried out on this model, and in a training of these steps: all that can be known before the first step.
  ///
  /// - Parameter span: the training in whose course or before which it removes; nil if there is none.
  /// - Throws: ``PruningError`` and `PlanError` for what would be refused only after hours of work.
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
    }
    let removals: Int? =
      switch timing {
      case .rounds(let count, _), .atStart(let count): count
      case .during: span.flatMap { self.removals(in: $0)?.count }
      case .everyStep: nil
      }
    // What earlier runs have removed counts, and may have left a layer below its floor.
    if let removals, removals > 0, model.masks.isEmpty, network.lineage == nil { try checkCounts(of: network, removals: removals) }
  }
}
