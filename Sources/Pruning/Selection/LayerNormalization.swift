internal import Torch

/// What each layer's scores are divided by before layers are ranked together; within a layer the order stays.
///
/// Scores of different layers are often of different size for no good reason: Taylor scores of activations, for instance, grow with
/// the number of positions (Molchanov et al. 2017 divide by each layer's 2-norm).
public enum LayerNormalization: String, Codable, Hashable, Sendable, CaseIterable {
  /// Nothing.
  case none
  /// The mean magnitude of the layer's scores, Σ|s|/n.
  case mean
  /// Their Euclidean norm, √Σs².
  case l2

  /// The layer with its scores divided (float64), over what is still there; as it is where all scores are 0.
  func applied(to layer: ScoredLayer) throws -> ScoredLayer {
    guard self != .none, layer.scores.count > 0 else { return layer }
    var result = layer
    result.scores = try layer.scores.cast(to: .float64)
    let present = try layer.kept.map { try $0.select(result.scores, else: result.scores.zerosLike()) } ?? result.scores
    let divisor: Double =
      switch self {
      case .none: 1
      case .mean: try present.l1Norm().item() / Double(layer.kept.map { try $0.sum().item() } ?? Double(layer.scores.count))
      case .l2: try present.norm().item()
      }
    guard divisor > 0, divisor.isFinite else { return layer }
    result.scores = try result.scores / divisor
    return result
  }
}
