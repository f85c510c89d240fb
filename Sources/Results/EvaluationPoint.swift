/// One evaluation on the validation set during a run.
public struct EvaluationPoint: Codable, Hashable, Sendable {
  /// Index of the training, from 0: a run in rounds trains several times.
  public var training: Int
  /// Steps finished in all trainings so far.
  public var step: Int
  /// Epochs finished in all trainings so far; nil where examples have no epochs, and in records of earlier versions.
  public var epoch: Double?
  /// Fraction of validation images classified correctly.
  public var accuracy: Double
  /// Mean cross-entropy on the validation set in nats.
  public var loss: Double

  /// Creates a point; every parameter sets the property of the same name.
  public init(training: Int, step: Int, epoch: Double? = nil, accuracy: Double, loss: Double) {
    self.training = training
    self.step = step
    self.epoch = epoch
    self.accuracy = accuracy
    self.loss = loss
  }
}
