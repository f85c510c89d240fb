public import Networks
public import Torch
public import Training

/// The state of a method of regrowth from step to step, which checkpoints store, and its only way to exchange weights.
public final class RegrowthMemory {
  /// Plan of the run.
  public let plan: PruningPlan
  /// Pruner that does the plan's removals.
  public let pruner: Pruner
  /// Tensors by key, such as scores, stored values and moments; stored in every checkpoint.
  public var tensors: [String: Tensor] = [:]
  /// Object that a method derives from the tensors and reuses from step to step; not stored in checkpoints.
  public var scratch: AnyObject?
  /// Number of exchanges so far.
  public private(set) var exchanges = 0
  /// Number of weights that came back in all exchanges.
  public private(set) var exchanged = 0
  /// Number of finished steps after which the density was final; nil if the plan's removals determine it.
  public private(set) var settled: Int?

  /// Creates an empty memory.
  public init(_ plan: PruningPlan, pruner: Pruner) {
    self.plan = plan
    self.pruner = pruner
  }

  /// Returns the names of the weights that can be pruned and come back.
  public func layers(of trainer: Trainer) throws -> [ParameterName] { try trainer.model.network.weights(ignoring: plan.ignored) }

  /// Returns the mask of a weight; all true if it has none.
  public func kept(_ name: ParameterName, _ model: Model) throws -> Tensor {
    try model.masks[name] ?? model.tensor(name).detached().onesLike(type: .bool)
  }

  /// Returns the stored values of a weight: the live value of a kept element, the last one of a pruned element.
  public func stored(_ name: ParameterName, _ trainer: Trainer) throws -> Tensor {
    if let stored = tensors["stored.\(name)"] { return stored }
    let stored = try trainer.model.tensor(name).detached().copied()
    tensors["stored.\(name)"] = stored
    return stored
  }

  /// Stores the live values of kept weights; those of pruned ones stay frozen.
  public func store(_ trainer: Trainer) throws {
    for name in try layers(of: trainer) {
      let stored = try stored(name, trainer)
      let live = try trainer.model.tensor(name).detached()
      try stored.copy(from: trainer.model.masks[name].map { try $0.select(live, else: stored) } ?? live)
    }
  }

  /// The weights that leave a layer, and those that come back in exchange.
  public struct Exchange {
    /// Mask (`bool`) of the kept weights that leave.
    public var leaving: Tensor
    /// Mask (`bool`) of the weights that enter, which are not kept once the others have left.
    public var entering: Tensor
    /// Values at which weights enter; 0 if nil.
    public var values: Tensor?
    /// Creates an exchange; every parameter sets the property of the same name.
    public init(leaving: Tensor, entering: Tensor, values: Tensor? = nil) {
      self.leaving = leaving
      self.entering = entering
      self.values = values
    }
  }

  /// Lets weights leave and others enter in their place; entering weights start with zero moments, even those that have just left.
  ///
  /// - Throws: ``PruningError/mismatch(_:)`` if a layer's density would change.
  public func exchange(_ changes: [ParameterName: Exchange], _ trainer: Trainer) throws {
    var (without, with) = (trainer.model.masks, trainer.model.masks)
    var count = 0
    for (name, change) in changes {
      let before = try kept(name, trainer.model)
      let rest = try before.subtracting(change.leaving)
      let after = try rest.union(change.entering)
      guard try after.memberCount() == before.memberCount() else {
        throw PruningError.mismatch("\(name): an exchange would change how many weights are kept")
      }
      (without[name], with[name]) = (rest, after)
      count += try change.entering.memberCount()
    }
    guard count > 0 else { return }
    // Leaving weights and their moments are zeroed before any weights enter.
    try trainer.adoptMasks(without)
    try trainer.adoptMasks(with)
    for (name, change) in changes {
      guard let values = change.values else { continue }
      let live = try trainer.model.tensor(name).detached()
      try live.copy(from: change.entering.select(values, else: live))
    }
    try record(entered: count, trainer)
  }

  /// Counts an exchange, and adds the weights that are alive now to the explored ones.
  func record(entered count: Int, _ trainer: Trainer) throws {
    exchanges += 1
    exchanged += count
    try explore(trainer)
  }

  /// Records that the density is final from this step on.
  func settle(after iteration: Int) { settled = iteration }

  /// Adds the weights that are alive now to the explored ones.
  func explore(_ trainer: Trainer) throws {
    for name in try layers(of: trainer) {
      let kept = try kept(name, trainer.model)
      tensors["explored.\(name)"] = try tensors["explored.\(name)"].map { try $0.union(kept) } ?? kept
    }
  }

  /// Returns the report for the row.
  public func report(_ model: Model) throws -> RegrowthReport {
    // Ignored layers do not count.
    let names = try model.network.weights(ignoring: plan.ignored)
    let modules = Set(names.map(\.module))
    let layers = try MaskSet(model).layers.filter { modules.contains($0.name) }
    let explored = try names.reduce(0) { sum, name in
      try sum + (tensors["explored.\(name)"].map { try $0.memberCount() } ?? model.tensor(name).count)
    }
    return RegrowthReport(
      method: plan.regrowth?.name ?? NoRegrowth.name, exchanges: exchanges, exchanged: exchanged, explored: explored,
      kept: layers.reduce(0) { $0 + $1.kept }, prunable: layers.reduce(0) { $0 + $1.prunable }, settled: settled)
  }

  /// Returns the whole memory as tensors.
  func state() throws -> [String: Tensor] {
    var state = tensors
    state["counts"] = try Tensor([Int64(exchanges), Int64(exchanged), Int64(settled ?? -1)])
    return state
  }

  /// Continues from a state whose form has been checked.
  func restore(_ state: [String: Tensor]) throws {
    tensors = state
    scratch = nil
    guard let counts = try tensors.removeValue(forKey: "counts")?.array(Int64.self), counts.count == 3 else { return }
    exchanges = Int(clamping: counts[0])
    exchanged = Int(clamping: counts[1])
    settled = counts[2] < 0 ? nil : Int(clamping: counts[2])
  }
}

/// A summary of regrowth in a run.
public struct RegrowthReport: Codable, Hashable, Sendable {
  /// Name of the method of regrowth.
  public var method: String
  /// Number of exchanges.
  public var exchanges: Int
  /// Number of weights that came back in all exchanges.
  public var exchanged: Int
  /// Number of distinct weights that were ever alive (the in-time over-parameterisation of Liu et al. 2021, as a count).
  public var explored: Int
  /// Number of kept weights at the end, by the masks.
  public var kept: Int
  /// Number of prunable weights.
  public var prunable: Int
  /// Number of finished steps after which the density was final; nil if that is the last removal.
  public var settled: Int?
}

extension RegrowthReport {
  /// Summary in one line, for progress output.
  public var summary: String {
    "\(method): \(exchanges) exchange\(exchanges == 1 ? "" : "s"), \(exchanged) weights came back, \(explored) of \(prunable) were alive at "
      + "some time, \(kept) are left"
  }
}
