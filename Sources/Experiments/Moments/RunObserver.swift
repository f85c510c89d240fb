internal import Pruning
internal import Results
internal import Training

/// An object that learns what happens in a run, moment by moment: a file of metrics, a dashboard.
///
/// A runner calls ``begin(after:)`` once, before any work, then ``observe(_:)`` in the order of the run. Checkpoints hold the number of
/// moments so far, so that a resumed run goes on counting where its checkpoint was written.
public protocol RunObserver: AnyObject {
  /// Called before the first moment of this process.
  ///
  /// - Parameter count: number of moments before the checkpoint that the run resumes from, 0 for a new run. What the observer has kept of
  ///   later ones must go: they happen again.
  func begin(after count: Int) throws
  /// Called with every moment; an error stops the run, whose last checkpoint stays.
  func observe(_ moment: RunMoment) throws
  /// Called before each checkpoint: all moments so far must outlast a crash of the machine as the checkpoint does.
  func synchronize() throws
}

extension RunObserver {
  /// By default does nothing.
  public func synchronize() throws {}
}

extension Runner {
  /// Counts a moment and passes it to the observers.
  ///
  /// - Throws: what an observer throws.
  public func tell(_ moment: RunMoment) throws {
    state.moments += 1
    for observer in options.observers { try observer.observe(moment) }
  }
}

extension EvaluationRecord {
  /// The evaluation as a moment of a training that began after `steps` steps of others.
  func moment(_ phase: String, training: Int, epoch: Double?, after steps: Int, learningRate: Double) -> RunMoment.Evaluation {
    RunMoment.Evaluation(
      phase: phase, training: training, iteration: iteration, epoch: epoch, step: steps + iteration, learningRate: learningRate,
      trainingLoss: trainingLoss, validationLoss: validation?.loss, validationAccuracy: validation?.accuracy)
  }
}

extension PruningEvent {
  /// The removal as a moment of a run.
  func moment(_ things: String, step: Int) -> RunMoment.Removal {
    RunMoment.Removal(
      number: number, step: step, things: things, removed: removed, kept: kept,
      sparsity: prunable.flatMap { $0 > 0 ? 1 - Double(kept) / Double($0) : nil }, accuracyBefore: before?.accuracy,
      accuracyAfter: after?.accuracy, layers: layers)
  }
}
