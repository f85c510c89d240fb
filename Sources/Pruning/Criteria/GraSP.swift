internal import Datasets
public import Networks
public import Torch
public import Training

/// `grasp`: w⊙(H·g), a weight's contribution to the gradient flow gᵀg; without the lowest, the loss can fall fastest.
///
/// g and H are the gradient and the Hessian of the mean loss, with logits divided by the temperature 200, with respect to the weights of
/// linear and convolution layers; g is a constant where H·g is taken (detached once). The paper's score is S = −w⊙Hg, of which the
/// *highest* are removed: the same choice. The g of pruned weights is 0, since they cannot move. Batch norms are in training mode, as in
/// the public code, unless the plan says otherwise, and their running statistics are not updated. Scores are taken on 10 examples of each
/// class, up to 250 in a batch (the public code processes the examples in halves); in evaluation mode, and without batch norms, they do not
/// depend on how the examples are split. Cost: two forward and two backward passes, one of which records its graph, and a backward pass
/// through that graph.
public struct GraSP: ModelScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "grasp",
    summary: "removes the weights that hinder the gradient flow, or contribute least to it; meant for freshly initialised weights",
    formula: "w⊙Hg, logits/200", paper: "Wang, Zhang & Grosse 2020", data: .examples, examples: ExampleCount(0, perClass: 10),
    batchNorms: .training, implementation: GraSP())

  /// Temperature by which logits are divided.
  public static let temperature = 200.0

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns w⊙Hg for every prunable weight.
  public func weightScores(of model: Model, examples: ExampleSource?, batchNorms: BatchNormMode) throws -> [ParameterName: Tensor] {
    guard let examples else { throw PruningError.needsData(criterion: Self.criterion.name) }
    let (own, names, weights) = try model.differentiable()
    let (executor, type) = (try Executor(own), own.elementType)
    var count = 0
    let products = try Self.hessianGradientProducts(by: weights, masks: names.map { own.masks[$0] }) { add in
      count = 0
      try examples { batch in
        // Row-major: libtorch's sums over a channels-last batch are a hundred times less accurate.
        let images = try batch.inputs.cast(to: type).contiguous()
        let logits = try executor.forward(images, mode: batchNorms.execution) / Self.temperature
        let labels = try executor.labels(of: batch)
        count += batch.count
        try add(logits.crossEntropy(labels, reduction: .sum))
      }
    }
    return try withoutGradients {
      var scores: [ParameterName: Tensor] = [:]
      for (name, (weight, product)) in zip(names, zip(weights, products)) {
        // Both H and g are sums over the examples. Divided twice, because the square of a large count is not exact in float32.
        let score = try weight.detached() * product / Double(max(count, 1)) / Double(max(count, 1))
        guard try score.isFinite().logicalNot().sum().item() == 0 else {
          throw PruningError.notFinite("the scores that grasp gives \(name)")
        }
        scores[name] = score
      }
      return scores
    }
  }

  /// Returns H·g of a sum of losses with respect to some weights, with g their gradient.
  ///
  /// - Parameters:
  ///   - weights: leaves that require gradients.
  ///   - masks: for each weight its mask; where an element is pruned, g counts as 0.
  ///   - forEachLoss: calls its argument with each loss, a scalar computed anew from the weights; it is called twice.
  /// - Returns: one product per weight, of its shape.
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
        // A gradient that does not depend on the weights has no second derivative.
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
  /// `grasp`: w⊙Hg.
  public static let grasp = Criterion(GraSP.criterion)
}
