internal import Datasets
internal import Torch

/// A step: by kernels of our own, or by libtorch with what hooks, gates and a teacher ask of it.
extension Trainer {
  /// Takes the step of a batch of an epoch; returns its loss.
  func step(epoch: Int, index: Int, learningRate: Double) throws -> Double {
    let watched = hooks.map(\.observedNodes)
    let observed = watched.dropFirst().reduce(watched.first ?? []) { $0.union($1) }
    if observed.isEmpty, !needsGradients, let engine = try ownEngine() {
      try gates?.draw(into: engine.factors, self)
      let (loss, count) = try loader.withStoredBatch(epoch: epoch, index: index) {
        (engine.loss(of: $0, labelSmoothing: plan.labelSmoothing), $0.count)
      }
      try checkFinite(loss, learningRate: learningRate)
      engine.update(plan.optimizer, learningRate: learningRate, step: optimizer.countStep(), count: count)
      try gates?.didComputeGradients(of: engine.gradientsOfFactors(), self)
      return loss
    }
    // A step by libtorch updates the tensors.
    engine?.lend()
    if observed.isEmpty, !needsGradients { executor.keptFilters = try ownConvolutions().filters }
    defer { executor.keptFilters = [:] }
    let batch = try loader.batch(epoch: epoch, index: index)
    if let gates, let gatedWeights {
      try gates.draw(into: gatedWeights.factors, self)
      try gatedWeights.multiply()
    }
    // Before the student's pass, so that what the teacher computes is gone before gradients need room.
    var (maps, taughtMaps): ([String: Tensor], [String: Tensor]) = ([:], [:])
    let taught = try teaching.map { teacher in
      try withoutGradients {
        try teacher.forward(batch.inputs, mode: .evaluation, observing: transfer?.teachersNodes ?? []) {
          taughtMaps[$0] = try $1.attentionMap()
        }
      }
    }
    let compared = transfer?.nodes ?? []
    let logits = try executor.forward(batch.inputs, mode: .training(dropout), observing: observed.union(compared)) { node, value in
      if compared.contains(node) { maps[node] = try value.attentionMap() }
      try withoutGradients {
        for (hook, nodes) in zip(hooks, watched) where nodes.contains(node) { try hook.observe(value.detached(), of: node) }
      }
    }
    var loss = try loss(of: logits, taught, batch)
    if let weight = plan.distillation?.features, let features = try transfer?.loss(of: maps, from: taughtMaps) {
      loss = try loss + features * weight
    }
    let value = try loss.item()
    try checkFinite(value, learningRate: learningRate)
    try loss.backward()
    let gradients = try gatedWeights?.passGradients()
    for hook in hooks { try hook.didComputeGradients(self) }
    if let gates, let gradients { try gates.didComputeGradients(of: gradients, self) }
    try optimizer.step(learningRate: learningRate)
    return value
  }

  private func loss(of logits: Tensor, _ taught: Tensor?, _ batch: Batch) throws -> Tensor {
    guard let taught, let distillation = plan.distillation else {
      return try logits.crossEntropy(executor.labels(of: batch), labelSmoothing: plan.labelSmoothing)
    }
    let share = distillation.share(hasLabels: data.training.isLabelled)
    return try logits.distillationLoss(
      from: taught, labels: share < 1 ? executor.labels(of: batch) : nil, temperature: distillation.temperature, weight: share,
      labelSmoothing: plan.labelSmoothing)
  }

  private func checkFinite(_ loss: Double, learningRate: Double) throws {
    guard loss.isFinite else { throw TrainingError.nonFiniteLoss(iteration: iteration + 1, learningRate: learningRate) }
  }
}
