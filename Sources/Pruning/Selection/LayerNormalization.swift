internal import Torch

/// The normalisation of each layer's scores before layers are ranked together; it does not change the order within a layer.
///
/// Scores often differ in scale between layers for reasons unrelated to importance: Taylor scores of activations, for instance, grow with
/// the number of positions (Molchanov et al. 2017 divide by each layer's 2-norm).
public enum LayerNormalization: String, Codable, Hashable, Sendable, CaseIterable {
  /// Scores are left as they are.
  case none
  /// Scores are divided by the mean magnitude of the layer's scores, Σ|s|/n.
  case mean
  /// Scores are divided by the Euclidean norm of the layer's scores, √Σs².
  case l2

  /// Returns the layer with normalised scores (float64), where the divisor is taken over kept things; unchanged if all their scores are 0.
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
