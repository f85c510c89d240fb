public import Networks
public import Torch
public import Training

/// What a way of regrowing remembers from step to step, and its only way to exchange weights; part of checkpoints.
public final class RegrowthMemory {
  /// What is carried out.
  public let plan: PruningPlan
  /// Carries out the plan's removals.
  public let pruner: Pruner
  /// By key: scores, stored values, moments; in every checkpoint.
  public var tensors: [String: Tensor] = [:]
  /// What a member made of the tensors and would not make anew at every step; in no checkpoint.
  public var scratch: AnyObject?
  /// Exchanges so far.
  public private(set) var exchanges = 0
  /// Weights that came back in all of them.
  public private(set) var exchanged = 0
  /// The finished steps after which the density was the final one; nil while it is the plan's removals that say so.
  public private(set) var settled: Int?

  /// An empty memory.
  public init(_ plan: PruningPlan, pruner: Pruner) {
    self.plan = plan
    self.pruner = pruner
  }

  /// The layers whose weights come and go.
  public func layers(of trainer: Trainer) throws -> [ParameterName] { try trainer.model.network.weights(ignoring: plan.ignored) }

  /// What of a weight is kept: its mask, or everything.
  public func kept(_ name: ParameterName, _ model: Model) throws -> Tensor {
    try model.masks[name] ?? model.tensor(name).detached().onesLike(type: .bool)
  }

  /// The stored value of every weight of a layer: the live one where it is kept, the last one where it is not.
  public func stored(_ name: ParameterName, _ trainer: Trainer) throws -> Tensor {
    if let stored = tensors["stored.\(name)"] { return stored }
    let stored = try trainer.model.tensor(name).detached().copied()
    tensors["stored.\(name)"] = stored
    return stored
  }

  /// Takes over the live values of kept weights; those of pruned ones stay frozen.
  public func store(_ trainer: Trainer) throws {
    for name in try layers(of: trainer) {
      let stored = try stored(name, trainer)
      let live = try trainer.model.tensor(name).detached()
      try stored.copy(from: trainer.model.masks[name].map { try $0.select(live, else: stored) } ?? live)
    }
  }

  /// The weights that leave and those that enter one layer.
  public struct Exchange {
    /// Bool; kept ones.
    public var leaving: Tensor
    /// Bool; those not kept once the others have left.
    public var entering: Tensor
    /// Where the entering ones begin; 0 unless given.
    public var values: Tensor?
    /// An exchange of these parts.
    public init(leaving: Tensor, entering: Tensor, values: Tensor? = nil) {
      self.leaving = leaving
      self.entering = entering
      self.values = values
    }
  }

  /// Lets weights leave and others enter in their place; entering weights start with zero moments, also those that have just left.
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
    // What leaves is zeroed, with its moments, before anything enters.
    try trainer.adoptMasks(without)
    try trainer.adoptMasks(with)
    for (name, change) in changes {
      guard let values = change.values else { continue }
      let live = try trainer.model.tensor(name).detached()
      try live.copy(from: change.entering.select(values, else: live))
    }
    try record(entered: count, trainer)
  }

  /// Counts an exchange, and who is alive now.
  func record(entered count: Int, _ trainer: Trainer) throws {
    exchanges += 1
    exchanged += count
    try explore(trainer)
  }

  /// Notes that the density is the final one from here on.
  func settle(after iteration: Int) { settled = iteration }

  /// Adds the weights that are alive now to those that ever were.
  func explore(_ trainer: Trainer) throws {
    for name in try layers(of: trainer) {
      let kept = try kept(name, trainer.model)
      tensors["explored.\(name)"] = try tensors["explored.\(name)"].map { try $0.union(kept) } ?? kept
    }
  }

  /// What has happened, for the row.
  public func report(_ model: Model) throws -> RegrowthReport {
    // Layers that were to be left alone do not count.
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

  /// Everything, as tensors.
  func state() throws -> [String: Tensor] {
    var state = tensors
    state["counts"] = try Tensor([Int64(exchanges), Int64(exchanged), Int64(settled ?? -1)])
    return state
  }

  /// Goes on from a state whose form has been checked.
  func restore(_ state: [String: Tensor]) throws {
    tensors = state
    scratch = nil
    guard let counts = try tensors.removeValue(forKey: "counts")?.array(Int64.self), counts.count == 3 else { return }
    exchanges = Int(clamping: counts[0])
    exchanged = Int(clamping: counts[1])
    settled = counts[2] < 0 ? nil : Int(clamping: counts[2])
  }
}

/// What regrowth did in a run.
public struct RegrowthReport: Codable, Hashable, Sendable {
  /// The member.
  public var method: String
  /// Exchanges.
  public var exchanges: Int
  /// Weights that came back in all of them.
  public var exchanged: Int
  /// Distinct weights that were ever alive (the in-time over-parameterisation of Liu et al. 2021, as a count).
  public var explored: Int
  /// Weights alive at the end, by the masks.
  public var kept: Int
  /// Weights that could be pruned.
  public var prunable: Int
  /// The finished steps after which the density was the final one; nil where the last removal says so.
  public var settled: Int?
}

extension RegrowthReport {
  /// One line for people who watch.
  public var summary: String {
    "\(method): \(exchanges) exchange\(exchanges == 1 ? "" : "s"), \(exchanged) weights came back, \(explored) of \(prunable) were alive at "
      + "some time, \(kept) are left"
  }
}
