public import Networks
internal import Torch
public import Training

/// `splicing`: dynamic network surgery (Guo et al. 2016): pruned weights go on learning out of sight, and return when they have grown.
///
/// Every weight has a stored value, which the dense gradient of the masked network moves whether it is kept or not, by an optimizer of
/// its own for those that are not. Every ΔT steps a kept weight leaves below a_l, a pruned one returns from b_l = a_l·1.1/0.9 on (the
/// paper's 0.9 and 1.1 times one threshold). The paper takes the threshold from mean and deviation of the weights; ours is the quantile
/// that meets the layer's density exactly, so that nothing is left to trim: rank |w|, times 1.1/0.9 where kept, and keep the first.
/// The paper exchanges with falling probability; ours exchanges every ΔT steps until T_end. Returning weights have their stored
/// value and zero moments. Cost: one optimizer step more over the weights.
public struct Splicing: Regrowth {
  /// As recipes spell it.
  public static let name = "splicing"
  /// With a dense network.
  public static let start = RegrowthStart.dense
  /// From one exchange to the next.
  public var interval: Step
  /// The share of all steps after which nothing is exchanged any more.
  public var until: Double
  /// b_l/a_l.
  public static let band = 1.1 / 0.9

  /// Splicing with these options.
  public init(interval: Step = .iterations(100), until: Double = 0.75) {
    self.interval = interval
    self.until = until
  }

  private var schedule: ExchangeSchedule { ExchangeSchedule(interval: interval, decay: .constant, until: until) }

  /// The options.
  public var words: String { "exchanged every \(interval)\(ExchangeSchedule.words(until: until))" }
  /// Yes.
  public var needsGradients: Bool { true }
  /// Until T_end.
  public func needsGradients(_ trainer: Trainer) -> Bool { trainer.iteration < schedule.end(of: trainer.totalIterations) }
  /// - Throws: `PlanError` for options that cannot be.
  public func validate() throws { try schedule.validate() }

  /// - Throws: `PlanError` for a training too short for a single exchange.
  public func check(_ span: TrainingSpan, _ plan: PruningPlan, of network: Network) throws { try schedule.check(span) }

  /// Moves the stored values of pruned weights.
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

  /// Takes over the live values of kept weights.
  public func didStep(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    if trainer.iteration <= schedule.end(of: trainer.totalIterations) { try memory.store(trainer) }
  }

  /// Exchanges.
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

/// What moves the stored values of pruned weights, for as long as the masks are the same; kept ones, whose stored values and moments it
/// holds at 0, are stored anew after each step.
private final class OutOfSight {
  private let optimizer: Optimizer
  private let masks: [ParameterName: Tensor]

  private init(_ optimizer: Optimizer, _ masks: [ParameterName: Tensor]) {
    self.optimizer = optimizer
    self.masks = masks
  }

  /// The one at hand, or one for the present masks that goes on from the moments in the memory.
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
    // The live moments, so that a checkpoint has them.
    try memory.keep(optimizer.state, "own", of: layers)
    memory.scratch = OutOfSight(optimizer, model.masks)
    return optimizer
  }
}
