internal import Networks
internal import Torch
public import Training

/// How much each layer's loss of units or weights hurts, one layer at a time (Li et al. 2017, figure 2; Han et al. 2015, figure 6).
///
/// For every layer and fraction the lowest scores of that layer alone leave a copy of the model, which is evaluated without
/// retraining. Costs one evaluation for each layer and fraction, of ever smaller networks where units leave.
public struct SensitivityScan {
  /// One measurement.
  public struct Point: Codable, Hashable, Sendable {
    /// The layer or channel group.
    public var layer: String
    /// The fraction asked for.
    public var fraction: Double
    /// Things that left.
    public var removed: Int
    /// Things there were.
    public var total: Int
    /// Mean loss without them.
    public var loss: Double
    /// Share of examples answered rightly without them.
    public var accuracy: Double
  }

  /// The score: low ones leave.
  public var criterion: Criterion
  /// Weights, units or filters.
  public var granularity: Granularity
  /// The fractions to remove, each of the whole layer.
  public var fractions: [Double]
  /// How a fraction becomes a count.
  public var rounding: Rounding

  /// A scan; fractions 0.1 to 0.9 unless said.
  public init(
    _ criterion: Criterion, granularity: Granularity, fractions: [Double] = (1...9).map { Double($0) / 10 }, rounding: Rounding = .round
  ) {
    self.criterion = criterion
    self.granularity = granularity
    self.fractions = fractions
    self.rounding = rounding
  }

  /// Scans the layers.
  ///
  /// - Parameters:
  ///   - layers: the scores of the model's layers or groups, from
  ///     ``Training/Model/unitScores(_:granularity:accumulated:swept:originals:ignoring:reduction:seed:round:)`` or
  ///     ``Training/Model/weightScores(_:swept:ignoring:seed:round:)``.
  ///   - evaluate: loss and accuracy of a pruned copy.
  ///   - report: each point as it is measured.
  /// - Throws: ``PruningError`` from selection and proof; what `evaluate` throws.
  public func run(
    _ model: Model, layers: [ScoredLayer], seed: UInt64 = 0, evaluate: (Model) throws -> Evaluation,
    report: (Point) throws -> Void = { _ in }
  ) throws -> [Point] {
    let rule = SelectionRule(granularity: granularity, scope: .layer, rounding: rounding)
    let groups = granularity.isStructured ? try model.network.channelGroups().groups : []
    var points: [Point] = []
    for layer in layers {
      for fraction in fractions {
        let selection = try Selection(.ofKept(fraction), of: [layer], rule: rule, criterion: criterion.name)
        let pruned: Model
        if granularity.isStructured {
          let surgery = SurgeryPlan(removals: try selection.removedIndices(from: [layer]))
          pruned = try Surgeon.operate(surgery, on: model, groups: groups, seed: seed).model
        } else {
          var copy = model
          let name = ParameterName(layer.name, .weight)
          copy.tensors[name] = try model.tensor(name).detached().copied()
          try copy.prune(selection)
          pruned = copy
        }
        let evaluation = try evaluate(pruned)
        let point = Point(
          layer: layer.name, fraction: fraction, removed: selection.removed, total: selection.layers.reduce(0) { $0 + $1.before },
          loss: evaluation.loss, accuracy: evaluation.accuracy)
        points.append(point)
        try report(point)
      }
    }
    return points
  }
}
