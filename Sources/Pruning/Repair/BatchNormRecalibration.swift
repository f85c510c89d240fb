public import Datasets
internal import Networks
internal import Torch
public import Training

extension Model {
  /// The model with running statistics of its own: after a surgery those of the old network are stale.
  ///
  /// One pass over the examples, in batches of equal size (give or take one), in which each batch is normalised by its own statistics,
  /// as in training. Each norm's running mean and unbiased variance become those of all the values that it heard, summed in float64
  /// (``Training/BatchNormSums``); for a norm that no other one precedes they are the same however the examples are split. Weights stay,
  /// dropout rests. Networks without batch norm come back as they are.
  /// - Parameter batches: as many examples as training steps had, about, in each batch.
  /// - Throws: ``ModelError`` if the batches do not fit; ``PlanError`` for a norm that hears one value per channel.
  public func recalibratingBatchNorms(on batches: EvaluationBatches) throws -> Model {
    guard network.hasBatchNorms else { return self }
    return try withoutGradients {
      let executor = try Executor(self)
      let sums = BatchNormSums()
      try batches.forEachEvenly { _ = try executor.forward($0.images, mode: .recalibration(sums)) }
      var result = self
      for (module, found) in try sums.statistics() {
        guard found.count > 1 else {
          throw PlanError(
            "--repair batch-norm: \(module) sees one value per channel of one example, which has no variance; give more --examples")
        }
        for (role, value) in [(ParameterName.Role.runningMean, found.mean), (.runningVariance, found.variance)] {
          let name = ParameterName(module, role)
          try result.replaceKept(name, by: value.cast(to: tensor(name).elementType ?? .float32))
        }
      }
      return result
    }
  }
}
