public import Networks
internal import Training

extension WeightPattern {
  /// Chooses the weights to remove by this pattern.
  ///
  /// Blocks and kernels take the scores of their weights that are still there, reduced to one: by default their mean, which ranks equally
  /// large blocks as their sum would (for `magnitude` their L1 norm) and lets blocks of different sizes be compared. An amount is counted in weights, and met as nearly as whole blocks allow. N:M groups
  /// each keep their highest scores, by an amount in fractions of the original (``RemovalAmount/ofOriginal(_:)``).
  /// - Parameters:
  ///   - layers: weights' scores of layers that the pattern fits (``fits(_:in:)``), by module.
  ///   - network: the network that has these layers.
  ///   - reduction: how scores of a block's weights become one.
  /// - Throws: the errors of ``Selection``; ``PruningError/mismatch(_:)`` for a layer that the network does not have.
  public func selection(
    _ amount: RemovalAmount, of layers: [ScoredLayer], in network: Network, rule: SelectionRule, reduction: GroupReduction = .mean,
    criterion: String? = nil
  ) throws -> Selection {
    let grids = network.weightGrids
    let patterned = try layers.map { layer in
      guard let grid = grids[layer.name] else { throw PruningError.mismatch("\(network.name) has no weights \(layer.name)") }
      return try PatternedLayer(layer, self, of: grid, rule: rule, criterion: criterion)
    }
    if case .nm = self { return try GroupSelector(layers: patterned, rule: rule).select(amount) }
    let selector = try BlockSelector(
      patterned, reduction: reduction, rule: rule, criterion: criterion, compares: !amount.isThreshold)
    switch amount {
    case .below(let threshold): return try selector.select(below: layers.map { _ in threshold })
    case .belowDeviations(let factor): return try selector.select(below: layers.map { try factor * $0.knownDeviation })
    case .ofKept, .ofOriginal, .count: return try selector.select(Selection(amount, of: layers, rule: rule, criterion: criterion))
    }
  }

  /// Returns whether the pattern removes weights of a network's layer; others are left alone.
  public func fits(_ module: String, in network: Network) -> Bool { network.weightGrids[module].map { excuse(for: $0) == nil } ?? false }
}

extension ScoredLayer {
  /// The deviation of the layer's weights.
  ///
  /// - Throws: `PlanError` if there is none.
  var knownDeviation: Double {
    get throws {
      guard let deviation else {
        throw PlanError("\(name): the deviation of its weights is not known: thresholds in deviations go with criterion threshold")
      }
      return deviation
    }
  }
}
