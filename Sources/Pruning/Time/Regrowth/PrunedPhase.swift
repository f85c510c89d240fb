internal import Networks
internal import Torch
internal import Training

/// The phase of a double-pruning cycle in which the pruned network trains in place of the kept one.
///
/// Meanwhile the kept network is stored in the memory, and so in checkpoints: its tensors under `kept.`, its masks under `mask.` and its
/// moments under `moments.`; the masks of the trained weights are under `moving.`, and the pruned weights' own moments, between phases,
/// under `own.`.
enum PrunedPhase {
  static func isUnderWay(_ memory: RegrowthMemory) -> Bool { memory.tensors["moments.steps"] != nil }

  private static func names(_ trainer: Trainer) throws -> [ParameterName] { try trainer.model.network.parameterShapes().map(\.name) }

  /// Replaces the trainer's model by the pruned network; does nothing if nothing is pruned.
  static func begin(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    let kept = try trainer.model.copied()
    var pruned = kept
    var isEmpty = true
    for name in try memory.layers(of: trainer) {
      guard let mask = kept.masks[name], try mask.memberCount() < mask.count else { continue }
      isEmpty = false
      let outside = try mask.logicalNot()
      memory.tensors["moving.\(name)"] = outside
      let stored = try memory.stored(name, trainer)
      pruned.masks[name] = outside
      pruned.tensors[name] = try outside.select(stored, else: stored.zerosLike())
    }
    guard !isEmpty else { return }
    for (name, tensor) in kept.tensors { memory.tensors["kept.\(name)"] = tensor }
    for (name, mask) in kept.masks { memory.tensors["mask.\(name)"] = mask }
    let all = try names(trainer)
    var state = try trainer.state().optimizer
    state.moments = try state.moments.mapValues { try $0.map { try $0.copied() } }
    try memory.keep(state, "moments", of: all)
    try trainer.replaceModel(pruned, optimizer: memory.moments("own", of: all))
  }

  /// Reverts the changes of a step to everything but the pruned weights; running statistics may change, since they are discarded.
  static func hold(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    for (name, live) in trainer.model.tensors where name.role.isTrained && !isMoving(name, memory) {
      guard let kept = memory.tensors["kept.\(name)"] else { continue }
      try live.detached().copy(from: kept)
    }
  }

  /// Returns whether a layer has pruned weights, which then train.
  private static func isMoving(_ name: ParameterName, _ memory: RegrowthMemory) -> Bool { memory.tensors["moving.\(name)"] != nil }

  /// Returns the stored kept network.
  static func keptModel(_ trainer: Trainer, _ memory: RegrowthMemory) throws -> Model {
    var (tensors, masks): ([ParameterName: Tensor], [ParameterName: Tensor]) = ([:], [:])
    for name in try names(trainer) {
      tensors[name] = memory.tensors["kept.\(name)"]
      masks[name] = memory.tensors["mask.\(name)"]
    }
    return try Model(network: trainer.model.network, tensors: tensors, masks: masks)
  }

  /// Restores the kept network with its moments, and stores the values that the pruned one has learned.
  static func end(_ trainer: Trainer, _ memory: RegrowthMemory) throws {
    for name in try memory.layers(of: trainer) {
      guard let outside = memory.tensors["moving.\(name)"] else { continue }
      let stored = try memory.stored(name, trainer)
      try stored.copy(from: outside.select(trainer.model.tensor(name).detached(), else: stored))
    }
    let all = try names(trainer)
    try memory.keep(trainer.state().optimizer, "own", of: all)
    try trainer.replaceModel(keptModel(trainer, memory), optimizer: memory.moments("moments", of: all))
    for name in all {
      memory.tensors["kept.\(name)"] = nil
      memory.tensors["mask.\(name)"] = nil
      memory.tensors["moving.\(name)"] = nil
      for k in 0..<2 { memory.tensors["moments.\(k).\(name)"] = nil }
    }
    memory.tensors["moments.steps"] = nil
  }
}
