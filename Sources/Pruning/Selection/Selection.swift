public import Torch

/// One layer's scores, the input of a selection.
public struct ScoredLayer {
  /// Name of the layer or group.
  public var name: String
  /// Scores, float32 or float64, of which the lowest are removed; for weights in the weight's shape, for units one per unit.
  public var scores: Tensor
  /// Mask (`bool`, in the scores' shape), true where a thing is still present; nil if all are.
  public var kept: Tensor?
  /// Number of things before the first event; cumulative amounts and floors are fractions of it.
  public var original: Int
  /// Names that patterns of ``Allocation/scoped(_:)`` can match; for units those of all producers of the group.
  public var members: [String]
  /// Dimensions of the weight, from which ``Allocation/erk`` computes densities.
  public var dimensions: [Int]
  /// Standard deviation (population form) of the signed weights still present, for ``RemovalAmount/belowDeviations(_:)``.
  public var deviation: Double?

  /// Creates a scored layer; by default `original` is the number of scores, `members` the name and `dimensions` the shape of the scores.
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

/// The rules by which a selection turns an amount into counts for each layer.
public struct SelectionRule: Hashable, Sendable {
  /// Distribution of the removal over the layers.
  public var allocation: Allocation
  /// How a fraction is rounded to a count.
  public var rounding: Rounding
  /// Minimum fraction of its original things that each layer keeps (rounded up).
  public var minimumLayerDensity: Double
  /// Minimum number of things that each layer keeps: 1 for units, 0 for weights.
  public var minimumCount: Int
  /// Number of which a layer's kept width is a multiple (see ``WidthMultiple``); 1 for any width.
  public var widthMultiple: Int
  /// Number of the removal, from 1, if it is one of several that each remove a fraction of what is left. With ``Rounding/round``, and where
  /// widths are rounded, it then removes as much as brings the total to that of the exact curve, so that rounding errors do not accumulate
  /// (64 units, 5 % at a time: 61, 58, … 50, and with multiples of 16 finally 48).
  public var event: Int?
  /// Number of things of each layer, by name, before the first of these removals, which may start from a pruned model; the originals unless
  /// given.
  public var starts: [String: Int] = [:]
  /// Normalisation of each layer's scores if layers are ranked together (``Allocation/global``, ``Allocation/scoped(_:)``).
  public var normalization: LayerNormalization

  /// Creates a rule; every parameter sets the property of the same name.
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

  /// Creates the rule for a scope.
  public init(
    scope: Scope, rounding: Rounding = .round, minimumLayerDensity: Double = 0, minimumCount: Int = 0, widthMultiple: Int = 1,
    normalization: LayerNormalization = .none
  ) {
    self.init(
      Allocation(scope), rounding: rounding, minimumLayerDensity: minimumLayerDensity, minimumCount: minimumCount,
      widthMultiple: widthMultiple, normalization: normalization)
  }

  /// Creates the rule for a granularity: if units are removed, each layer keeps at least one.
  public init(
    granularity: Granularity, allocation: Allocation, rounding: Rounding = .round, minimumLayerDensity: Double = 0,
    widthMultiple: Int = 1, normalization: LayerNormalization = .none
  ) {
    self.init(
      allocation, rounding: rounding, minimumLayerDensity: minimumLayerDensity, minimumCount: granularity.isStructured ? 1 : 0,
      widthMultiple: granularity.isStructured ? widthMultiple : 1, normalization: normalization)
  }

  /// Creates the rule for a granularity and a scope.
  public init(
    granularity: Granularity, scope: Scope, rounding: Rounding = .round, minimumLayerDensity: Double = 0, widthMultiple: Int = 1,
    normalization: LayerNormalization = .none
  ) {
    self.init(
      granularity: granularity, allocation: Allocation(scope), rounding: rounding, minimumLayerDensity: minimumLayerDensity,
      widthMultiple: widthMultiple, normalization: normalization)
  }

  /// Returns the layers with normalised scores if the allocation compares layers.
  func normalized(_ layers: [ScoredLayer]) throws -> [ScoredLayer] {
    switch allocation {
    case .layer, .uniform, .erk, .lamp, .shares: layers
    case .global, .scoped: try layers.map { try normalization.applied(to: $0) }
    }
  }

  /// Whether fractions of what is left are counted along the curve from the first event, not at each event separately.
  var followsCourse: Bool { rounding == .round || widthMultiple > 1 }

  /// Whether the compared scores are the criterion's own, not normalised.
  var scoresAreTheCriterions: Bool {
    switch allocation {
    case .layer, .uniform, .erk, .lamp, .shares: true
    case .global, .scoped: normalization == .none
    }
  }

  func floor(original: Int) -> Int { max(minimumCount, Rounding.ceil.count(minimumLayerDensity, of: original)) }
}

/// An exact choice of what is removed: asked = removed, with equal scores in the order of layers and then row-major.
///
/// ```swift
/// let selection = try Selection(.ofKept(0.2), of: layers, rule: SelectionRule(scope: .global))
/// ```
/// Takes linear time: the k-th smallest score is found by radix over the scores' bits, without sorting.
public struct Selection {
  /// The part of a selection in one layer.
  public struct Layer {
    /// Name of the layer or group.
    public var name: String
    /// Mask (`bool`, in the scores' shape), true where a thing stays.
    public var kept: Tensor
    /// Number of things before the removal.
    public var before: Int
    /// Number of removed things.
    public var removed: Int
    /// Number of things that stay.
    public var after: Int { before - removed }
  }

  /// The layers, in the order given.
  public var layers: [Layer]
  /// Number of things that the amount asks for, before floors and width multiples, summed over layers or sets of layers that count for
  /// themselves.
  public var asked: Int
  /// Number of the original things that the amount asks to be gone by now; nil if scores decide it.
  public var askedInAll: Int?
  /// How much of the choice was decided only by the order of equal scores.
  public var ties: Ties
  /// Number of removed things: equal to ``asked`` unless a floor binds where layers count for themselves, or widths are rounded.
  public var removed: Int { layers.reduce(0) { $0 + $1.removed } }

  /// Chooses what is removed.
  ///
  /// A floor (``SelectionRule/minimumLayerDensity``, or the last unit) that binds shifts the removal to other layers, in a set of layers
  /// that count together; in ``Allocation/layer`` and under thresholds a layer stops there.
  /// - Throws: ``PruningError/floors(asked:present:layers:)`` if the floors leave less than the asked amount;
  ///   ``PruningError/emptied(layer:asked:present:)`` for a fraction that would remove all units of a layer;
  ///   ``PruningError/notANumber(layer:criterion:)``; ``PruningError/mismatch(_:)`` for masks of another shape; the errors of the sets of
  ///   ``Allocation/scoped(_:)``; `PlanError` for an amount in deviations if a layer has none.
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

  /// Combines the choices of layers that were made one after the other.
  init(_ choices: [Selection]) {
    layers = choices.flatMap(\.layers)
    asked = choices.reduce(0) { $0 + $1.asked }
    askedInAll = choices.reduce(0) { sum, choice in choice.askedInAll.flatMap { part in sum.map { $0 + part } } }
    ties = choices.reduce(Ties(decided: 0, removed: 0, equal: 0, ranked: 0)) { $0.merged(with: $1.ties) }
  }

  /// Returns the row-major indices of what is removed, by layer; layers that lose nothing are missing.
  ///
  /// - Parameter layers: the layers that the selection was made from.
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
