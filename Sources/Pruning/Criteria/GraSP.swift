internal import Datasets
public import Networks
public import Torch
public import Training

/// `grasp`: w⊙(H·g), what a weight adds to the gradient flow gᵀg; without the lowest the loss can fall fastest.
///
/// g and H are the gradient and the Hessian of the mean loss, logits divided by the temperature 200, by the weights of linear and
/// convolution layers; g is a constant where H·g is taken (detached once). The paper's score is S = −w⊙Hg, whose *highest* leave:
/// the same choice. Weights that are pruned stand still: their g is 0. Batch norms are in training mode, as in the public code, unless the
/// plan says otherwise, and their running statistics stay; 10 examples of each class, up to 250 in a batch (the public code takes
/// the examples in halves). In evaluation mode, and without batch norms, the scores are the same however examples are split. Two
/// forward and two backward passes, one of which records its graph, and one backward pass through that.
public struct GraSP: ModelScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "grasp", summary: "weights leave that hold the gradient's flow back, or help it least; made for fresh weights",
    formula: "w⊙Hg, logits/200", paper: "Wang, Zhang & Grosse 2020", data: .examples, examples: ExampleCount(0, perClass: 10),
    batchNorms: .training, implementation: GraSP())

  /// What logits are divided by.
  public static let temperature = 200.0

  /// The criterion; it has no state.
  public init() {}

  /// w⊙Hg.
  public func weightScores(of model: Model, examples: ExampleSource?, batchNorms: BatchNormMode) throws -> [ParameterName: Tensor] {
    guard let examples else { throw PruningError.needsData(criterion: Self.criterion.name) }
    let (own, names, weights) = try model.differentiable()
    let (executor, type) = (try Executor(own), own.elementType)
    var count = 0
    let products = try Self.hessianGradientProducts(by: weights, masks: names.map { own.masks[$0] }) { add in
      count = 0
      try examples { batch in
        // Row-major: libtorch's sums of a channels-last batch are a hundred times less exact.
        let images = try batch.images.cast(to: type).contiguous()
        let logits = try executor.forward(images, mode: batchNorms.execution) / Self.temperature
        let labels = try executor.device == .cpu ? batch.labels : batch.labels.moved(to: executor.device)
        count += batch.count
        try add(logits.crossEntropy(labels, reduction: .sum))
      }
    }
    return try withoutGradients {
      var scores: [ParameterName: Tensor] = [:]
      for (name, (weight, product)) in zip(names, zip(weights, products)) {
        // Both H and g were sums over the examples. Two divisions: the square of a large count is no float32.
        let score = try weight.detached() * product / Double(max(count, 1)) / Double(max(count, 1))
        guard try score.isFinite().logicalNot().sum().item() == 0 else {
          throw PruningError.notFinite("the scores that grasp gives \(name)")
        }
        scores[name] = score
      }
      return scores
    }
  }

  /// H·g of a sum of losses by these weights, with g their gradient.
  ///
  /// - Parameters:
  ///   - weights: leaves that require gradients.
  ///   - masks: what of them there is; of what is not there g counts as 0.
  ///   - forEachLoss: calls its argument with each loss, a scalar computed anew from the weights; called twice.
  /// - Returns: one per weight, of its shape.
  static func hessianGradientProducts(
    by weights: [Tensor], masks: [Tensor?], forEachLoss: (_ body: (Tensor) throws -> Void) throws -> Void
  ) throws -> [Tensor] {
    try withGradients {
      var gradients = try weights.map { try $0.detached().zerosLike() }
      try forEachLoss { loss in
        guard loss.requiresGradient else { return }
        let found = try Tensor.gradients(of: [loss], by: weights)
        gradients = try withoutGradients { try zip(gradients, found).map { sum, step in try step.map { try sum + $0 } ?? sum } }
      }
      gradients = try withoutGradients {
        try zip(gradients, masks).map { gradient, mask in try mask.map { try $0.select(gradient, else: gradient.zerosLike()) } ?? gradient }
      }
      var products = try weights.map { try $0.detached().zerosLike() }
      try forEachLoss { loss in
        guard loss.requiresGradient else { return }
        let found = try Tensor.gradients(of: [loss], by: weights, createGraph: true)
        // A gradient that depends on no weight bends nothing.
        let bent = zip(found, gradients).compactMap { gradient, seed in gradient.flatMap { $0.requiresGradient ? ($0, seed) : nil } }
        guard !bent.isEmpty else { return }
        let steps = try Tensor.gradients(of: bent.map(\.0), seeds: bent.map(\.1), by: weights)
        products = try withoutGradients { try zip(products, steps).map { sum, step in try step.map { try sum + $0 } ?? sum } }
      }
      return products
    }
  }
}

extension Criterion {
  /// w⊙Hg.
  public static let grasp = Criterion(GraSP.criterion)
}
