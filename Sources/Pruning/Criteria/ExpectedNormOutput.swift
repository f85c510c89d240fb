internal import Foundation
public import Torch

/// `expected-bn`: a unit's expected output after batch norm and ReLU, from the norm's scale γ and shift β.
///
/// The batch norm's output is taken to be distributed as N(β, γ²); then E[max(z, 0)] = |γ|·φ(β/|γ|) + β·Φ(β/|γ|), with φ and Φ the standard
/// normal density and distribution function, and max(β, 0) for γ = 0. (Bartoldson et al. 2020 write γ, which may be negative; we take |γ|.)
/// Every activation is treated as a ReLU. A layer without batch norm is an error, as for `bn-scale`.
public struct ExpectedNormOutput: NormScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "expected-bn", summary: "removes the units with the smallest expected output after batch norm and ReLU",
    formula: "|γ|·φ(β/|γ|) + β·Φ(β/|γ|), γ and β of the batch norm after the layer", paper: "Bartoldson et al. 2020", data: .nothing,
    whenTied: "train first", implementation: ExpectedNormOutput())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns E[max(z, 0)] for z ~ N(β, γ²), float64.
  public func unitScores(scale: Tensor, shift: Tensor) throws -> Tensor {
    let (scales, shifts) = (try scale.cast(to: .float64).array(Double.self), try shift.cast(to: .float64).array(Double.self))
    return try Tensor(zip(scales, shifts).map { Self.expectation(deviation: abs($0), mean: $1) }, shape: scale.shape)
  }

  private static func expectation(deviation: Double, mean: Double) -> Double {
    guard !deviation.isNaN, !mean.isNaN else { return .nan }
    guard deviation > 0 else { return max(mean, 0) }
    let ratio = mean / deviation
    let density = exp(-ratio * ratio / 2) / (2 * Double.pi).squareRoot()
    // Far below 0 the two terms cancel, and rounding could make the expectation negative.
    return max(deviation * density + mean * erfc(-ratio / 2.0.squareRoot()) / 2, 0)
  }
}

extension Criterion {
  /// `expected-bn`: the expected output after batch norm and ReLU.
  public static let expectedNormOutput = Criterion(ExpectedNormOutput.criterion)
}
