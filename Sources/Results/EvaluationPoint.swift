/// One evaluation on the validation set in the course of a run.
public struct EvaluationPoint: Codable, Hashable, Sendable {
  /// The training, from 0: rounds train several times.
  public var training: Int
  /// Steps of all trainings so far.
  public var step: Int
  /// Correct over all.
  public var accuracy: Double
  /// Mean cross-entropy in nats.
  public var loss: Double

  /// A point of these parts.
  public init(training: Int, step: Int, accuracy: Double, loss: Double) {
    self.training = training
    self.step = step
    self.accuracy = accuracy
    self.loss = loss
  }
}
