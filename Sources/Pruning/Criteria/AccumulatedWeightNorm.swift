public import Torch

/// `weight-norm`: the norm of a unit's incoming weights, summed over the training steps since the last removal.
///
/// Unlike `l2`, which looks at the present weights only, it remembers how large they were in the course of training.
public struct AccumulatedWeightNorm: AccumulatedScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "weight-norm", summary: "removes the units whose incoming weights were smallest during training",
    formula: "Σ over training steps of √Σw² over incoming weights, without bias", paper: "Salcedo & Sharma, Algorithms 1–3", data: .weights,
    options: [.normalize], implementation: AccumulatedWeightNorm())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// The layers' weights.
  public var source: AccumulatedSource { .weights }

  /// Returns √Σw² of each unit.
  public func stepScores(_ value: Tensor) throws -> Tensor { value.rank == 4 ? try value.norm(1, 2, 3) : try value.norm(1) }
}
