/// A statistic of the scored layers that a sweep over examples can gather; only those asked for are computed.
///
/// In the shapes n stands for examples, u for units; p runs over positions. a is a unit's value at its ``MeanPlace``, g = ∂L/∂a with L the
/// cross-entropy *summed* over examples, so that the g of one example does not depend on the others. ∂/∂w is of the *mean* cross-entropy.
/// Vectors are float64; [n, u] and weight-shaped tensors have the model's own type.
public enum SweepStatistic: String, Hashable, Sendable, CaseIterable, Comparable {
  /// Σ_p g of each example, [n, u].
  case gradientSums = "gradient sums"
  /// Σ_p g·a of each example, [n, u].
  case gradientActivationSums = "gradient-activation sums"
  /// Σ a over examples and positions, [u].
  case activationSums = "activation sums"
  /// Σ a² over examples and positions, [u].
  case activationSquares = "activation squares"
  /// Number of values a that are exactly 0, [u].
  case zeroCounts = "zero counts"
  /// The mean of a over positions of each example, [n, u].
  case pooledActivations = "pooled activations"
  /// ∂L/∂w of the mean loss over all examples, of the weight's shape.
  case weightGradients = "weight gradients"
  /// (Σ_{w∈u} w·∂L/∂w)² of each batch's mean loss, averaged over batches weighted by their examples, [u].
  case unitTaylorSquares = "squared Taylor terms of units"
  /// (w·∂L/∂w)² of each batch's mean loss, averaged likewise, of the weight's shape.
  case weightTaylorSquares = "squared Taylor terms of weights"
  /// ∂²L/∂w² of the mean loss over all examples, or its Gauss–Newton part, estimated (see ``HessianProbes``), of the weight's shape.
  case hessianDiagonal = "Hessian diagonal"

  /// Whether ∂L/∂a is needed, that is one backward pass down to the first scored layer's value.
  var needsActivationGradient: Bool { self == .gradientSums || self == .gradientActivationSums }

  /// Whether ∂L/∂w is needed, so that the backward pass also computes the weights' gradients.
  var needsWeightGradient: Bool {
    switch self {
    case .weightGradients, .unitTaylorSquares, .weightTaylorSquares, .hessianDiagonal: true
    default: false
    }
  }

  /// Whether any gradient of the loss itself is needed.
  var needsLossGradient: Bool { self != .hessianDiagonal && (needsActivationGradient || needsWeightGradient) }

  /// Orders statistics as they are declared.
  public static func < (lhs: Self, rhs: Self) -> Bool { (allCases.firstIndex(of: lhs) ?? 0) < (allCases.firstIndex(of: rhs) ?? 0) }
}
