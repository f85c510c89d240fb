public import Networks
public import Training

/// A method of regrowth: it decides which pruned weights come back during training, and which kept ones leave in exchange.
///
/// A method is a value with its options; it acts in the callbacks of a training step, and keeps all state in a ``RegrowthMemory``, which
/// checkpoints store. ``RegrowthHook`` calls it, so that all methods share the same learning rates, data order, evaluations and number of
/// steps. A new method is a file here, its test, a line in ``RegrowthPlan/members`` and an entry in the catalogue of methods
/// (`PruningMethod.all`).
public protocol Regrowth: Codable, Hashable, Sendable {
  /// Name in recipes.
  static var name: String { get }
  /// Whether it keeps the density of a sparse initial network, or reaches its density from a dense network by the plan's removals.
  static var start: RegrowthStart { get }
  /// Whether kept weights can be rewound after each removal (``RegrowthPlan/rewinding``).
  static var rewinds: Bool { get }
  /// Description of the options, without the name; empty if there are none.
  var words: String { get }
  /// Whether ``didComputeGradients(_:_:)`` ever needs dense gradients.
  var needsGradients: Bool { get }
  /// Returns whether ``didComputeGradients(_:_:)`` needs dense gradients in the next step.
  func needsGradients(_ trainer: Trainer) -> Bool
  /// Checks the options.
  ///
  /// - Throws: `PlanError` for impossible options.
  func validate() throws
  /// Checks, before the first step, that the method goes with a training, plan and network.
  ///
  /// - Throws: `PlanError` if it does not.
  func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws
  /// Called when the dense gradients of the masked network are computed but not yet applied.
  func didComputeGradients(_ trainer: Trainer, _ memory: RegrowthMemory) throws
  /// Called when the optimizer has updated the weights.
  func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws
  /// Called when the step has been evaluated and the plan's removal at this step is done: the place for exchanges.
  func didFinishStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws
  /// Returns the model to evaluate in place of the trained one; nil for the trained model.
  func evaluatedModel(_ trainer: Trainer, _ memory: RegrowthMemory) throws -> Model?
  /// Returns whether the next step trains another network than the evaluated one.
  func trainsAside(_ memory: RegrowthMemory) -> Bool
}

/// The network from which a method of regrowth starts.
public enum RegrowthStart: Hashable, Sendable {
  /// A sparse network (``PruningPlan/Timing/atStart(rounds:)``).
  case sparse
  /// A dense network (``PruningPlan/Timing/during(every:until:)``).
  case dense
  /// A sparse or a dense network.
  case either
}

extension Regrowth {
  /// By default false.
  public static var rewinds: Bool { false }
  /// By default empty.
  public var words: String { "" }
  /// By default false.
  public var needsGradients: Bool { false }
  /// By default the same at every step.
  public func needsGradients(_ trainer: Trainer) -> Bool { needsGradients }
  /// By default accepts everything.
  public func validate() throws {}
  /// By default accepts everything.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws {}
  /// By default does nothing.
  public func didComputeGradients(_ trainer: Trainer, _ memory: RegrowthMemory) throws {}
  /// By default does nothing.
  public func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {}
  /// By default does nothing.
  public func didFinishStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {}
  /// By default nil, for the trained model.
  public func evaluatedModel(_ trainer: Trainer, _ memory: RegrowthMemory) throws -> Model? { nil }
  /// By default false.
  public func trainsAside(_ memory: RegrowthMemory) -> Bool { false }
}
