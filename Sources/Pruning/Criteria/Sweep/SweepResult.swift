public import Torch
public import Training

/// The result of one sweep over examples: enough for every criterion whose statistics were asked for.
public struct SweepResult {
  /// Statistics of the layers, in the order of the network's nodes.
  public let layers: [LayerStatistics]
  /// Place where the units' values were taken.
  public let place: MeanPlace
  /// Loss and accuracy of the swept model, equal to those of `Executor.evaluate` in evaluation mode.
  public let evaluation: Evaluation
  /// Values of the `meanMaps` nodes averaged over the examples, float64 [channels, height, width] or [features].
  public internal(set) var meanMaps: [String: Tensor]

  /// Returns one score per unit, float64 [units], by the layer's node; low scores are removed first. No further pass is made.
  ///
  /// Criteria of the weights alone (`l2`, `random`, …) are computed, too, so that all six of Mean Replacement Pruning come from one result.
  ///
  /// - Parameters:
  ///   - seed: seed of random scores, together with `round` and the layer's name.
  ///   - round: number of the removal.
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``, ``PruningError/nothingAccumulated(criterion:)``,
  ///   ``PruningError/notGathered(layer:statistic:)``, ``PruningError/notANumber(layer:criterion:)``.
  public func scores(_ criterion: Criterion, seed: UInt64 = 0, round: Int = 0) throws -> [String: Tensor] {
    try criterion.check(.unit)
    let swept = criterion.sweptScoring
    return try scores(criterion) { layer in
      let context = ScoringContext(parameter: layer.parameter, seed: seed, round: round)
      if let swept {
        return try swept.unitScores(layer, context).cast(to: .float64)
      }
      guard let scoring = criterion.definition.implementation as? any UnitScoring else {
        throw PruningError.nothingAccumulated(criterion: criterion.name)
      }
      return try scoring.unitScores(layer.weight, context).cast(to: .float64)
    }
  }

  /// Returns one score per weight, of the weight's shape and type, by the layer's node; low scores are removed first. No further pass is
  /// made.
  ///
  /// - Throws: the errors of ``scores(_:seed:round:)``.
  public func weightScores(_ criterion: Criterion, seed: UInt64 = 0, round: Int = 0) throws -> [String: Tensor] {
    try criterion.check(.weight)
    let swept = criterion.sweptScoring as? any SweptWeightScoring
    let plain = criterion.definition.implementation as? any WeightScoring
    return try scores(criterion) { layer in
      let context = ScoringContext(parameter: layer.parameter, seed: seed, round: round)
      if let swept { return try swept.weightScores(layer, context) }
      guard let plain else { throw PruningError.nothingAccumulated(criterion: criterion.name) }
      return try plain.weightScores(layer.weight, context)
    }
  }

  private func scores(_ criterion: Criterion, _ compute: (LayerStatistics) throws -> Tensor) throws -> [String: Tensor] {
    try withoutGradients {
      var result: [String: Tensor] = [:]
      for layer in layers {
        let scores = try compute(layer)
        guard try scores.isFinite().logicalNot().sum().item() == 0 else {
          throw PruningError.notANumber(layer: layer.node, criterion: criterion.name)
        }
        result[layer.node] = scores
      }
      return result
    }
  }
}
