internal import Interruptions
internal import Networks
internal import Torch
public import Training

/// How much each layer's loss of units or weights hurts, one layer at a time (Li et al. 2017, figure 2; Han et al. 2015, figure 6).
///
/// For every layer and fraction the lowest scores of that layer alone leave a copy of the model, which is evaluated without
/// retraining. Costs one evaluation for each layer and number of things that leave it, of ever smaller networks where units leave. One
/// unit of a layer stays in any case.
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
      var known: [Int: Evaluation] = [:]
      for fraction in fractions {
        try Interruption.check()
        let selection = try Selection(amount(fraction, of: layer), of: [layer], rule: rule, criterion: criterion.name)
        let evaluation = try known[selection.removed] ?? evaluate(without(selection, of: layer, model, groups, seed))
        known[selection.removed] = evaluation
        let point = Point(
          layer: layer.name, fraction: fraction, removed: selection.removed, total: selection.layers.reduce(0) { $0 + $1.before },
          loss: evaluation.loss, accuracy: evaluation.accuracy)
        points.append(point)
        try report(point)
      }
    }
    return points
  }

  /// What a fraction of a layer is; of units not all of them.
  private func amount(_ fraction: Double, of layer: ScoredLayer) -> RemovalAmount {
    granularity.isStructured
      ? .count(min(rounding.count(fraction, of: layer.scores.count), layer.scores.count - 1)) : .ofKept(fraction)
  }

  /// A copy of the model without what was selected of one layer.
  private func without(
    _ selection: Selection, of layer: ScoredLayer, _ model: Model, _ groups: [ChannelGroup], _ seed: UInt64
  ) throws -> Model {
    if granularity.isStructured {
      let surgery = SurgeryPlan(removals: try selection.removedIndices(from: [layer]))
      return try Surgeon.operate(surgery, on: model, groups: groups, seed: seed).model
    }
    var copy = model
    let name = ParameterName(layer.name, .weight)
    copy.tensors[name] = try model.tensor(name).detached().copied()
    try copy.prune(selection)
    return copy
  }
}
