public import Torch

extension Trainer {
  /// Everything that decides how training continues.
  public struct State {
    /// Number of finished steps.
    public var iteration: Int
    /// Evaluations and running sums.
    public var log: TrainingLog
    /// Steps and moments of the optimizer.
    public var optimizer: Optimizer.State
    /// State of the dropout generator.
    public var dropout: Tensor
    /// State of each hook, by the hook's name.
    public var hooks: [String: [String: Tensor]]
    /// Whether the evaluation of the last step is still to be done.
    public var isStepOpen: Bool
    /// Creates a state; every parameter sets the property of the same name.
    public init(
      iteration: Int, log: TrainingLog, optimizer: Optimizer.State, dropout: Tensor, hooks: [String: [String: Tensor]],
      isStepOpen: Bool = false
    ) {
      self.iteration = iteration
      self.log = log
      self.optimizer = optimizer
      self.dropout = dropout
      self.hooks = hooks
      self.isStepOpen = isStepOpen
    }

    /// - Throws: ``RecordError`` for a state that a training of this plan with these hooks cannot have reached.
    func check(for plan: TrainingPlan, _ span: TrainingSpan, _ known: [any TrainingHook]) throws {
      guard (0...span.total).contains(iteration) else {
        throw RecordError("a training of \(span.total) steps cannot go on from step \(iteration)")
      }
      guard optimizer.moments.values.allSatisfy({ $0.isEmpty || $0.count == plan.optimizer.momentCount }) else {
        throw RecordError("its moments are those of another optimizer")
      }
      if let name = hooks.keys.sorted().first(where: { name in !known.contains { $0.name == name } }) {
        throw RecordError("it keeps something for hook \(name), which this run does not have")
      }
    }
  }
}
