public import Torch

/// `fpgm`: the distances of a unit's incoming weights from those of all units of its layer, summed; what lies in the middle of the
/// others (near their geometric median) can be replaced by them, and leaves.
///
/// ‖w_u − w_j‖² = ‖w_u‖² + ‖w_j‖² − 2·w_u·w_j by a matrix product in float64, weights centred first so that little cancels; rows in
/// blocks: memory for at most 1,024 × units numbers beside the weights. (The paper ranks by the same sum.)
public struct FilterGeometricMedian: UnitScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "fpgm", summary: "units near the geometric median of their layer leave: the others can stand in for them",
    formula: "Σ_j ‖w_u − w_j‖₂ over the units j of the layer", paper: "He et al. 2019", data: .nothing,
    implementation: FilterGeometricMedian())

  /// The criterion; it has no state.
  public init() {}

  /// Σ_j‖w_u − w_j‖₂.
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
      // Rounding leaves a unit a little away from itself.
      let itself = try indices.narrowed(0, from: start, length: length).reshaped([length, 1]).equal(indices.reshaped([1, units]))
      return try itself.select(distances.zerosLike(), else: distances).sum(1)
    }
    return try Tensor.concatenated(sums)
  }
}

extension Criterion {
  /// Σ_j‖w_u − w_j‖₂.
  public static let fpgm = Criterion(FilterGeometricMedian.criterion)
}
