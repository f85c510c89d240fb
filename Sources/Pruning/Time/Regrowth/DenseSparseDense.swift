public import Networks
internal import Torch
public import Training

/// `dsd`: dense, sparse, dense (Han et al. 2017): the plan removes weights in about the first third of the steps; after two thirds all of
/// them come back at 0 and train to the end.
///
/// The result is dense. With `prune` it is cut to the plan's density by |w| at the very end, without any step afterwards, which is the only
/// way to compare it at equal density.
public struct DenseSparseDense: Regrowth {
  /// Name in recipes.
  public static let name = "dsd"
  /// Starts from a dense network.
  public static let start = RegrowthStart.dense
  /// Fraction of all steps after which all weights come back.
  public var denseFrom: Double
  /// Whether the result is cut to the plan's density.
  public var prune: Bool

  /// Creates the method; every parameter sets the property of the same name.
  public init(denseFrom: Double = 2.0 / 3, prune: Bool = false) {
    self.denseFrom = denseFrom
    self.prune = prune
  }

  /// Description of the options.
  public var words: String { "dense again after \(PruningPlan.percent(denseFrom)) of the steps\(prune ? ", cut after the last" : "")" }

  /// Checks the options.
  ///
  /// - Throws: `PlanError` if `denseFrom` is not between 0 and 1.
  public func validate() throws {
    guard denseFrom > 0, denseFrom < 1 else {
      throw PlanError("--regrowth-end \(denseFrom) is impossible: give a share of the steps above 0 and below 1")
    }
  }

  private func turn(of total: Int) -> Int { Rounding.floor.count(denseFrom, of: total) }

  /// Checks that the removals are over before the weights come back.
  ///
  /// - Throws: `PlanError` if they are not.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws {
    guard case .during(_, let until) = plan.timing else { return }
    let last = until?.iterations(perEpoch: span.perEpoch) ?? span.total
    let turn = turn(of: span.total)
    guard last < turn else {
      throw PlanError(
        "dsd removes until step \(last), but everything comes back after step \(turn): give an earlier --until, or train longer")
    }
  }

  /// Removes all masks at the step at which the weights come back.
  public func didFinishStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard trainer.iteration == turn(of: trainer.totalIterations) else { return }
    var masks = trainer.model.masks
    var count = 0
    for name in try memory.layers(of: trainer) {
      guard let mask = masks.removeValue(forKey: name) else { continue }
      count += try mask.count - mask.memberCount()
    }
    try trainer.adoptMasks(masks)
    try memory.record(entered: count, trainer)
    memory.settle(after: trainer.iteration)
  }

  /// Cuts the result after the last step, before its evaluation.
  public func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard prune, trainer.iteration == trainer.totalIterations else { return }
    let pruner = memory.pruner
    let number = pruner.eventNumber + 1
    let before = try trainer.evaluateValidation()
    var pruned = try pruner.prune(trainer.model, event: number, of: number, iteration: trainer.iteration)
    try trainer.replaceModel(pruned.model, slices: [])
    pruned.event.before = before
    pruned.event.after = try trainer.evaluateValidation()
    try pruner.didPrune(pruned.event, pruned.removal)
    memory.settle(after: trainer.iteration)
  }
}
