internal import Networks
internal import Training

/// The statistics by which batch norms normalise while a criterion scores on examples; running statistics are not updated in either mode.
public enum BatchNormMode: String, Codable, Hashable, Sendable, CaseIterable {
  /// The batch's own statistics, as in training, so that examples depend on each other; used in the public code of GraSP.
  case training
  /// The running statistics, which in a fresh network are mean 0 and variance 1; used in the public codes of SNIP and SynFlow.
  case evaluation

  /// The mode of the forward passes.
  var execution: ExecutionMode {
    switch self {
    case .training: .batchStatistics
    case .evaluation: .evaluation
    }
  }
}

extension PruningPlan {
  /// The mode of batch norms while the criterion scores: the plan's ``batchNorms``, else that of the criterion's public code; nil for
  /// criteria that do not offer the choice.
  public var scoringMode: BatchNormMode? { criterion.definition.batchNorms.map { batchNorms ?? $0 } }

  /// Checks that no batch norm has to compute a variance from a single value.
  ///
  /// - Throws: `PlanError` if a batch norm of vectors would take its statistics from one example.
  func checkLoneExample(on network: Network) throws {
    guard examples == 1, let norm = try network.batchNormsOfVectors().first else { return }
    let what =
      repairs.contains(.batchNorms)
      ? "--repair batch-norm" : scoringMode == .training ? "criterion \(criterion.name) with batch norms in training mode" : nil
    guard let what else { return }
    throw PlanError("\(what): \(norm) sees one value per channel of one example, which has no variance; give more --examples")
  }
}
