public import Torch

/// `weight-norm`: the norm of a unit's incoming weights, summed over the training steps since the last removal.
///
/// Unlike `l2`, which looks once, this remembers how large the weights were on the way.
public struct AccumulatedWeightNorm: AccumulatedScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "weight-norm", summary: "units whose incoming weights were small during training leave",
    formula: "Σ over training steps of √Σw² over incoming weights, without bias", paper: "Salcedo & Sharma, Algorithms 1–3", data: .weights,
    options: [.normalize], implementation: AccumulatedWeightNorm())

  /// The criterion; it has no state.
  public init() {}

  /// Weights.
  public var source: AccumulatedSource { .weights }

  /// √Σw² of each unit.
  public func stepScores(_ value: Tensor) throws -> Tensor { value.rank == 4 ? try value.norm(1, 2, 3) : try value.norm(1) }
}
