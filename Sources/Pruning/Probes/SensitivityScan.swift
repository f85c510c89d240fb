internal import Interruptions
internal import Networks
internal import Torch
public import Training

/// The sensitivity of loss and accuracy to pruning each layer by itself (Li et al. 2017, figure 2; Han et al. 2015, figure 6).
///
/// For every layer and fraction the lowest-scoring units or weights of that layer alone are removed from a copy of the model, which is
/// evaluated without retraining. At least one unit of a layer always stays. Cost: one evaluation for each layer and number of removed
/// things, on ever smaller networks if units are removed.
public struct SensitivityScan {
  /// One measurement of a scan.
  public struct Point: Codable, Hashable, Sendable {
    /// Name of the layer or channel group.
    public var layer: String
    /// Fraction of the layer that was asked for.
    public var fraction: Double
    /// Number of removed weights or units.
    public var removed: Int
    /// Number of weights or units before the removal.
    public var total: Int
    /// Mean loss after the removal.
    public var loss: Double
    /// Accuracy after the removal, as a fraction.
    public var accuracy: Double
  }

  /// Criterion; low scores are removed first.
  public var criterion: Criterion
  /// Whether weights, units or filters are removed.
  public var granularity: Granularity
  /// Fractions to remove, each of the whole layer.
  public var fractions: [Double]
  /// How a fraction is rounded to a count.
  public var rounding: Rounding

  /// Creates a scan, by default of the fractions 0.1, 0.2, …, 0.9.
  public init(
    _ criterion: Criterion, granularity: Granularity, fractions: [Double] = (1...9).map { Double($0) / 10 }, rounding: Rounding = .round
  ) {
    self.criterion = criterion
    self.granularity = granularity
    self.fractions = fractions
    self.rounding = rounding
  }

  /// Runs the scan over all layers and fractions.
  ///
  /// - Parameters:
  ///   - layers: the scores of the model's layers or groups, from `Model.unitScores` or `Model.weightScores`.
  ///   - evaluate: returns loss and accuracy of a pruned copy.
  ///   - report: called with each point as it is measured.
  /// - Throws: ``PruningError`` from selection and proof; the errors of `evaluate` and `report`.
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

  /// Returns the amount for a fraction of a layer, which leaves at least one unit.
  private func amount(_ fraction: Double, of layer: ScoredLayer) -> RemovalAmount {
    granularity.isStructured
      ? .count(min(rounding.count(fraction, of: layer.scores.count), layer.scores.count - 1)) : .ofKept(fraction)
  }

  /// Returns a copy of the model without the selected weights or units of one layer.
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
