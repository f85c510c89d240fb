/// Something that a sweep over examples gathers of every scored layer; what is not asked for is not computed.
///
/// n counts examples, u units, p positions. a is a unit's value where ``MeanPlace`` says, g = ∂L/∂a with L the cross-entropy
/// *summed* over examples, so that g of one example does not depend on the others. ∂/∂w is of the *mean* cross-entropy.
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
  /// How many of a are exactly 0, [u].
  case zeroCounts = "zero counts"
  /// The mean of a over positions, of each example, [n, u].
  case pooledActivations = "pooled activations"
  /// ∂L/∂w of the mean over all examples, of the weight's shape.
  case weightGradients = "weight gradients"
  /// (Σ_{w∈u} w·∂L/∂w)² of each batch's mean loss, averaged over batches weighted by their examples, [u].
  case unitTaylorSquares = "squared Taylor terms of units"
  /// (w·∂L/∂w)² of each batch's mean loss, averaged likewise, of the weight's shape.
  case weightTaylorSquares = "squared Taylor terms of weights"
  /// ∂²L/∂w² of the mean over all examples, or its Gauss–Newton part, estimated (see ``HessianProbes``), of the weight's shape.
  case hessianDiagonal = "Hessian diagonal"

  /// Whether ∂L/∂a is needed: one backward pass down to the first scored layer's value.
  var needsActivationGradient: Bool { self == .gradientSums || self == .gradientActivationSums }

  /// Whether ∂L/∂w is needed: the backward pass also computes weights' gradients.
  var needsWeightGradient: Bool {
    switch self {
    case .weightGradients, .unitTaylorSquares, .weightTaylorSquares, .hessianDiagonal: true
    default: false
    }
  }

  /// Whether the loss's gradient is needed, of anything.
  var needsLossGradient: Bool { self != .hessianDiagonal && (needsActivationGradient || needsWeightGradient) }

  /// In the order of the declaration.
  public static func < (lhs: Self, rhs: Self) -> Bool { (allCases.firstIndex(of: lhs) ?? 0) < (allCases.firstIndex(of: rhs) ?? 0) }
}
