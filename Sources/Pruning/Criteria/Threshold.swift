public import Torch

/// `threshold`: |w| against a threshold that decides how much leaves; for units the mean |w| of their incoming weights.
///
/// With ``RemovalAmount/below(_:)`` all |w| < t leave (absolute t, one for all layers); with ``RemovalAmount/belowDeviations(_:)``
/// all |w| < q·std(W_layer), Han et al.'s quality parameter q. The paper does not say which standard deviation: ours is the
/// population form (1/n) over the layer's signed weights still there, at each removal anew. With a counted amount it ranks as
/// `magnitude` does, units as `l1` over their number of weights. Of a group of several layers the first one's deviation counts.
public struct Threshold: WeightScoring, UnitScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "threshold", summary: "what is nearer to zero than a threshold leaves, however much that is",
    formula: "|w| < t, or |w| < q·std(W_layer) (units: the mean |w| of incoming weights)", paper: "Han et al. 2015", data: .nothing,
    implementation: Threshold())

  /// The criterion; it has no state.
  public init() {}

  /// Its thresholds may be in deviations.
  public var needsDeviation: Bool { true }

  /// |w|.
  public func weightScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor { try weight.absolute() }
  /// The mean of |w|.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try weight.contiguous().flattened(from: 1).absolute().mean(1)
  }
}

extension Criterion {
  /// |w| against a threshold.
  public static let threshold = Criterion(Threshold.criterion)
}

extension Tensor {
  /// √(Σ(x − x̄)²/n) in float64 over the elements where the mask is true, or all; 0 where there are none.
  func deviation(where kept: Tensor?) throws -> Double {
    let values = try cast(to: .float64)
    let count = try kept.map { try $0.sum().item() } ?? Double(values.count)
    guard count > 0 else { return 0 }
    func masked(_ x: Tensor) throws -> Tensor { try kept.map { try $0.select(x, else: x.zerosLike()) } ?? x }
    let mean = try masked(values).sum().item() / count
    return (try masked((values - mean).squared()).sum().item() / count).squareRoot()
  }
}
