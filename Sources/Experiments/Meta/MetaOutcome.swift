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
  /// Relative densities of the present network's layers that its last removal had learned, in order; nil if they are not learned.
  public var shares: [Share]?
  /// The votes of tasks on the pruned network's removals so far; nil if they do not vote.
  public var votes: [RemovalVote]?
  /// Number of gates that had closed by themselves when a removal of the pruned network took them; nil if masks are not learned.
  public var closed: Int?
  /// Seconds of the run's training before the present network's.
  public var begun: Double

  /// The relative density of a layer or group.
  public struct Share: Codable, Hashable, Sendable {
    /// Name of the layer or group.
    public var layer: String
    /// Density of the layer over the geometric mean of all.
    public var share: Double
  }

  /// Notes on learned fractions, and if the criterion sums over training steps, which belong to tasks here.
  public func notes(of run: Runner) -> [RunNote] {
    let learned = (shares ?? []).map { "\($0.layer) \(Format.fixed($0.share, 2))" }.joined(separator: ", ")
    var notes = learned.isEmpty ? [] : [RunNote(subject: "fractions", words: "relative densities as learned: \(learned)")]
    if let votes { notes.append(RunNote(subject: "votes", words: votes.map(\.words).joined(separator: "; "))) }
    if run.experiment.pruning?.criterion.sumsOverSteps == true {
      notes.append(
        RunNote(subject: "scores", words: "one pass over examples of tasks stood in for the training steps that the criterion sums over"))
    }
    return notes
  }

  /// Sets ``Results/RunRecord/meta``, and over which tasks the row's accuracies are means.
  public func fill(_ row: inout RunRecord, of run: Runner) {
    row.meta = MetaSummary(learning: learning, classes: classes, headSteps: headSteps, arms: arms)
    func tasks(_ arm: MetaCourse.Arm) -> Accuracy.Tasks? {
      arms.first { $0.name == arm.name }.map { Accuracy.Tasks(count: $0.unseen.tasks, standardError: $0.unseen.standardError) }
    }
    row.dense.accuracyAtEnd?.tasks = tasks(.control(.full))
    row.pruned?.accuracyAtEnd?.tasks = tasks(.pruned)
  }
}
