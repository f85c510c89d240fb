internal import Datasets
internal import Interruptions
internal import Networks
internal import Torch
internal import Training

/// A sweep in progress: one forward pass and, if gradients are asked for, one backward pass per batch, gathering the statistics of every
/// scored layer.
///
/// It runs in evaluation mode by default, because with batch statistics one example's gradient would depend on the others. The graph is
/// recorded from the first scored value on, and no weight's gradient is computed unless one is asked for.
final class UnitSweep {
  private let statistics: Set<SweepStatistic>
  private let meanMaps: Set<String>
  private let probes: HessianProbes
  private let batchNorms: BatchNormMode
  private let layers: [LayerSweep]
  private let byNode: [String: [LayerSweep]]
  /// Weights to differentiate by, each module once, with the layers that use them.
  private let weights: [(tensor: Tensor, users: [LayerSweep])]
  private let executor: Executor
  private let type: ElementType
  private let generator: Generator
  private var maps: [String: Tensor] = [:]
  private var loss: Tensor?
  private var correct: Tensor?
  private var examples = 0

  init(
    _ model: Model, layers asked: Set<String>?, statistics: Set<SweepStatistic>, place: MeanPlace, meanMaps: Set<String>,
    probes: HessianProbes, batchNorms: BatchNormMode
  ) throws {
    self.batchNorms = batchNorms
    self.statistics = statistics
    self.meanMaps = meanMaps
    self.probes = probes
    let network = model.network
    let shapes = try network.shapes()
    let index = NetworkIndex(network)
    for name in meanMaps.sorted() where shapes[name] == nil {
      throw PruningError.mismatch("there is no node \(name.debugDescription) to average")
    }
    guard probes.count >= 1 else { throw PruningError.mismatch("\(probes.count) probes of the Hessian: at least 1 is needed") }
    // Separate leaves: the model's tensors neither accumulate gradients nor change whether they require them.
    let own = try Model(network: network, tensors: model.tensors.mapValues { try $0.detached() })
    let producers = network.nodes.filter { $0.operation.isScored }
    if let unknown = asked?.subtracting(producers.map(\.name)).min() {
      throw PruningError.unscoredLayer(given: unknown, possible: producers.map(\.name))
    }
    let layers = try producers.filter { asked?.contains($0.name) ?? true }.map { node in
      let observed = index.scoredNode(of: node.name, place: place)
      let name = ParameterName(node.module, .weight)
      let units = shapes[node.name]?.channels ?? 0
      return LayerSweep(
        node: node.name, observed: observed, parameter: name, weight: try model.tensor(name).detached(), units: units,
        positions: (shapes[observed]?.elements ?? 0) / max(units, 1))
    }
    self.layers = layers
    byNode = Dictionary(grouping: layers, by: \.observed)
    if statistics.contains(where: \.needsWeightGradient) {
      var seen: Set<ParameterName> = []
      let users = Dictionary(grouping: layers, by: \.parameter)
      weights = try layers.filter { seen.insert($0.parameter).inserted }.map { first in
        let tensor = try own.tensor(first.parameter)
        try tensor.requireGradient()
        return (tensor, users[first.parameter] ?? [])
      }
    } else {
      weights = []
    }
    executor = try Executor(own)
    type = own.tensors.values.first { $0.elementType?.isFloatingPoint ?? false }?.elementType ?? .float32
    generator = try Generator(seed: probes.seed)
  }

  /// Adds the statistics of a batch.
  func add(_ batch: Batch) throws {
    let gradients = statistics.contains { $0.needsActivationGradient || $0.needsWeightGradient }
    try gradients ? withGradients { try pass(batch, differentiating: true) } : withoutGradients { try pass(batch, differentiating: false) }
  }

  private func pass(_ batch: Batch, differentiating: Bool) throws {
    let byActivations = statistics.contains(where: \.needsActivationGradient)
    var values: [(node: String, value: Tensor)] = []
    let logits = try executor.forward(
      images(of: batch), mode: batchNorms.execution, observing: Set(byNode.keys).union(meanMaps)
    ) { node, value in
      if let layers = byNode[node] {
        if byActivations {
          // Values after the first one are in its graph already.
          if !value.requiresGradient { try value.requireGradient() }
          values.append((node, value))
        } else {
          try withoutGradients { for layer in layers { try layer.add(statistics, value: value, gradient: nil) } }
        }
      }
      if meanMaps.contains(node) { try addMap(value, of: node) }
    }
    let labels = try executor.labels(of: batch)
    let batchLoss = try logits.crossEntropy(labels, reduction: .sum)
    var found: [Tensor?] = []
    let isHessian = statistics.contains(.hessianDiagonal) && probes.estimator == .hutchinson
    if differentiating, batchLoss.requiresGradient, isHessian || statistics.contains(where: \.needsLossGradient) {
      found = try Tensor.gradients(
        of: [batchLoss], by: values.map(\.value) + weights.map(\.tensor),
        createGraph: isHessian)
    }
    let weightGradients = Array(found.suffix(weights.count))
    if isHessian { try addHessian(weightGradients) }
    if statistics.contains(.hessianDiagonal), probes.estimator == .gaussNewton { try addGaussNewton(batch) }
    try withoutGradients {
      for (index, (node, value)) in values.enumerated() {
        // A layer that the loss does not depend on has gradient 0.
        let gradient = try (index < found.count ? found[index] : nil) ?? value.zerosLike()
        for layer in byNode[node] ?? [] { try layer.add(statistics, value: value, gradient: gradient) }
      }
      for (index, weight) in weights.enumerated() {
        let gradient = try (index < weightGradients.count ? weightGradients[index] : nil) ?? weight.tensor.zerosLike()
        for layer in weight.users { try layer.add(statistics, weightGradient: gradient, count: batch.count) }
      }
      try add(loss: batchLoss.detached(), correct: logits.detached().argmax(1).equal(labels).sum().cast(to: .float64))
    }
    examples += batch.count
  }

  private func images(of batch: Batch) throws -> Tensor {
    let images = try batch.inputs.cast(to: type)
    // Row-major: libtorch's sums over a channels-last batch are a hundred times less accurate.
    return batchNorms == .training ? try images.contiguous() : images
  }

  private func addMap(_ value: Tensor, of node: String) throws {
    try withoutGradients {
      let sum = try value.detached().sum(0).cast(to: .float64)
      if let map = maps[node] { try map.accumulate(sum) } else { maps[node] = sum }
    }
  }

  private func add(loss batchLoss: Tensor, correct batchCorrect: Tensor) throws {
    if let loss, let correct {
      try loss.accumulate(batchLoss)
      try correct.accumulate(batchCorrect)
    } else {
      loss = try batchLoss.cast(to: .float64).copied()
      correct = batchCorrect
    }
  }

  /// Returns random signs on the model's device.
  private func randomSigns(_ shape: [Int]) throws -> Tensor {
    let draws = try Tensor.empty(shape, type: type)
    try draws.fillBernoulli(0.5, generator: generator)
    let signs = try withoutGradients { try draws * 2 - 1 }
    return try signs.moved(to: executor.device)
  }

  /// Adds (Jᵀr)² of each group of examples, averaged over their probes.
  private func addGaussNewton(_ batch: Batch) throws {
    for start in stride(from: 0, to: batch.count, by: HessianProbes.groupSize) {
      let images = try images(of: batch).narrowed(0, from: start, length: min(HessianProbes.groupSize, batch.count - start))
      let logits = try executor.forward(images, mode: batchNorms.execution)
      let likely = try withoutGradients { try logits.detached().softmax(1) }
      let roots = try withoutGradients { try likely.squareRoot() }
      for _ in 0..<probes.count {
        try Interruption.check()
        let seed = try withoutGradients {
          let drawn = try roots * randomSigns(logits.shape)
          return try drawn - likely * drawn.sum(1, keep: true)
        }
        let found =
          logits.requiresGradient
          ? try Tensor.gradients(of: [logits], seeds: [seed], by: weights.map(\.tensor), retainGraph: true) : weights.map { _ in nil }
        try withoutGradients {
          for (gradient, weight) in zip(found, weights) {
            let estimate = try gradient.map { try $0.squared() / Double(probes.count) } ?? weight.tensor.detached().zerosLike()
            for layer in weight.users { try layer.add(hessianDiagonal: estimate) }
          }
        }
      }
    }
  }

  /// Adds v ⊙ Hv, averaged over the batch's probes.
  private func addHessian(_ gradients: [Tensor?]) throws {
    for _ in 0..<probes.count {
      try Interruption.check()
      let signs = try weights.map { try randomSigns($0.tensor.shape) }
      // A gradient that does not depend on the weights (of a unit that is off for the whole batch) has no second derivative.
      let bent = zip(gradients, signs).compactMap { gradient, sign in gradient.flatMap { $0.requiresGradient ? ($0, sign) : nil } }
      let products =
        bent.isEmpty
        ? [] : try Tensor.gradients(of: bent.map(\.0), seeds: bent.map(\.1), by: weights.map(\.tensor), retainGraph: true)
      try withoutGradients {
        for (index, weight) in weights.enumerated() {
          let product = try (index < products.count ? products[index]?.detached() : nil) ?? weight.tensor.zerosLike()
          let estimate = try product * signs[index] / Double(probes.count)
          for layer in weight.users { try layer.add(hessianDiagonal: estimate) }
        }
      }
    }
  }

  /// Returns the layers without any statistics, which is enough for criteria of the weights alone.
  func withoutExamples() throws -> [LayerStatistics] { try layers.map { try $0.statistics(examples: 0) } }

  /// Returns whether the loss and all statistics are finite, with a single transfer to the host.
  private func isFinite(_ layers: [LayerStatistics]) throws -> Bool {
    let tensors = layers.flatMap(\.gathered.values) + (loss.map { [$0] } ?? []) + maps.values
    let faults = try tensors.map { try $0.isFinite().logicalNot().sum() }
    return faults.isEmpty ? true : try Tensor.stacked(faults).sum().item() == 0
  }

  /// Returns the result over all batches; nil if some value is not finite.
  func result(at place: MeanPlace) throws -> SweepResult? {
    try withoutGradients {
      let layers = try layers.map { try $0.statistics(examples: examples) }
      guard examples > 0, let loss, let correct else { throw PruningError.mismatch("a sweep needs examples, and there is none") }
      guard try isFinite(layers) else { return nil }
      return SweepResult(
        layers: layers, place: place,
        evaluation: Evaluation(loss: try loss.item() / Double(examples), correct: Int(try correct.item()), count: examples),
        meanMaps: try maps.mapValues { try $0 / Double(examples) })
    }
  }
}

extension Operation {
  /// Whether the operation is a layer whose units are scored.
  var isScored: Bool {
    switch self {
    case .linear, .convolution: true
    default: false
    }
  }
}
