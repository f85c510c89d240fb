public import Networks
internal import Torch
public import Training

/// `dsd`: dense, sparse, dense (Han et al. 2017): the plan's removals end after about a third of the steps, and after two thirds
/// everything comes back at 0, to train to the end.
///
/// Its result is dense. With `prune` it is cut to the plan's density by |w| at the very end, without any step afterwards, which is the
/// only way to compare it at equal density.
public struct DenseSparseDense: Regrowth {
  /// As recipes spell it.
  public static let name = "dsd"
  /// With a dense network.
  public static let start = RegrowthStart.dense
  /// The share of all steps after which everything comes back.
  public var denseFrom: Double
  /// Whether the end is cut to the plan's density.
  public var prune: Bool

  /// Dense, sparse, dense.
  public init(denseFrom: Double = 2.0 / 3, prune: Bool = false) {
    self.denseFrom = denseFrom
    self.prune = prune
  }

  /// The options.
  public var words: String { "dense again after \(PruningPlan.percent(denseFrom)) of the steps\(prune ? ", cut after the last" : "")" }

  /// - Throws: `PlanError` for a share that cannot be.
  public func validate() throws {
    guard denseFrom > 0, denseFrom < 1 else {
      throw PlanError("--regrowth-end \(denseFrom) is impossible: give a share of the steps above 0 and below 1")
    }
  }

  private func turn(of total: Int) -> Int { Rounding.floor.count(denseFrom, of: total) }

  /// - Throws: `PlanError` if the removals are not over before everything comes back.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws {
    guard case .during(_, let until) = plan.timing else { return }
    let last = until?.iterations(perEpoch: span.perEpoch) ?? span.total
    let turn = turn(of: span.total)
    guard last < turn else {
      throw PlanError(
        "dsd removes until step \(last), but everything comes back after step \(turn): give an earlier --until, or train longer")
    }
  }

  /// Lets everything come back.
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

  /// Cuts the end, before its evaluation.
  public func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard prune, trainer.iteration == trainer.totalIterations else { return }
    let pruner = memory.pruner
    let number = pruner.eventNumber + 1
    let before = try trainer.evaluateValidation()
    var pruned = try pruner.prune(trainer.model, event: number, of: number, iteration: trainer.iteration)
    try trainer.replaceModel(pruned.model, slices: [])
    pruned.event.before = before
    pruned.event.after = try trainer.evaluateValidation()
    pruner.didPrune(pruned.event, pruned.removal)
    memory.settle(after: trainer.iteration)
  }
}
