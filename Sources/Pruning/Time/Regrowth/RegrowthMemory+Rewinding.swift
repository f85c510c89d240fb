internal import Networks
internal import Torch
internal import Training

/// Rewinding after each removal, as lottery tickets do after each round: the part of a training between two removals is a round.
extension RegrowthMemory {
  private var rewinding: Rewinding { plan.regrowth?.rewinding ?? .none }

  /// Stores the model at the start of training, if weights are rewound to it.
  func rememberStart(_ model: Model) {
    if rewinding == .initial { remember(model) }
  }

  private func remember(_ model: Model) { for (name, tensor) in model.tensors { tensors["origin.\(name)"] = tensor } }

  private func rewindStep(_ trainer: Trainer) -> Int? {
    guard case .step(let step) = rewinding else { return nil }
    return step.iterations(perEpoch: trainer.iterationsPerEpoch)
  }

  /// Stores the model after the step to which weights are rewound; to be called before any removal at that step.
  func rememberStep(_ trainer: Trainer) throws {
    if trainer.iteration == rewindStep(trainer) { remember(try trainer.model.copied()) }
  }

  /// Rewinds the kept weights and resets the optimizer, once a removal and the exchange that belongs to it are complete.
  func rewind(_ trainer: Trainer, afterRemoval isRemoved: Bool) throws {
    guard rewinding.resetsWeights else { return }
    if isRemoved { tensors["rewind.due"] = try Tensor([Int64(1)]) }
    guard tensors["rewind.due"] != nil, !PrunedPhase.isUnderWay(self) else { return }
    tensors["rewind.due"] = nil
    let model = trainer.model
    var origin = model
    for name in model.tensors.keys {
      guard let tensor = tensors["origin.\(name)"] else { throw PlanError("the checkpoint lacks what \(name) goes back to") }
      origin.tensors[name] = tensor
    }
    try trainer.replaceModel(model.rewound(to: origin), optimizer: Optimizer.State(stepCount: 0, moments: [:]))
  }
}
