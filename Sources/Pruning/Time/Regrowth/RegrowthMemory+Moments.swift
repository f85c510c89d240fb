internal import Networks
internal import Torch
internal import Training

extension RegrowthMemory {
  /// Returns the optimizer state stored under a prefix, sharing its tensors; an initial state if there is none.
  func moments(_ prefix: String, of names: [ParameterName]) -> Optimizer.State {
    var state = Optimizer.State(stepCount: 0, moments: [:])
    if let steps = tensors["\(prefix).steps"] { state.stepCount = (try? Int(steps.item())) ?? 0 }
    for name in names {
      var found: [Tensor] = []
      while let moment = tensors["\(prefix).\(found.count).\(name)"] { found.append(moment) }
      if !found.isEmpty { state.moments[name] = found }
    }
    return state
  }

  /// Stores an optimizer state under a prefix.
  func keep(_ state: Optimizer.State, _ prefix: String, of names: [ParameterName]) throws {
    tensors["\(prefix).steps"] = try Tensor([Int64(state.stepCount)])
    for name in names {
      for (k, moment) in (state.moments[name] ?? []).enumerated() { tensors["\(prefix).\(k).\(name)"] = moment }
    }
  }
}
