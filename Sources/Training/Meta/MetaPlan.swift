/// How meta-learning moves the weights that tasks start from.
public enum OuterUpdate: String, Codable, Hashable, Sendable, CaseIterable {
  /// θ ← θ + ε·(mean θ_i − θ), θ_i the weights after the inner steps of task i (Reptile; Nichol, Achiam & Schulman 2018).
  case reptile
  /// The gradient of the query loss at θ_i, taken for one at θ (first-order MAML; Finn, Abbeel & Levine 2017).
  case fomaml
  /// The gradient of the query loss at θ_i by θ, through the inner steps: second order (MAML; Finn, Abbeel & Levine 2017).
  case maml
  /// The gradient of L_train(θ) + β·L_test(θ − α∇L_train(θ)), the pseudo-test a task of other classes (MLDG; Li et al. 2018).
  case mldg

  /// Whether the update differentiates through inner steps.
  public var isSecondOrder: Bool { self == .maml || self == .mldg }
}

/// What becomes of the gradient of weights that a prune step has removed.
public enum PruneGradient: String, Codable, Hashable, Sendable, CaseIterable {
  /// Gradients are computed anew for the pruned network: what was removed has none, and stays removed.
  case recomputed
  /// The prune step is passed as if it were the identity (straight-through; Bengio, Léonard & Courville 2013): removed weights, at 0 in every
  /// task, go on moving by the query's gradient out of sight, and the next prune step chooses among all.
  case straightThrough = "straight-through"
}

/// How weights are learned from which a few steps lead to the solution of any task.
public struct MetaPlan: Codable, Hashable, Sendable {
  /// The outer update.
  public var update: OuterUpdate
  /// Number of tasks in each outer step.
  public var tasks: Int
  /// Number of SGD steps on a task's examples; ``OuterUpdate/mldg`` always takes one.
  public var innerSteps: Int
  /// Learning rate of these steps (α of MAML).
  public var innerRate: Double
  /// Weight β of the pseudo-test's loss in ``OuterUpdate/mldg``.
  public var pseudoTest: Double
  /// What becomes of the gradient of removed weights.
  public var pruneGradient: PruneGradient

  /// Creates a plan; every parameter sets the property of the same name.
  public init(
    _ update: OuterUpdate = .reptile, tasks: Int = 4, innerSteps: Int = 5, innerRate: Double = 0.1, pseudoTest: Double = 1,
    pruneGradient: PruneGradient = .recomputed
  ) {
    self.update = update
    self.tasks = tasks
    self.innerSteps = innerSteps
    self.innerRate = innerRate
    self.pseudoTest = pseudoTest
    self.pruneGradient = pruneGradient
  }

  /// Checks the plan by itself.
  ///
  /// - Throws: ``PlanError`` for values that no meta-learning can have.
  public func validate() throws {
    guard (1...10_000).contains(tasks) else { throw PlanError("--tasks \(tasks) is impossible: give 1 to 10000") }
    guard (1...10_000).contains(innerSteps) else { throw PlanError("--inner-steps \(innerSteps) is impossible: give 1 to 10000") }
    guard innerRate > 0, innerRate.fitsFloat32 else {
      throw PlanError("--inner-rate \(innerRate) is impossible: give a number above 0")
    }
    guard pseudoTest > 0, pseudoTest.fitsFloat32 else {
      throw PlanError("--pseudo-test \(pseudoTest) is impossible: give a number above 0")
    }
    guard update != .reptile || pruneGradient == .recomputed else {
      throw PlanError(
        "--prune-gradient straight-through goes with --outer fomaml, maml or mldg: reptile moves towards weights that are 0 where pruned")
    }
  }
}
