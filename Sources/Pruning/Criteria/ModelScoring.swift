public import Datasets
public import Networks
public import Torch
public import Training

/// Scores the weights of all layers together, by passes of its own through the model; low ones leave.
public protocol ModelScoring: Scoring {
  /// One score per element of every prunable weight, in the weight's shape.
  ///
  /// - Parameters:
  ///   - model: its tensors are left alone, and so is what gradients they require.
  ///   - examples: calls its argument with each batch in order, as often as it is called itself; nil where no examples are given.
  ///   - batchNorms: whose statistics norms use; only criteria whose entry in the catalogue names a mode heed it.
  /// - Throws: ``PruningError/needsData(criterion:)`` if it looks at examples and there are none; ``PruningError/notFinite(_:)``.
  func weightScores(of model: Model, examples: ExampleSource?, batchNorms: BatchNormMode) throws -> [ParameterName: Tensor]
}

extension ModelScoring {
  /// The scores with batch norms as the criterion's public code has them.
  func weightScores(of model: Model, examples: ExampleSource?) throws -> [ParameterName: Tensor] {
    try weightScores(of: model, examples: examples, batchNorms: Self.criterion.batchNorms ?? .evaluation)
  }
}

/// Calls its argument with each batch of examples, in order.
public typealias ExampleSource = (_ body: (Batch) throws -> Void) throws -> Void

extension Model {
  /// A model of the same numbers whose prunable weights gather gradients, and these weights.
  ///
  /// The tensors share their storage with this model's, but neither its gradients nor what they require.
  func differentiable() throws -> (model: Model, names: [ParameterName], weights: [Tensor]) {
    let own = try Model(network: network, tensors: tensors.mapValues { try $0.detached() }, masks: masks)
    let names = network.prunableWeights
    let weights = try names.map { name in
      let weight = try own.tensor(name)
      try weight.requireGradient()
      return weight
    }
    return (own, names, weights)
  }

  /// The type of the weights.
  var elementType: ElementType { tensors.values.first { $0.elementType?.isFloatingPoint ?? false }?.elementType ?? .float32 }
}
