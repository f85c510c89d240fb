internal import Torch
internal import Training

/// Which end of the scores leaves first.
public enum RemovalOrder: String, Codable, Hashable, Sendable, CaseIterable {
  /// The lowest scores: what matters least.
  case lowest
  /// The highest scores: a control that costs the most accuracy at once (Bartoldson et al. 2020).
  case highest
}

extension PruningPlan {
  /// Checks that the order goes with the rest of the plan.
  ///
  /// - Throws: `PlanError` where something else than ranks decides what leaves.
  func validateOrder() throws {
    guard order == .highest else { return }
    if amount.isThreshold { throw PlanError("--order highest ranks scores: it does not go with thresholds, below which scores leave") }
    guard timing != .everyStep else {
      throw PlanError("--order highest does not go with --method \(method ?? ""), which selects by scores that it trains")
    }
    guard !criterion.choosesLayerByLayer else {
      throw PlanError("--order highest does not go with --criterion \(criterion.name), which chooses unit by unit")
    }
  }

  /// Returns scores of which the lowest leave first, as selections have it.
  func ordered(_ layers: [ScoredLayer]) throws -> [ScoredLayer] {
    guard order == .highest else { return layers }
    return try layers.map { layer in
      var layer = layer
      layer.scores = try layer.scores * -1
      return layer
    }
  }
}
