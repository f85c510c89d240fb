public import Pruning
public import Results
public import Training

/// One part of a run, e.g. a training or a removal: a value that recipes can hold and that knows how it is carried out.
///
/// A run is a list of stages, made by a method (``PruningMethod/stages``). ``Runner`` walks the list, writes a checkpoint after each
/// stage, and knows no kind of them.
public protocol Stage: Codable, Hashable, Sendable {
  /// The kind's name in recipes, e.g. `train`.
  static var name: String { get }
  /// What it may leave for the row besides the model, trainings and removals; checkpoints keep it.
  static var outcomes: [any StageOutcome.Type] { get }
  /// The training in it, in the middle of which there may be a checkpoint; nil where no step is taken.
  var trains: RegularizedTraining? { get }
  /// The plan of the removals in it; nil where nothing is removed.
  var prunes: PruningPlan? { get }
  /// Whether a checkpoint is due after it. False for work that is sooner done again than stored and read.
  var isKept: Bool { get }
  /// Throws for what would be refused only after hours of work, besides what ``trains`` and ``prunes`` say; called before any.
  ///
  /// - Throws: `PlanError` and `PruningError`.
  func check(on model: Model, _ data: TrainingData?) throws
  /// Does the work: takes the run's model, and leaves another one and a record of what was done.
  ///
  /// It is called again where a run that broke off in it goes on; ``Runner/isResumed`` says so, and the model is the checkpoint's then.
  func carryOut(in run: Runner) throws
}

extension Stage {
  /// Nothing.
  public static var outcomes: [any StageOutcome.Type] { [] }
  /// No training.
  public var trains: RegularizedTraining? { nil }
  /// No removals.
  public var prunes: PruningPlan? { nil }
  /// A checkpoint is written.
  public var isKept: Bool { true }
  /// Nothing but plans to check.
  public func check(on model: Model, _ data: TrainingData?) throws {}
}

/// What a stage found out that the row tells, e.g. how many weights came back.
public protocol StageOutcome: Codable, Sendable {
  /// Its key in the records of checkpoints.
  static var key: String { get }
  /// Lines for the row's notes.
  func notes(of run: Runner) -> [RunNote]
  /// Fills its part of the row, once all else is there.
  func fill(_ row: inout RunRecord, of run: Runner)
}

extension StageOutcome {
  /// No lines.
  public func notes(of run: Runner) -> [RunNote] { [] }
  /// Nothing.
  public func fill(_ row: inout RunRecord, of run: Runner) {}
}
