public import Datasets
package import Torch

/// Loss and accuracy over a whole set.
public struct Evaluation: Codable, Hashable, Sendable {
  /// Mean cross-entropy in nats.
  public var loss: Double
  /// Examples whose largest logit is their label's.
  public var correct: Int
  /// Number of examples.
  public var count: Int
  /// Accuracy, correct/count; 0 for an empty set.
  public var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }

  /// Creates an evaluation; every parameter sets the property of the same name.
  public init(loss: Double, correct: Int, count: Int) {
    self.loss = loss
    self.correct = correct
    self.count = count
  }
}

extension Executor {
  /// Evaluates all batches without recording gradients; one forward pass per batch.
  public func evaluate(_ batches: EvaluationBatches) throws -> Evaluation {
    try evaluate { try batches.forEach($0) }
  }

  /// Evaluates one batch without recording gradients.
  public func evaluate(_ batch: Batch) throws -> Evaluation {
    try evaluate { try $0(batch) }
  }

  private func evaluate(_ forEachBatch: ((Batch) throws -> Void) throws -> Void) throws -> Evaluation {
    try withoutGradients {
      var (loss, correct, count) = (0.0, 0, 0)
      try forEachBatch { batch in
        let logits = try forward(batch.inputs)
        let labels = try labels(of: batch)
        loss += try logits.crossEntropy(labels, reduction: .sum).item()
        correct += Int(try logits.argmax(1).equal(labels).sum().item())
        count += batch.count
      }
      return Evaluation(loss: count == 0 ? 0 : loss / Double(count), correct: correct, count: count)
    }
  }

  /// Returns a batch's labels on the model's device.
  package func labels(of batch: Batch) throws -> Tensor { try batch.labels.moved(to: device) }
}

extension Model {
  /// Returns the model laid out for inference: convolution weights channels-last, without gradients.
  ///
  /// Tensors with that layout already are shared, not copied.
  public func laidOutForInference() throws -> Model {
    var result = self
    result.tensors = try tensors.mapValues { try $0.rank == 4 ? $0.detached().channelsLast() : $0.detached() }
    return result
  }

  /// Evaluates the model in the layout for inference; one forward pass per batch.
  public func evaluate(_ batches: EvaluationBatches) throws -> Evaluation {
    try Executor(laidOutForInference()).evaluate(batches)
  }
}
