public import Torch

/// What a selection chooses from: one layer's scores.
public struct ScoredLayer {
  /// The layer's or group's name.
  public var name: String
  /// float32 or float64; the lowest leave. For weights of the weight's shape, for units one per unit.
  public var scores: Tensor
  /// Bool, of the scores' shape: what is still there; nil if everything is.
  public var kept: Tensor?
  /// How many things there were before the first event; cumulative amounts and floors are fractions of it.
  public var original: Int
  /// The names that patterns of ``Allocation/scoped(_:)`` find it by: for units, those of all producers of the group.
  public var members: [String]
  /// Dimensions of the weight, from which ``Allocation/erk`` computes densities.
  public var dimensions: [Int]
  /// The standard deviation (population form) of the signed weights still there, for ``RemovalAmount/belowDeviations(_:)``.
  public var deviation: Double?

  /// A layer; `original` is the number of scores, `members` the name and `dimensions` the scores' shape unless given.
  public init(
    name: String, scores: Tensor, kept: Tensor? = nil, original: Int? = nil, members: [String]? = nil,
    dimensions: [Int]? = nil,
    deviation: Double? = nil
  ) {
    self.name = name
    self.scores = scores
    self.kept = kept
    self.original = original ?? scores.count
    self.members = members ?? [name]
    self.dimensions = dimensions ?? scores.shape
    self.deviation = deviation
  }
}

/// How a selection chooses.
public struct SelectionRule: Hashable, Sendable {
  /// How the removal is spread over the layers.
  public var allocation: Allocation
  /// How a fraction becomes a count.
  public var rounding: Rounding
  /// No layer falls below this fraction of its original things (rounded up).
  public var minimumLayerDensity: Double
  /// No layer falls below this many: 1 for units, 0 for weights.
  public var minimumCount: Int
  /// What stays of a layer is a multiple of this (see ``WidthMultiple``); 1 leaves it as it comes.
  public var widthMultiple: Int
  /// Which removal this is, from 1, if it is one of several that each take a fraction of what is left: with ``Rounding/round``, and
  /// where widths are rounded, it then takes what the course of all of them takes by then (``followsCourse``), so that roundings do not
  /// add up (64 units, 5 % at a time: 61, 58, … 50, and with multiples of 16 at last 48).
  public var event: Int?
  /// Things of each layer, by name, before the first of these removals, which may find a pruned model; the originals unless given.
  public var starts: [String: Int] = [:]
  /// What each layer's scores are divided by where layers are ranked together (``Allocation/global``, ``Allocation/scoped(_:)``).
  public var normalization: LayerNormalization

  /// A rule; see the properties.
  public init(
    _ allocation: Allocation, rounding: Rounding = .round, minimumLayerDensity: Double = 0, minimumCount: Int = 0,
    widthMultiple: Int = 1, normalization: LayerNormalization = .none
  ) {
    self.allocation = allocation
    self.rounding = rounding
    self.minimumLayerDensity = minimumLayerDensity
    self.minimumCount = minimumCount
    self.widthMultiple = widthMultiple
    self.normalization = normalization
  }

  /// The rule for a scope.
  public init(
    scope: Scope, rounding: Rounding = .round, minimumLayerDensity: Double = 0, minimumCount: Int = 0, widthMultiple: Int = 1,
    normalization: LayerNormalization = .none
  ) {
    self.init(
      Allocation(scope), rounding: rounding, minimumLayerDensity: minimumLayerDensity, minimumCount: minimumCount,
      widthMultiple: widthMultiple, normalization: normalization)
  }

  /// The rule for things of this size: of units at least one stays in each layer.
  public init(
    granularity: Granularity, allocation: Allocation, rounding: Rounding = .round, minimumLayerDensity: Double = 0,
    widthMultiple: Int = 1, normalization: LayerNormalization = .none
  ) {
    self.init(
      allocation, rounding: rounding, minimumLayerDensity: minimumLayerDensity, minimumCount: granularity.isStructured ? 1 : 0,
      widthMultiple: granularity.isStructured ? widthMultiple : 1, normalization: normalization)
  }

  /// The rule for things of this size and a scope.
  public init(
    granularity: Granularity, scope: Scope, rounding: Rounding = .round, minimumLayerDensity: Double = 0, widthMultiple: Int = 1,
    normalization: LayerNormalization = .none
  ) {
    self.init(
      granularity: granularity, allocation: Allocation(scope), rounding: rounding, minimumLayerDensity: minimumLayerDensity,
      widthMultiple: widthMultiple, normalization: normalization)
  }

  /// The layers with scores that can be compared, where the allocation compares them.
  func normalized(_ layers: [ScoredLayer]) throws -> [ScoredLayer] {
    switch allocation {
    case .layer, .uniform, .erk, .lamp: layers
    case .global, .scoped: try layers.map { try normalization.applied(to: $0) }
    }
  }

  /// Whether fractions of what is left are counted from what there was before the first event, not each by itself.
  var followsCourse: Bool { rounding == .round || widthMultiple > 1 }

  /// Whether the scores that are compared are those of the criterion.
  var scoresAreTheCriterions: Bool {
    switch allocation {
    case .layer, .uniform, .erk, .lamp: true
    case .global, .scoped: normalization == .none
    }
  }

  func floor(original: Int) -> Int { max(minimumCount, Rounding.ceil.count(minimumLayerDensity, of: original)) }
}

/// An exact choice of what leaves: asked = removed, equal scores in the order of layers and then row-major.
///
/// ```swift
/// let selection = try Selection(.ofKept(0.2), of: layers, rule: SelectionRule(scope: .global))
/// ```
/// Linear time: the k-th smallest score is found by radix over the scores' bits, nothing is sorted.
public struct Selection {
  /// One layer's part.
  public struct Layer {
    /// The layer's or group's name.
    public var name: String
    /// Bool, of the scores' shape: what stays.
    public var kept: Tensor
    /// Things there before.
    public var before: Int
    /// Things that leave now.
    public var removed: Int
    /// Things that stay.
    public var after: Int { before - removed }
  }

  /// In the order given.
  public var layers: [Layer]
  /// The number that the amount means, before floors and width multiples (summed over layers, or sets of layers, that count for
  /// themselves).
  public var asked: Int
  /// The number that the amount means to be gone by now of what there was at the very first; nil where scores decide it.
  public var askedInAll: Int?
  /// What only the order among equal scores decided.
  public var ties: Ties
  /// The number that leaves: the same, unless a floor binds where layers count for themselves, or widths are rounded.
  public var removed: Int { layers.reduce(0) { $0 + $1.removed } }

  /// Chooses.
  ///
  /// A floor (``SelectionRule/minimumLayerDensity``, or the last unit) that binds shifts the removal to other layers, in a set of
  /// layers that count together; in ``Allocation/layer`` and under thresholds it is where a layer stops.
  /// - Throws: ``PruningError/floors(asked:present:layers:)`` if the floors leave less than the asked amount;
  ///   ``PruningError/emptied(layer:asked:present:)`` for a fraction that would take all units of a layer;
  ///   ``PruningError/notANumber(layer:criterion:)``; ``PruningError/mismatch(_:)`` for masks of another shape; what
  ///   ``Allocation/scoped(_:)`` may have wrong; `PlanError` for deviations of layers that have none.
  public init(_ amount: RemovalAmount, of layers: [ScoredLayer], rule: SelectionRule, criterion: String? = nil) throws {
    for layer in layers {
      guard let kept = layer.kept, kept.shape != layer.scores.shape || kept.elementType != .bool else { continue }
      throw PruningError.mismatch("\(layer.name): the mask of shape \(kept.shape) does not fit scores of shape \(layer.scores.shape)")
    }
    let layers = try amount.isThreshold ? layers : rule.normalized(layers)
    let types = Set(layers.map { $0.scores.elementType })
    if types == [.float32] {
      self = try Selector<Float>(layers, rule, criterion).select(amount)
    } else {
      let cast = try layers.map { layer in
        var layer = layer
        layer.scores = try layer.scores.cast(to: .float64)
        return layer
      }
      self = try Selector<Double>(cast, rule, criterion).select(amount)
    }
  }

  init(layers: [Layer], asked: Int, askedInAll: Int?, ties: Ties) {
    self.layers = layers
    self.asked = asked
    self.askedInAll = askedInAll
    self.ties = ties
  }

  /// The choices of layers that were made one after the other.
  init(_ choices: [Selection]) {
    layers = choices.flatMap(\.layers)
    asked = choices.reduce(0) { $0 + $1.asked }
    askedInAll = choices.reduce(0) { sum, choice in choice.askedInAll.flatMap { part in sum.map { $0 + part } } }
    ties = choices.reduce(Ties(decided: 0, removed: 0, equal: 0, ranked: 0)) { $0.merged(with: $1.ties) }
  }

  /// The row-major indices of what leaves now, by layer; layers that lose nothing are missing.
  ///
  /// - Parameter layers: those that the selection was made from.
  public func removedIndices(from layers: [ScoredLayer]) throws -> [String: [Int]] {
    var result: [String: [Int]] = [:]
    for (before, after) in zip(layers, self.layers) where after.removed > 0 {
      let stays = try after.kept.array(Bool.self)
      let there = try before.kept?.array(Bool.self)
      result[after.name] = stays.indices.filter { !stays[$0] && there?[$0] ?? true }
    }
    return result
  }
}
