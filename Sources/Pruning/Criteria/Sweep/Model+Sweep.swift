public import Datasets
internal import Networks
public import Torch
public import Training

extension Model {
  /// Gathers statistics of the layers' units over examples in one pass, in evaluation mode by default.
  ///
  /// Batches are aggregated exactly: however the examples are split, the sums are the same up to rounding (except the `…TaylorSquares`,
  /// which are means over batches by definition). Cost: one forward pass; if gradients are asked for, one backward pass down to the first
  /// scored value, which also computes the weights' gradients if those are asked for. The six scores of Mean Replacement Pruning together
  /// take about 1.4 times as long as an evaluation (small-conv, CIFAR-10 images, one thread). For the Hessian see ``HessianProbes``.
  /// Memory: the recorded values of one batch, and examples × units numbers for each [n, u] statistic.
  ///
  /// - Parameters:
  ///   - batches: the examples, in the order of the data set.
  ///   - statistics: the statistics to gather; nothing else is computed. ``Criterion/statistics(for:)`` gives those that a criterion needs.
  ///   - place: where the units' values are taken.
  ///   - layers: linear and convolution nodes to score; all unless given.
  ///   - meanMaps: nodes whose values are averaged over the examples.
  ///   - probes: the probes of the curvature's diagonal.
  ///   - batchNorms: the mode of batch norms; in training mode results depend on how the examples are batched.
  /// - Throws: ``PruningError/notFinite(_:)`` naming the first layer with a NaN or infinity;
  ///   ``PruningError/unscoredLayer(given:possible:)``; `ModelError` if the examples do not fit the network.
  public func sweep(
    _ batches: EvaluationBatches, statistics: Set<SweepStatistic>, place: MeanPlace = .consumer, layers: Set<String>? = nil,
    meanMaps: Set<String> = [], probes: HessianProbes = HessianProbes(), batchNorms: BatchNormMode = .evaluation
  ) throws -> SweepResult {
    try sweep(
      { try batchNorms == .training ? batches.forEachEvenly($0) : batches.forEach($0) }, statistics, place, layers, meanMaps, probes,
      batchNorms)
  }

  /// Gathers statistics over an array of batches, which may differ in size; see the other overload for cost and errors.
  public func sweep(
    _ batches: [Batch], statistics: Set<SweepStatistic>, place: MeanPlace = .consumer, layers: Set<String>? = nil,
    meanMaps: Set<String> = [], probes: HessianProbes = HessianProbes(), batchNorms: BatchNormMode = .evaluation
  ) throws -> SweepResult {
    try sweep({ try batches.forEach($0) }, statistics, place, layers, meanMaps, probes, batchNorms)
  }

  /// Returns one score per unit, float64 [units], by the layer's node, from one sweep, or without any if the criterion only needs the
  /// weights.
  ///
  /// - Throws: ``PruningError/needsData(criterion:)`` if the criterion needs examples and there are none; otherwise the errors of
  ///   ``sweep(_:statistics:place:layers:meanMaps:probes:batchNorms:)`` and ``SweepResult/scores(_:seed:round:)``.
  public func layerScores(
    _ criterion: Criterion, batches: EvaluationBatches?, place: MeanPlace = .consumer,
    probes: HessianProbes = HessianProbes(), seed: UInt64 = 0, round: Int = 0
  ) throws -> [String: Tensor] {
    guard let batches else {
      if criterion.needsExamples { throw PruningError.needsData(criterion: criterion.name) }
      let layers = try UnitSweep(
        self, layers: nil, statistics: [], place: place, meanMaps: [], probes: probes, batchNorms: .evaluation
      ).withoutExamples()
      return try SweepResult(layers: layers, place: place, evaluation: Evaluation(loss: 0, correct: 0, count: 0), meanMaps: [:])
        .scores(criterion, seed: seed, round: round)
    }
    return try sweep(batches, statistics: criterion.statistics(for: .unit), place: place, probes: probes)
      .scores(criterion, seed: seed, round: round)
  }

  private func sweep(
    _ forEachBatch: ((Batch) throws -> Void) throws -> Void, _ statistics: Set<SweepStatistic>, _ place: MeanPlace, _ layers: Set<String>?,
    _ meanMaps: Set<String>, _ probes: HessianProbes, _ batchNorms: BatchNormMode
  ) throws -> SweepResult {
    let sweep = try UnitSweep(
      self, layers: layers, statistics: statistics, place: place, meanMaps: meanMaps, probes: probes, batchNorms: batchNorms)
    try forEachBatch { try sweep.add($0) }
    if let result = try sweep.result(at: place) { return result }
    throw PruningError.notFinite(try firstFault(forEachBatch))
  }

  /// Describes the first value of the forward pass that holds a NaN or infinity; takes another forward pass, but only after a failed sweep.
  private func firstFault(_ forEachBatch: ((Batch) throws -> Void) throws -> Void) throws -> String {
    var fault: String?
    let executor = try Executor(self)
    let type = tensors.values.first { $0.elementType?.isFloatingPoint ?? false }?.elementType ?? .float32
    func isFinite(_ value: Tensor) throws -> Bool { try value.isFinite().logicalNot().sum().item() == 0 }
    try withoutGradients {
      try forEachBatch { batch in
        guard fault == nil else { return }
        let images = try batch.inputs.cast(to: type)
        if try !isFinite(images) { fault = "the examples' inputs" }
        let logits = try executor.forward(images, mode: .evaluation, observing: Set(network.nodes.map(\.name))) { node, value in
          if fault == nil, try !isFinite(value) { fault = "the activations of \(node)" }
        }
        let labels = try executor.labels(of: batch)
        if fault == nil, try !isFinite(logits.crossEntropy(labels, reduction: .sum)) { fault = "the losses" }
      }
    }
    return fault ?? "the gradients"
  }
}
