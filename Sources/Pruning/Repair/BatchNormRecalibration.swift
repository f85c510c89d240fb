public import Datasets
internal import Networks
internal import Torch
public import Training

extension Model {
  /// The model with running statistics of its own: after a surgery those of the old network are stale.
  ///
  /// One pass over the batches with batch statistics, each norm's running mean and variance becoming the average over batches, weighted
  /// by their examples; weights stay, dropout rests. Networks without batch norm come back as they are.
  /// - Parameter batches: as many examples as training steps had, about, in each batch.
  /// - Throws: ``ModelError`` if the batches do not fit; ``TorchError`` for a batch of one value per channel.
  public func recalibratingBatchNorms(on batches: EvaluationBatches) throws -> Model {
    let hasNorms = network.nodes.contains { if case .batchNorm = $0.operation { true } else { false } }
    guard hasNorms else { return self }
    var result = self
    // The running statistics are written in place.
    for (name, tensor) in tensors where !name.role.isTrained { result.tensors[name] = try tensor.detached().copied() }
    let executor = try Executor(result)
    var seen = 0.0
    try withoutGradients {
      try batches.forEach { batch in
        let examples = Double(batch.images.shape[0])
        seen += examples
        _ = try executor.forward(batch.images, mode: .recalibration(momentum: examples / seen))
      }
    }
    return result
  }
}
