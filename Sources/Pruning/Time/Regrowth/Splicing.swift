public import Networks
internal import Torch
public import Training

/// `splicing`: dynamic network surgery (Guo et al. 2016): pruned weights continue to learn in a shadow tensor, and return when they have
/// grown.
///
/// Every weight has a stored value, which the dense gradient of the masked network updates whether the weight is kept or not; pruned ones
/// have an optimizer of their own. Every ΔT steps a kept weight leaves below a_l, and a pruned one returns from b_l = a_l·1.1/0.9 on (the
/// paper's factors 0.9 and 1.1 of one threshold). The paper takes the threshold from mean and deviation of the weights; ours is the
/// quantile that meets the layer's density exactly, so that nothing is left to trim: weights are ranked by |w|, times 1.1/0.9 where kept,
/// and the highest are kept. The paper exchanges with falling probability; ours exchanges every ΔT steps until T_end. Returning weights
/// have their stored value and zero moments. Cost: one more optimizer step over the weights.
public struct Splicing: Regrowth {
  /// Name in recipes.
  public static let name = "splicing"
  /// Starts from a dense network.
  public static let start = RegrowthStart.dense
  /// Interval ΔT between exchanges.
  public var interval: Step
  /// T_end as a fraction of all steps, after which nothing is exchanged.
  public var until: Double
  /// Ratio b_l/a_l of the thresholds.
  public static let band = 1.1 / 0.9

  /// Creates the method; every parameter sets the property of the same name.
  public init(interval: Step = .iterations(100), until: Double = 0.75) {
    self.interval = interval
    self.until = until
  }

  private var schedule: ExchangeSchedule { ExchangeSchedule(interval: interval, decay: .constant, until: until) }

  /// Description of the options.
  public var words: String { "exchanged every \(interval)\(ExchangeSchedule.words(until: until))" }
  /// True, since pruned weights learn, too.
  public var needsGradients: Bool { true }
  /// Returns true until T_end.
  public func needsGradients(_ trainer: Trainer) -> Bool { trainer.iteration < schedule.end(of: trainer.totalIterations) }
  /// Checks the options.
  ///
  /// - Throws: `PlanError` for impossible options.
  public func validate() throws { try schedule.validate() }

  /// Checks that the training is long enough for an exchange.
  ///
  /// - Throws: `PlanError` for a training too short for a single exchange.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws { try schedule.check(span) }

  /// Updates the stored values of pruned weights.
  public func didComputeGradients(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard needsGradients(trainer) else { return }
    for name in try memory.layers(of: trainer) {
      guard let gradient = try trainer.model.tensor(name).gradient else { continue }
      try memory.stored(name, trainer).adoptGradient(gradient.detached())
    }
    let own = try OutOfSight.optimizer(trainer, memory)
    let rate = trainer.plan.learningRate.rate(at: trainer.iteration, of: trainer.totalIterations, perEpoch: trainer.iterationsPerEpoch)
    try own.step(learningRate: rate)
    try memory.keep(own.state, "own", of: [])
  }

  /// Stores the live values of kept weights.
  public func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    if trainer.iteration <= schedule.end(of: trainer.totalIterations) { try memory.store(trainer) }
  }

  /// Exchanges weights when the schedule says so.
  public func didFinishStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    guard trainer.isDue(schedule) else { return }
    var changes: [ParameterName: RegrowthMemory.Exchange] = [:]
    for name in try memory.layers(of: trainer) {
      let kept = try memory.kept(name, trainer.model)
      let stored = try memory.stored(name, trainer)
      let size = try stored.absolute()
      let rank = try kept.select(size * Self.band, else: size)
      let all = try kept.onesLike()
      let next = try all.subtracting(rank.lowest(kept.count - kept.memberCount(), in: all, layer: name.module))
      changes[name] = .init(leaving: try kept.subtracting(next), entering: try next.subtracting(kept), values: stored)
    }
    try memory.exchange(changes, trainer)
  }
}

/// The optimizer of the stored values of pruned weights, valid as long as the masks are the same. Kept weights, whose values and moments it
/// holds at 0, are stored anew after each step.
/// holds at 0, are stored anew after each step.
private final class OutOfSight {
  private let optimizer: Optimizer
  private let masks: [ParameterName: Tensor]

  private init(_ optimizer: Optimizer, _ masks: [ParameterName: Tensor]) {
    self.optimizer = optimizer
    self.masks = masks
  }

  /// Returns the cached optimizer, or a new one for the present masks that continues with the moments in the memory.
  static func optimizer(_ trainer: Trainer, _ memory: RegrowthMemory) throws -> Optimizer {
    let (model, layers) = (trainer.model, try memory.layers(of: trainer))
    if let made = memory.scratch as? OutOfSight, made.masks.count == model.masks.count,
      made.masks.allSatisfy({ model.masks[$0.key] === $0.value })
    {
      return made.optimizer
    }
    var (tensors, outside): ([ParameterName: Tensor], [ParameterName: Tensor]) = (try model.tensors.mapValues { try $0.detached() }, [:])
    for name in layers {
      tensors[name] = try memory.stored(name, trainer)
      outside[name] = try memory.kept(name, model).logicalNot()
    }
    let optimizer = try Optimizer(
      trainer.plan.optimizer, model: Model(network: model.network, tensors: tensors, masks: outside),
      state: memory.moments("own", of: layers))
    // The live moments, so that checkpoints contain them.
    try memory.keep(optimizer.state, "own", of: layers)
    memory.scratch = OutOfSight(optimizer, model.masks)
    return optimizer
  }
}
