public import Networks

extension Network {
  /// Batch norms that hear one value per channel of an example, as on vectors: in training a batch of one example leaves them no variance.
  ///
  /// - Throws: what ``Networks/Network/shapes()`` throws.
  public func batchNormsOfVectors() throws -> [String] {
    guard hasBatchNorms else { return [] }
    let shapes = try shapes()
    return nodes.compactMap { node in
      guard case .batchNorm = node.operation, let heard = node.inputs.first.flatMap({ shapes[$0] }) else { return nil }
      return heard.positions == 1 ? node.name : nil
    }
  }
}

extension TrainingPlan {
  /// Whether its batches can train a network.
  ///
  /// - Parameter examples: those of the training set.
  /// - Throws: ``PlanError`` where a batch norm would hear one value per channel.
  public func checkBatches(for network: Network, of examples: Int) throws {
    guard length.iterations(perEpoch: 1) > 0, min(batchSize, examples) == 1, let norm = try network.batchNormsOfVectors().first else {
      return
    }
    throw PlanError(
      "batches of one example leave a batch norm on vectors (\(norm)) nothing to average: "
        + (examples == 1 ? "give more training images" : "give --batch-size 2 or more"))
  }
}
