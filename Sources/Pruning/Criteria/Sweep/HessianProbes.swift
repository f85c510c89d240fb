/// Random probes that estimate the diagonal of the curvature, ∂²L/∂w_i².
public struct HessianProbes: Codable, Hashable, Sendable {
  /// The estimated diagonal.
  public enum Estimator: String, Codable, Hashable, Sendable, CaseIterable {
    /// The diagonal of the Gauss–Newton matrix JᵀSJ, with J the derivative of the logits by the weights and S the Hessian of the
    /// cross-entropy by the logits (Schraudolph 2002).
    ///
    /// It is never negative. It lacks the mean of (p − y)·∂²logits/∂w_i² of the Hessian's own diagonal, p the softmax and y the label,
    /// which is 0 in the last layer, and everywhere if activations are ReLUs and no weights are shared, since logits are then piecewise
    /// linear in every single weight. It is estimated by (Jᵀr)² for r = √p⊙v − p·Σ√p⊙v with v random signs, so that E[rrᵀ] = S, on fifty
    /// examples at a time, since a sum of squares over groups is a better estimate than the square of one sum. Cost: one forward pass, and
    /// one backward pass per probe.
    ///
    /// On LeNet-300-100 after three epochs of MNIST with 1,000 examples, of the weights that the exact ranking keeps, 4 probes keep 97.5 %
    /// at a sparsity of 50 % and 93.9 % at 90 %, in 0.4 s; Hutchinson's estimate keeps 51 and 46 % with 4 probes, 55 and 52 % with 64 (5.6
    /// s), 63 and 64 % with 500 in each of four batches (47 s).
    case gaussNewton = "gauss-newton"
    /// The Hessian's own diagonal, E[v ⊙ Hv] over vectors v of random signs (Hutchinson 1990; Bekas et al. 2007).
    ///
    /// Unbiased; the variance of one probe is Σ_{j≠i} H_ij², j over the weights of all scored layers, and decreases with the number of
    /// probes of all batches together; scores may be negative. If the Hessian is diagonal, one probe is exact. Cost: a backward pass that
    /// records its graph, and one backward pass through both per probe.
    case hutchinson

    /// Default number of probes.
    var usualCount: Int {
      switch self {
      case .gaussNewton: 4
      case .hutchinson: 16
      }
    }
  }

  /// The estimated diagonal.
  public var estimator: Estimator
  /// Number of probes for each batch, with Gauss–Newton for each group of 50 examples; at least 1.
  public var count: Int
  /// Seed of the random signs.
  public var seed: UInt64

  /// Number of examples whose gradients are summed before squaring.
  static let groupSize = 50

  /// Creates probes; `count` is 4 for Gauss–Newton and 16 for Hutchinson unless given.
  public init(_ estimator: Estimator = .gaussNewton, count: Int? = nil, seed: UInt64 = 0) {
    self.estimator = estimator
    self.count = count ?? estimator.usualCount
    self.seed = seed
  }

  /// Description for the plan's words, e.g. `Gauss–Newton diagonal by 4 probes for each 50 examples`.
  public var words: String {
    let probes = count == 1 ? "1 probe" : "\(count) probes"
    return switch estimator {
    case .gaussNewton: "Gauss–Newton diagonal by \(probes) for each \(Self.groupSize) examples"
    case .hutchinson: "Hessian's diagonal by \(probes) for each batch"
    }
  }
}

extension PruningPlan {
  /// The probes that the criterion uses, Gauss–Newton with 4 probes by default; nil for criteria that do not use the curvature.
  public var usedCurvature: HessianProbes? { criterion.name == OptimalBrainDamage.criterion.name ? curvature ?? HessianProbes() : nil }
}
