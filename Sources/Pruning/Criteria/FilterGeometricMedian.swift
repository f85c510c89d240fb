public import Torch

/// `fpgm`: the sum of the distances between a unit's incoming weights and those of all units of its layer. A unit near the geometric median
/// of the others can be replaced by them, and is removed.
///
/// ‖w_u − w_j‖² = ‖w_u‖² + ‖w_j‖² − 2·w_u·w_j is computed by matrix products in float64, on centred weights so that little cancels, in
/// blocks of rows, so that at most 1,024 × units numbers are held beside the weights. (The paper ranks by the same sum.)
public struct FilterGeometricMedian: UnitScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "fpgm", summary: "removes the units nearest to the geometric median of their layer, which the others can replace",
    formula: "Σ_j ‖w_u − w_j‖₂ over the units j of the layer", paper: "He et al. 2019", data: .nothing,
    implementation: FilterGeometricMedian())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns Σ_j ‖w_u − w_j‖₂, float64.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    let flat = try weight.contiguous().flattened(from: 1).cast(to: .float64)
    let centred = try flat - flat.mean(0, keep: true)
    let squares = try centred.squared().sum(1, keep: true)
    let (other, columns) = (try centred.transposed(), try squares.transposed())
    let (units, block) = (centred.shape[0], 1024)
    let indices = try Tensor.range(units)
    let sums = try stride(from: 0, to: units, by: block).map { start in
      let length = min(block, units - start)
      let rows = try centred.narrowed(0, from: start, length: length)
      let products = try rows.matmul(other)
      let distances = try (squares.narrowed(0, from: start, length: length) + columns - products * 2).clamped(0, .infinity).squareRoot()
      // Rounding would leave a unit at a small distance from itself.
      let itself = try indices.narrowed(0, from: start, length: length).reshaped([length, 1]).equal(indices.reshaped([1, units]))
      return try itself.select(distances.zerosLike(), else: distances).sum(1)
    }
    return try Tensor.concatenated(sums)
  }
}

extension Criterion {
  /// `fpgm`: Σ_j ‖w_u − w_j‖₂.
  public static let fpgm = Criterion(FilterGeometricMedian.criterion)
}
