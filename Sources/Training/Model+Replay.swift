internal import Networks
internal import Torch

extension Model {
  /// Returns the model with all removals of units of a history applied in order: the same cuts to the weights before pruning, or to other
  /// weights of that network such as the initial ones.
  ///
  /// Modules that got a bias for the means of removed units get one of zeros. Masks are not restored, because a history only counts
  /// masked weights; they are in the file that the history came from.
  /// - Throws: `NetworkError.removal` if the history belongs to another network.
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
