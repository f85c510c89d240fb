internal import Pruning
public import Results

/// What a meta-pruning found: the networks so far, the pruned one last.
public struct MetaOutcome: StageOutcome {
  /// Key of the outcome in checkpoints, `meta`.
  public static let key = "meta"
  /// How tasks were learned, in words.
  public var learning: String
  /// Number of classes that tasks were learned from, that accompanied the training, and that were unseen.
  public var classes: [Int]
  /// Number of steps of the last layer's fit.
  public var headSteps: Int
  /// The networks that are finished.
  public var arms: [MetaArm]
  /// Seconds of the run's training before the present network's.
  public var begun: Double

  /// A note if the criterion sums over training steps, which belong to tasks here.
  public func notes(of run: Runner) -> [RunNote] {
    guard run.experiment.pruning?.criterion.sumsOverSteps == true else { return [] }
    return [
      RunNote(subject: "scores", words: "one pass over examples of tasks stood in for the training steps that the criterion sums over")
    ]
  }

  /// Sets ``Results/RunRecord/meta``.
  public func fill(_ row: inout RunRecord, of run: Runner) {
    row.meta = MetaSummary(learning: learning, classes: classes, headSteps: headSteps, arms: arms)
  }
}
