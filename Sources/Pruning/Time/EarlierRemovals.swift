internal import Networks
internal import Torch
internal import Training

/// Schedules for a model from which an earlier run has already removed something: fractions count from the same original, and the schedule
/// leads from the present state of the model to the given fraction.
extension SparsitySchedule {
  /// Returns what event k of n removes if only `present` of `original` things were left before the first event.
  ///
  /// With s₀ = 1 − present/original removed before, s_k = s₀ + (1 − s₀)·σ_k, where σ_k is the schedule for (s − s₀)/(1 − s₀). Nothing is
  /// removed if s ≤ s₀, except from single layers that have not reached s, if each counts for itself.
  func amount(forEvent k: Int, of n: Int, fraction: Double, present: Int, original: Int) -> RemovalAmount {
    guard present < original, present > 0, k < n, self != .iterative else { return amount(forEvent: k, of: n, fraction: fraction) }
    let left = Double(present) / Double(original)
    let rest = 1 - (1 - fraction) / left
    guard rest > 0 else { return .ofOriginal(fraction) }
    return .ofOriginal(1 - left * (1 - sparsity(afterEvent: k, of: n, fraction: rest)))
  }
}

extension CostTarget {
  /// Returns the cost to reach at event k of n in a network that an earlier run has left at cost `starting`: the schedule begins at that
  /// cost, and is complete if that is no higher than the target.
  func goal(original: Double, starting: Double, schedule: SparsitySchedule, event k: Int, of n: Int) -> Double {
    guard starting < original else { return goal(original: original, schedule: schedule, event: k, of: n) }
    let end = goal(original: original, schedule: schedule, event: n, of: n)
    return starting <= end ? end : CostTarget(measure, .most(end)).goal(original: starting, schedule: schedule, event: k, of: n)
  }
}

extension PruningPlan {
  /// Returns the numbers of prunable things in a model, at present and in the original.
  ///
  /// - Parameter originals: number of things in the original by channel group or layer.
  func things(of model: Model, originals: [String: Int]) throws -> (present: Int, original: Int) {
    let counts: [(name: String, present: Int)] =
      if granularity.isStructured {
        try model.network.channelGroups(granularity, ignoring: ignored).map { ($0.name, $0.width) }
      } else {
        try weights(of: model.network).map { name in
          (name.module, try model.masks[name]?.nonZeroCount() ?? model.tensor(name).count)
        }
      }
    return counts.reduce((0, 0)) { ($0.0 + $1.present, $0.1 + (originals[$1.name] ?? $1.present)) }
  }
}

extension Network {
  /// Returns the number of weights of each linear layer and convolution, by module.
  func weightCounts() throws -> [String: Int] {
    let prunable = Set(prunableWeights)
    let counts = try parameterShapes().filter { prunable.contains($0.name) }.map { ($0.name.module, $0.dimensions.reduce(1, *)) }
    return Dictionary(counts, uniquingKeysWith: { first, _ in first })
  }
}
