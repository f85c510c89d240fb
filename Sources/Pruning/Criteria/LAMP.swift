public import Torch

/// `lamp`: a weight's square divided by the sum of the squares of all weights of its layer that are not smaller; meant for global scope.
///
/// Equal magnitudes are ordered by the paper's index map u, and each is divided by the sum from its place u on: of equal ones the lower
/// index scores lower, and exactly one weight of a layer, its last, scores 1. Weights of exactly 0 score 0. For units, Σw² over the
/// incoming weights takes the place of w². Cost: one sort per layer. Scores are float64.
public struct LAMP: WeightScoring, UnitScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "lamp", summary: "removes the weights that matter least beside the larger ones of their layer; meant for global scope",
    formula: "w²/Σ_{|v|≥|w|}v² within the layer (units: Σw² over incoming weights for w²)", paper: "Lee et al. 2021", data: .nothing,
    implementation: LAMP())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns w²/Σ_{|v|≥|w|}v².
  public func weightScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try Self.scores(ofSquares: weight.cast(to: .float64).squared())
  }

  /// Returns n_u/Σ_{n_v≥n_u}n_v, n_u = Σw² of unit u.
  public func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor {
    try Self.scores(ofSquares: weight.contiguous().flattened(from: 1).cast(to: .float64).squared().sum(1))
  }

  /// Returns each square divided by the sum of itself and all that rank above it.
  static func scores(ofSquares squares: Tensor) throws -> Tensor {
    let dense = try squares.contiguous()
    let order = try dense.flattened().argsort(0).contiguous()
    let result = try Tensor.zeros(dense.shape, type: .float64)
    try order.withElements(Int64.self) { order in
      try dense.withElements(Double.self) { squares in
        try result.withElements(Double.self) { result in
          var sum = 0.0
          // From the largest down. NaN ranks above everything and makes every sum NaN.
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

  /// Returns a layer with LAMP scores computed from its own scores, 0 where pruned; ``Allocation/lamp`` counts by them.
  static func ranked(_ layer: ScoredLayer) throws -> ScoredLayer {
    var result = layer
    let squares = try layer.scores.cast(to: .float64).squared()
    result.scores = try scores(ofSquares: layer.kept.map { try $0.select(squares, else: squares.zerosLike()) } ?? squares)
    return result
  }
}

extension Criterion {
  /// `lamp`: w²/Σ_{|v|≥|w|}v².
  public static let lamp = Criterion(LAMP.criterion)
}
