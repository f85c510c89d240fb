public import Torch
public import Training

/// The training hook that applies a ``RegrowthPlan``; it follows the ``Pruner``, which does the scheduled removals, among the trainer's
/// hooks.
public final class RegrowthHook: TrainingHook {
  /// Name of the hook in checkpoints, `regrowth`.
  public let name = "regrowth"
  /// State of the regrowth, which checkpoints store.
  public let memory: RegrowthMemory
  private let method: any Regrowth
  private let form: RegrowthMemory.Form
  private var isChecked = false

  /// Creates a hook.
  ///
  /// - Parameters:
  ///   - plan: the method of regrowth with its options.
  ///   - pruner: the pruner among the trainer's hooks.
  ///   - start: the model at the start of training, to which weights may be rewound.
  public init(_ plan: RegrowthPlan, pruner: Pruner, start: Model) {
    method = plan.method
    form = RegrowthMemory.Form(start)
    memory = RegrowthMemory(pruner.plan, pruner: pruner)
    memory.rememberStart(start)
  }

  /// Whether the method ever needs dense gradients.
  public var needsGradients: Bool { method.needsGradients }
  /// Returns whether the method needs dense gradients in the next step.
  public func needsGradients(_ trainer: Trainer) -> Bool { method.needsGradients(trainer) }

  /// Passes the gradients to the method.
  public func didComputeGradients(_ trainer: Trainer) throws {
    try withoutGradients {
      try check(trainer)
      try method.didComputeGradients(trainer, memory)
    }
  }

  /// Passes the updated weights to the method.
  ///
  /// - Throws: `PlanError` at the first step if the plan would remove nothing in this training, or does not fit its length.
  public func didStep(_ trainer: Trainer) throws {
    try withoutGradients {
      try check(trainer)
      if trainer.iteration == 1 { try memory.explore(trainer) }
      try method.didStep(trainer, memory)
      try memory.rememberStep(trainer)
    }
  }

  /// Lets the method exchange weights, and rewinds the kept ones if the plan says so.
  public func didFinishStep(_ trainer: Trainer) throws {
    try withoutGradients {
      try method.didFinishStep(trainer, memory)
      try memory.rewind(trainer, afterRemoval: memory.plan.removals(in: trainer.span)?.contains(trainer.iteration) ?? false)
    }
  }

  /// Returns the model that the method wants evaluated.
  public func evaluatedModel(_ trainer: Trainer) throws -> Model? {
    try withoutGradients { try method.evaluatedModel(trainer, memory) }
  }

  /// Returns whether the method trains another network than the evaluated one.
  public func trainsAside(_ trainer: Trainer) -> Bool { method.trainsAside(memory) }

  /// Returns the memory.
  public func state() throws -> [String: Tensor] { try memory.state() }

  /// Continues from a state returned by ``state()``.
  ///
  /// - Throws: `RecordError` for a state that cannot belong to the model's layers.
  public func restore(_ state: [String: Tensor]) throws {
    try form.check(state)
    try memory.restore(state)
  }

  private func check(_ trainer: Trainer) throws {
    guard !isChecked else { return }
    isChecked = true
    try memory.plan.checkRegrowth(in: trainer.span, of: trainer.model.network)
  }
}
