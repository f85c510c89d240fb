internal import Foundation
public import Torch

/// `expected-bn`: what a unit answers on average behind batch norm and ReLU, as far as scale γ and shift β tell.
///
/// A batch norm's output is taken for N(β, γ²); then E[max(z, 0)] = |γ|·φ(β/|γ|) + β·Φ(β/|γ|), φ and Φ the standard normal density
/// and distribution; γ = 0 gives max(β, 0). (Bartoldson et al. 2020, who have γ where it may be negative: we take |γ|.) Whatever
/// activation follows, it is scored as a ReLU. A layer without batch norm is an error, as for `bn-scale`.
public struct ExpectedNormOutput: NormScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "expected-bn", summary: "units whose expected output behind batch norm and ReLU is small leave",
    formula: "|γ|·φ(β/|γ|) + β·Φ(β/|γ|), γ and β of the batch norm behind the layer", paper: "Bartoldson et al. 2020", data: .nothing,
    whenTied: "train first", implementation: ExpectedNormOutput())

  /// The criterion; it has no state.
  public init() {}

  /// E[max(z, 0)] for z ~ N(β, γ²).
  public func unitScores(scale: Tensor, shift: Tensor) throws -> Tensor {
    let (scales, shifts) = (try scale.cast(to: .float64).array(Double.self), try shift.cast(to: .float64).array(Double.self))
    return try Tensor(zip(scales, shifts).map { Self.expectation(deviation: abs($0), mean: $1) }, shape: scale.shape)
  }

  private static func expectation(deviation: Double, mean: Double) -> Double {
    guard !deviation.isNaN, !mean.isNaN else { return .nan }
    guard deviation > 0 else { return max(mean, 0) }
    let ratio = mean / deviation
    let density = exp(-ratio * ratio / 2) / (2 * Double.pi).squareRoot()
    // Far below 0 the two terms cancel, and rounding must not make the expectation negative.
    return max(deviation * density + mean * erfc(-ratio / 2.0.squareRoot()) / 2, 0)
  }
}

extension Criterion {
  /// Expected output behind batch norm and ReLU.
  public static let expectedNormOutput = Criterion(ExpectedNormOutput.criterion)
}
