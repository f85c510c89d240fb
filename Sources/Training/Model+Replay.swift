internal import Networks
internal import Torch

extension Model {
  /// The model with all units of a history removed, in its order: the same cuts on the weights before pruning, or on others of the same
  /// network, such as the initial ones.
  ///
  /// Modules that got a bias for the means of removed units get one of zeros. Masked weights do not come back from a history,
  /// which only counts them; the masks of the file it came from tell them.
  /// - Throws: ``NetworkError/removal(layer:problem:)`` if the history is another network's.
  public func replaying(_ history: [RemovalEvent]) throws -> Model {
    try history.reduce(self) { model, event in
      let (network, slices) = try model.network.removing(event.removed)
      var result = try model.cut(to: network, slices: slices)
      result.network = result.network.addingBias(to: Set(event.biased ?? []))
      for module in event.biased ?? [] {
        let weight = try result.tensor(ParameterName(module, .weight))
        result.tensors[ParameterName(module, .bias)] = try Tensor.zeros([weight.shape[0]], type: weight.elementType ?? .float32)
      }
      return result
    }
  }
}
