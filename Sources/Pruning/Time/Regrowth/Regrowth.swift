public import Networks
public import Training

/// A way for weights to come back while a network trains: what decides which of the pruned ones enter, and which kept ones leave for them.
///
/// A member is a value with its options; it acts through the calls of a training step, and all that it must remember lives in a
/// ``RegrowthMemory``, which checkpoints keep. ``RegrowthHook`` calls it, so that all members train in one course: the same learning
/// rates, data order, evaluations and number of steps. A new member is a file here, its test, a line in ``RegrowthPlan/members`` and a
/// ``PruningMethod``.
public protocol Regrowth: Codable, Hashable, Sendable {
  /// As recipes spell it.
  static var name: String { get }
  /// Whether it keeps the density that the network starts with, or comes down from a dense network by the plan's removals.
  static var start: RegrowthStart { get }
  /// Whether kept weights can go back to earlier values after each removal (``RegrowthPlan/rewinding``).
  static var rewinds: Bool { get }
  /// Its options in words, to follow the name; empty for none.
  var words: String { get }
  /// Whether ``didComputeGradients(_:_:)`` must be called with dense gradients, at all.
  var needsGradients: Bool { get }
  /// Whether it must be called in the next step.
  func needsGradients(_ trainer: Trainer) -> Bool
  /// - Throws: `PlanError` for options that cannot be.
  func validate() throws
  /// - Throws: `PlanError` for a training, plan or network that it does not fit; all that can be known before the first step.
  func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws
  /// Gradients of the masked network are there, dense and not yet applied.
  func didComputeGradients(_ trainer: Trainer, _ memory: RegrowthMemory) throws
  /// The weights have moved.
  func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws
  /// The step is evaluated, and what the plan removes at this step is gone: the place for exchanges.
  func didFinishStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws
  /// What is evaluated in place of the trained model; nil for itself.
  func evaluatedModel(_ trainer: Trainer, _ memory: RegrowthMemory) throws -> Model?
  /// Whether the next step trains another network than the evaluated one.
  func trainsAside(_ memory: RegrowthMemory) -> Bool
}

/// Where a way of regrowing begins.
public enum RegrowthStart: Hashable, Sendable {
  /// With a sparse network (``PruningPlan/Timing/atStart(rounds:)``).
  case sparse
  /// With a dense one (``PruningPlan/Timing/during(every:until:)``).
  case dense
  /// With either.
  case either
}

extension Regrowth {
  /// No.
  public static var rewinds: Bool { false }
  /// None.
  public var words: String { "" }
  /// No.
  public var needsGradients: Bool { false }
  /// As in every step.
  public func needsGradients(_ trainer: Trainer) -> Bool { needsGradients }
  /// Accepts.
  public func validate() throws {}
  /// Accepts.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws {}
  /// Does nothing.
  public func didComputeGradients(_ trainer: Trainer, _ memory: RegrowthMemory) throws {}
  /// Does nothing.
  public func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {}
  /// Does nothing.
  public func didFinishStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {}
  /// The trained model itself.
  public func evaluatedModel(_ trainer: Trainer, _ memory: RegrowthMemory) throws -> Model? { nil }
  /// Never.
  public func trainsAside(_ memory: RegrowthMemory) -> Bool { false }
}
