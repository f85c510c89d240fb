public import Datasets
internal import Networks
public import Torch
public import Training

extension Model {
  /// Gathers statistics of the layers' units over examples, in one pass, in evaluation mode unless said.
  ///
  /// Several batches aggregate exactly: however the examples are split, the sums are the same up to rounding (the `…TaylorSquares`,
  /// means over batches by definition, aside). Cost: one forward pass; one backward pass down to the first scored value if
  /// gradients are asked for, which also computes weights' gradients if those are: the six scores of Mean Replacement Pruning together
  /// take about 1.4 times as long as an evaluation of small-conv on CIFAR-10 images (on one thread). For the Hessian see
  /// ``HessianProbes``.
  /// Memory: one batch's recorded values, and examples × units numbers of each [n, u] statistic.
  ///
  /// - Parameters:
  ///   - batches: the examples, in the dataset's own order.
  ///   - statistics: what to gather; nothing else is computed. ``Criterion/statistics(for:)`` says what a criterion needs.
  ///   - place: where the units' values are taken.
  ///   - layers: linear and convolution nodes to score; all unless given.
  ///   - meanMaps: nodes whose values are averaged over the examples.
  ///   - probes: for the curvature's diagonal.
  ///   - batchNorms: whose statistics norms use; in training mode examples depend on each other, and so on their batches.
  /// - Throws: ``PruningError/notFinite(_:)`` naming the first layer with a NaN or infinity;
  ///   ``PruningError/unscoredLayer(given:possible:)``; ``ModelError`` if the examples do not fit the network.
  public func sweep(
    _ batches: EvaluationBatches, statistics: Set<SweepStatistic>, place: MeanPlace = .consumer, layers: Set<String>? = nil,
    meanMaps: Set<String> = [], probes: HessianProbes = HessianProbes(), batchNorms: BatchNormMode = .evaluation
  ) throws -> SweepResult {
    try sweep(
      { try batchNorms == .training ? batches.forEachEvenly($0) : batches.forEach($0) }, statistics, place, layers, meanMaps, probes,
      batchNorms)
  }

  /// Gathers statistics over these batches, which may differ in size; see the overload for what it costs and throws.
  public func sweep(
    _ batches: [Batch], statistics: Set<SweepStatistic>, place: MeanPlace = .consumer, layers: Set<String>? = nil,
    meanMaps: Set<String> = [], probes: HessianProbes = HessianProbes(), batchNorms: BatchNormMode = .evaluation
  ) throws -> SweepResult {
    try sweep({ try batches.forEach($0) }, statistics, place, layers, meanMaps, probes, batchNorms)
  }

  /// One score per unit, float64 [units], by the layer's node, from one sweep, or from none where weights suffice.
  ///
  /// - Throws: ``PruningError/needsData(criterion:)`` if the criterion looks at examples and there are none given; else as
  ///   ``sweep(_:statistics:place:layers:meanMaps:probes:)`` and ``SweepResult/scores(_:seed:round:)``.
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

  /// In words, the first value on the way that has a NaN or infinity: another forward pass, but only of a sweep that failed.
  private func firstFault(_ forEachBatch: ((Batch) throws -> Void) throws -> Void) throws -> String {
    var fault: String?
    let executor = try Executor(self)
    let type = tensors.values.first { $0.elementType?.isFloatingPoint ?? false }?.elementType ?? .float32
    func isFinite(_ value: Tensor) throws -> Bool { try value.isFinite().logicalNot().sum().item() == 0 }
    try withoutGradients {
      try forEachBatch { batch in
        guard fault == nil else { return }
        let images = try batch.images.cast(to: type)
        if try !isFinite(images) { fault = "the examples' inputs" }
        let logits = try executor.forward(images, mode: .evaluation, observing: Set(network.nodes.map(\.name))) { node, value in
          if fault == nil, try !isFinite(value) { fault = "the activations of \(node)" }
        }
        let labels = try executor.device == .cpu ? batch.labels : batch.labels.moved(to: executor.device)
        if fault == nil, try !isFinite(logits.crossEntropy(labels, reduction: .sum)) { fault = "the losses" }
      }
    }
    return fault ?? "the gradients"
  }
}
