internal import Networks
internal import Torch

/// Accumulates one layer's statistics, batch by batch.
final class LayerSweep {
  let node: String
  /// Node whose value is a.
  let observed: String
  let parameter: ParameterName
  let weight: Tensor
  private let units: Int
  private let positions: Int
  private var sums: [SweepStatistic: Tensor] = [:]
  private var parts: [SweepStatistic: [Tensor]] = [:]

  init(node: String, observed: String, parameter: ParameterName, weight: Tensor, units: Int, positions: Int) {
    self.node = node
    self.observed = observed
    self.parameter = parameter
    self.weight = weight
    self.units = units
    self.positions = positions
  }

  /// Adds a batch's value a and, if needed, ∂L/∂a of the batch's summed loss.
  func add(_ statistics: Set<SweepStatistic>, value: Tensor, gradient: Tensor?) throws {
    let value = try value.detached()
    if let gradient = try gradient?.detached() {
      if statistics.contains(.gradientSums) { parts[.gradientSums, default: []].append(try overPositions(gradient)) }
      if statistics.contains(.gradientActivationSums) {
        parts[.gradientActivationSums, default: []].append(try overPositions(gradient * value))
      }
    }
    if statistics.contains(.activationSums) || statistics.contains(.pooledActivations) {
      let perExample = try overPositions(value)
      if statistics.contains(.activationSums) { try add(perExample.cast(to: .float64).sum(0), to: .activationSums) }
      if statistics.contains(.pooledActivations) { parts[.pooledActivations, default: []].append(try perExample / Double(positions)) }
    }
    if statistics.contains(.activationSquares) {
      try add(overPositions(value.squared()).cast(to: .float64).sum(0), to: .activationSquares)
    }
    if statistics.contains(.zeroCounts) { try add(overPositions(value.equal(0)).cast(to: .float64).sum(0), to: .zeroCounts) }
  }

  /// Adds ∂L/∂w of the summed loss of a batch of `count` examples.
  func add(_ statistics: Set<SweepStatistic>, weightGradient: Tensor, count: Int) throws {
    let gradient = try weightGradient.detached()
    if statistics.contains(.weightGradients) { try add(gradient, to: .weightGradients) }
    guard statistics.contains(.unitTaylorSquares) || statistics.contains(.weightTaylorSquares) else { return }
    let terms = try gradient * weight
    // count·(terms/count)²: the term of the mean loss, weighted by the batch's examples.
    if statistics.contains(.weightTaylorSquares) { try add(terms.squared() / Double(count), to: .weightTaylorSquares) }
    if statistics.contains(.unitTaylorSquares) {
      try add(terms.cast(to: .float64).contiguous().flattened(from: 1).sum(1).squared() / Double(count), to: .unitTaylorSquares)
    }
  }

  /// Adds an estimate of the diagonal of the Hessian of a batch's summed loss.
  func add(hessianDiagonal: Tensor) throws { try add(hessianDiagonal, to: .hessianDiagonal) }

  /// Returns the statistics after the last batch.
  func statistics(examples: Int) throws -> LayerStatistics {
    var gathered = sums
    for statistic in [SweepStatistic.weightGradients, .unitTaylorSquares, .weightTaylorSquares, .hessianDiagonal] {
      gathered[statistic] = try sums[statistic].map { try $0 / Double(max(examples, 1)) }
    }
    for (statistic, tensors) in parts { gathered[statistic] = try Tensor.concatenated(tensors) }
    return LayerStatistics(
      node: node, parameter: parameter, weight: weight, units: units, positions: positions, examples: examples, gathered: gathered)
  }

  /// Returns sums over positions [n, u] of a value [n, u, …], or [n, u·p] where the positions of a flattened channel are adjacent.
  private func overPositions(_ value: Tensor) throws -> Tensor {
    if value.rank == 4 { return try value.sum(2, 3) }
    return positions == 1 ? value : try value.reshaped([-1, units, positions]).sum(2)
  }

  private func add(_ step: Tensor, to statistic: SweepStatistic) throws {
    // Sums are updated in place, so the first step must not share another tensor's storage.
    if let sum = sums[statistic] { try sum.accumulate(step) } else { sums[statistic] = try step.copied() }
  }
}
