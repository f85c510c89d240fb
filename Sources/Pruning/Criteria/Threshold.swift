public import Torch

/// `threshold`: |w| compared with a threshold, which decides how much is removed; for units the mean |w| of their incoming weights.
///
/// ``RemovalAmount/below(_:)`` removes all |w| < t (absolute t, one for all layers); ``RemovalAmount/belowDeviations(_:)`` all |w| <
/// q·std(W_layer), with Han et al.'s quality parameter q. The paper does not say which standard deviation it means: ours is the population
/// form (1/n) over the layer's signed weights that are still kept, computed at each removal. With a counted amount it ranks as `magnitude`
/// does, and units as `l1` divided by their number of weights. In a group of several layers, the first one's deviation counts.
public struct Threshold: WeightScoring, UnitScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "threshold", summary: "removes everything nearer to zero than a threshold, however much that is",
    formula: "|w| < t, or |w| < q·std(W_layer) (units: the mean |w| of incoming weights)", paper: "Han et al. 2015", data: .nothing,
    implementation: Threshold())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// True, since thresholds may be given in standard deviations.
  public var needsDeviation: Bool { true }

  /// Returns |w|.
  public func weightScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor { try weight.absolute() }
  /// Returns the mean of |w| over each unit's incoming weights.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try weight.contiguous().flattened(from: 1).absolute().mean(1)
  }
}

extension Criterion {
  /// `threshold`: |w| compared with a threshold.
  public static let threshold = Criterion(Threshold.criterion)
}

extension Tensor {
  /// Returns √(Σ(x − x̄)²/n) in float64 over the elements where the mask is true, or over all; 0 if there are none.
  func deviation(where kept: Tensor?) throws -> Double {
    let values = try cast(to: .float64)
    let count = try kept.map { try $0.sum().item() } ?? Double(values.count)
    guard count > 0 else { return 0 }
    func masked(_ x: Tensor) throws -> Tensor { try kept.map { try $0.select(x, else: x.zerosLike()) } ?? x }
    let mean = try masked(values).sum().item() / count
    return (try masked((values - mean).squared()).sum().item() / count).squareRoot()
  }
}
