internal import Networks
internal import Training

/// Which statistics batch norms normalise by while a criterion looks at examples. Running statistics stay as they are in both.
public enum BatchNormMode: String, Codable, Hashable, Sendable, CaseIterable {
  /// Each batch's own, as in training: examples depend on each other. The public code of GraSP scores so.
  case training
  /// The running ones, of a fresh network mean 0 and variance 1: the public codes of SNIP and SynFlow score so.
  case evaluation

  /// How a forward pass is run.
  var execution: ExecutionMode {
    switch self {
    case .training: .batchStatistics
    case .evaluation: .evaluation
    }
  }
}

extension PruningPlan {
  /// How batch norms are run while the criterion scores: what the plan says, else what the criterion's public code does; nil for
  /// criteria that leave no choice.
  public var scoringMode: BatchNormMode? { criterion.definition.batchNorms.map { batchNorms ?? $0 } }

  /// - Throws: `PlanError` where a batch norm would take its statistics from one value per channel.
  func checkLoneExample(on network: Network) throws {
    guard examples == 1, let norm = try network.batchNormsOfVectors().first else { return }
    let what =
      repairs.contains(.batchNorms)
      ? "--repair batch-norm" : scoringMode == .training ? "criterion \(criterion.name) with batch norms in training mode" : nil
    guard let what else { return }
    throw PlanError("\(what): \(norm) hears one value per channel of one example, which has no variance; give more --examples")
  }
}
