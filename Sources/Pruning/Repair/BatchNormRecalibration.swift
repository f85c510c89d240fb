public import Datasets
internal import Networks
internal import Torch
public import Training

extension Model {
  /// Returns the model with recalibrated batch norms: after a surgery the running statistics of the old network are stale.
  ///
  /// Makes one pass over the examples, in batches whose sizes differ by at most one, in which each batch is normalised by its own
  /// statistics, as in training. Each norm's running mean and unbiased variance become those of all its input values, summed in float64
  /// (`BatchNormSums`); for a norm that no other norm precedes they do not depend on how the examples are split. Weights are not
  /// changed, and dropout is off. A network without batch norm is returned unchanged.
  /// - Parameter batches: the examples, in batches of about the size used in training.
  /// - Throws: `ModelError` if the batches do not fit; `PlanError` for a norm that sees only one value per channel.
  public func recalibratingBatchNorms(on batches: EvaluationBatches) throws -> Model {
    guard network.hasBatchNorms else { return self }
    return try withoutGradients {
      let executor = try Executor(self)
      let sums = BatchNormSums()
      try batches.forEachEvenly { _ = try executor.forward($0.inputs, mode: .recalibration(sums)) }
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
