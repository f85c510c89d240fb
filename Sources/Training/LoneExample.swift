public import Networks

extension Network {
  /// Returns the batch norms with a single value per channel and example, as on vectors: with a batch of one example they have no
  /// variance to train with.
  ///
  /// - Throws: what `Network.shapes()` throws.
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
  /// Checks that the plan's batches are large enough to train a network.
  ///
  /// - Parameter examples: the number of training examples.
  /// - Throws: ``PlanError`` if a batch norm would get a single value per channel.
  public func checkBatches(for network: Network, of examples: Int) throws {
    guard length.iterations(perEpoch: 1) > 0, min(batchSize, examples) == 1, let norm = try network.batchNormsOfVectors().first else {
      return
    }
    throw PlanError(
      "batches of one example leave a batch norm on vectors (\(norm)) nothing to average: "
        + (examples == 1 ? "give more training images" : "give --batch-size 2 or more"))
  }
}
