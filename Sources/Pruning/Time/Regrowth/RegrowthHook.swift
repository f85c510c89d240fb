public import Torch
public import Training

/// Carries a ``RegrowthPlan`` out in a training: after the ``Pruner`` among the trainer's hooks, which does the scheduled removals.
public final class RegrowthHook: TrainingHook {
  /// Names its part of a checkpoint.
  public let name = "regrowth"
  /// What it remembers.
  public let memory: RegrowthMemory
  private let method: any Regrowth
  private let form: RegrowthMemory.Form
  private var isChecked = false

  /// A hook.
  ///
  /// - Parameters:
  ///   - plan: what comes back and how.
  ///   - pruner: the one that is the trainer's hook, too.
  ///   - start: the model that training starts with, which weights may go back to.
  public init(_ plan: RegrowthPlan, pruner: Pruner, start: Model) {
    method = plan.method
    form = RegrowthMemory.Form(start)
    memory = RegrowthMemory(pruner.plan, pruner: pruner)
    memory.rememberStart(start)
  }

  /// As the member says.
  public var needsGradients: Bool { method.needsGradients }
  /// As the member says.
  public func needsGradients(_ trainer: Trainer) -> Bool { method.needsGradients(trainer) }

  /// Shows the member the gradients.
  public func didComputeGradients(_ trainer: Trainer) throws {
    try withoutGradients {
      try check(trainer)
      try method.didComputeGradients(trainer, memory)
    }
  }

  /// Shows the member the weights after a step.
  ///
  /// - Throws: `PlanError` at the first step of a training in which the plan would remove nothing, or not fit its length.
  public func didStep(_ trainer: Trainer) throws {
    try withoutGradients {
      try check(trainer)
      if trainer.iteration == 1 { try memory.explore(trainer) }
      try method.didStep(trainer, memory)
      try memory.rememberStep(trainer)
    }
  }

  /// Lets the member exchange weights, and kept ones go back where the plan says so.
  public func didFinishStep(_ trainer: Trainer) throws {
    try withoutGradients {
      try method.didFinishStep(trainer, memory)
      try memory.rewind(trainer, afterRemoval: memory.plan.removals(in: trainer.span)?.contains(trainer.iteration) ?? false)
    }
  }

  /// What the member wants evaluated.
  public func evaluatedModel(_ trainer: Trainer) throws -> Model? {
    try withoutGradients { try method.evaluatedModel(trainer, memory) }
  }

  /// As the member says.
  public func trainsAside(_ trainer: Trainer) -> Bool { method.trainsAside(memory) }

  /// All that the member remembers.
  public func state() throws -> [String: Tensor] { try memory.state() }

  /// Goes on from it.
  ///
  /// - Throws: `RecordError` for what no memory of this model's layers can be.
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
