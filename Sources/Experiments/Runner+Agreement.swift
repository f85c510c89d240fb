internal import Datasets
internal import Networks
internal import Pruning
internal import Results
internal import Torch
internal import Training
internal import Training

// Of examples without labels it is known only what the unpruned network said of them; how far the pruned one agrees is what can be told.

extension Runner {
  private static let key = "choices"
  /// The most examples that are compared.
  private static let most = 10_000

  /// Keeps the class that a network puts first for each training example, if these have no labels.
  func keepChoices(of model: Model) throws { if let choices = try choices(of: model) { aside[Self.key] = choices } }

  /// How often the model now chooses as the unpruned one did; nil if there are labels, or nothing was kept.
  func agreement() throws -> Agreement? {
    guard experiment.pruning != nil, let before = aside[Self.key], let now = try choices(of: model) else { return nil }
    guard before.shape == now.shape, before.elementType == now.elementType else {
      throw RecordError("what is kept of the unpruned network's choices does not fit this run")
    }
    return Agreement(same: Int(try before.equal(now).sum().item()), count: now.count)
  }

  private func choices(of model: Model) throws -> Tensor? {
    guard let data, !data.training.isLabelled, experiment.outputs == nil else { return nil }
    let set = try data.training.selecting(0..<min(data.training.count, Self.most))
    let executor = try Executor(model.moved(to: options.device).laidOutForInference())
    return try withoutGradients {
      var found: [Tensor] = []
      try data.evaluationBatches(set, for: model.network).forEach {
        found.append(try executor.forward($0.inputs).argmax(1).moved(to: .cpu))
      }
      return try Tensor.concatenated(found, 0)
    }
  }
}
