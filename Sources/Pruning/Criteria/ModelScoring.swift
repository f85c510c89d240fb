public import Datasets
public import Networks
public import Torch
public import Training

/// Scores the weights of all layers together, by its own passes through the model; low scores are removed first.
public protocol ModelScoring: Scoring {
  /// Returns one score per element of every prunable weight, in the weight's shape.
  ///
  /// - Parameters:
  ///   - model: the model; its tensors, and whether they require gradients, are left unchanged.
  ///   - examples: calls its argument with each batch in order, and may be called repeatedly; nil if there are no examples.
  ///   - batchNorms: the mode of batch norms; used only by criteria whose entry in the catalogue names a mode.
  /// - Throws: ``PruningError/needsData(criterion:)`` if the criterion needs examples and there are none; ``PruningError/notFinite(_:)``.
  func weightScores(of model: Model, examples: ExampleSource?, batchNorms: BatchNormMode) throws -> [ParameterName: Tensor]
}

extension ModelScoring {
  /// Returns the scores with batch norms in the mode of the criterion's public code.
  func weightScores(of model: Model, examples: ExampleSource?) throws -> [ParameterName: Tensor] {
    try weightScores(of: model, examples: examples, batchNorms: Self.criterion.batchNorms ?? .evaluation)
  }
}

/// A source of examples: calls its argument with each batch, in order.
public typealias ExampleSource = (_ body: (Batch) throws -> Void) throws -> Void

extension Model {
  /// Returns a model with the same values whose prunable weights require gradients, and these weights.
  ///
  /// The tensors share their storage with this model's, but not their gradients or whether they require them.
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

  /// Element type of the weights; float32 if there are none.
  var elementType: ElementType { tensors.values.first { $0.elementType?.isFloatingPoint ?? false }?.elementType ?? .float32 }
}
