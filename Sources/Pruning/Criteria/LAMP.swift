public import Torch

/// `lamp`: a weight's square over the sum of the squares of all weights of its layer that are not smaller; for global scope.
///
/// Equal magnitudes are put in an order by the paper's index map u, and each is divided by what stands from u on: of equal ones the
/// lower index scores lower, and exactly one weight of a layer scores 1, its last. Weights of exactly 0 score 0. Units: the same
/// with Σw² of their incoming weights in place of w². Costs one sort per layer; scores are float64.
public struct LAMP: WeightScoring, UnitScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "lamp", summary: "weights that matter little beside the larger ones of their layer leave; meant for global scope",
    formula: "w²/Σ_{|v|≥|w|}v² within the layer (units: Σw² over incoming weights for w²)", paper: "Lee et al. 2021", data: .nothing,
    implementation: LAMP())

  /// The criterion; it has no state.
  public init() {}

  /// w²/Σ_{|v|≥|w|}v².
  public func weightScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try Self.scores(ofSquares: weight.cast(to: .float64).squared())
  }

  /// n_u/Σ_{n_v≥n_u}n_v, n_u = Σw² of unit u.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try Self.scores(ofSquares: weight.contiguous().flattened(from: 1).cast(to: .float64).squared().sum(1))
  }

  /// Each square over the sum of it and all that rank above it.
  static func scores(ofSquares squares: Tensor) throws -> Tensor {
    let dense = try squares.contiguous()
    let order = try dense.flattened().argsort(0).contiguous()
    let result = try Tensor.zeros(dense.shape, type: .float64)
    try order.withElements(Int64.self) { order in
      try dense.withElements(Double.self) { squares in
        try result.withElements(Double.self) { result in
          var sum = 0.0
          // From the largest down; NaN ranks above all, and then so is every sum.
          for place in order.indices.reversed() {
            let index = Int(order[place])
            sum += squares[index]
            if squares[index] != 0 { result[index] = squares[index] / sum }
          }
        }
      }
    }
    return result
  }

  /// A layer with LAMP's scores made of its own, pruned things at 0: what ``Allocation/lamp`` counts by.
  static func ranked(_ layer: ScoredLayer) throws -> ScoredLayer {
    var result = layer
    let squares = try layer.scores.cast(to: .float64).squared()
    result.scores = try scores(ofSquares: layer.kept.map { try $0.select(squares, else: squares.zerosLike()) } ?? squares)
    return result
  }
}

extension Criterion {
  /// w²/Σ_{|v|≥|w|}v².
  public static let lamp = Criterion(LAMP.criterion)
}
