public import Pruning
public import Results
public import Training

/// One part of a run, e.g. a training or a removal: a value that can be stored in recipes and can do its own work.
///
/// A run is a list of stages, made by a method (``PruningMethod/stages``). ``Runner`` executes them in order and writes a checkpoint after
/// each stage, without knowing the kinds of stages.
public protocol Stage: Codable, Hashable, Sendable {
  /// Name of the kind in recipes, e.g. `train`.
  static var name: String { get }
  /// Outcomes that the stage may leave for the row besides the model, trainings and removals; checkpoints keep them.
  static var outcomes: [any StageOutcome.Type] { get }
  /// The training within the stage, during which checkpoints may be written; nil if it takes no training step.
  var trains: RegularizedTraining? { get }
  /// The plan of the removals within the stage; nil if nothing is removed.
  var prunes: PruningPlan? { get }
  /// Number of the network's outputs; nil for one for each class of the data.
  var outputs: Int? { get }
  /// Whether a checkpoint follows the stage. False for work that is faster to repeat than to store and read.
  var isKept: Bool { get }
  /// Checks before any work, beyond the plans of ``trains`` and ``prunes``, for errors that would otherwise come up only after hours.
  ///
  /// - Throws: `PlanError` and `PruningError`.
  func check(on model: Model, _ data: TrainingData?) throws
  /// Does the work: replaces the run's model by the next one and records what was done.
  ///
  /// Called again when a run that was interrupted in this stage resumes; then ``Runner/isResumed`` is true, and the model is the
  /// checkpoint's.
  func carryOut(in run: Runner) throws
}

extension Stage {
  /// No outcomes.
  public static var outcomes: [any StageOutcome.Type] { [] }
  /// No training.
  public var trains: RegularizedTraining? { nil }
  /// No removals.
  public var prunes: PruningPlan? { nil }
  /// One for each class.
  public var outputs: Int? { nil }
  /// True: a checkpoint follows.
  public var isKept: Bool { true }
  /// Checks nothing beyond the plans.
  public func check(on model: Model, _ data: TrainingData?) throws {}
}

/// A finding of a stage that the row reports, e.g. how many weights returned.
public protocol StageOutcome: Codable, Sendable {
  /// Key of the outcome in the records of checkpoints.
  static var key: String { get }
  /// Returns notes for the row.
  func notes(of run: Runner) -> [RunNote]
  /// Fills this outcome's part of the row, after everything else is filled in.
  func fill(_ row: inout RunRecord, of run: Runner)
}

extension StageOutcome {
  /// No notes.
  public func notes(of run: Runner) -> [RunNote] { [] }
  /// Leaves the row unchanged.
  public func fill(_ row: inout RunRecord, of run: Runner) {}
}
