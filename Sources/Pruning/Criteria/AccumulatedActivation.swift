public import Torch

/// `activation`: the norm of a unit's activations, summed over the training steps since the last removal.
///
/// Each step adds ‖a_u‖₂ over batch and positions, where a is the layer's output after its activation and before pooling (option
/// `pre-activation`: before the activation). Option `normalize` divides each step's vector by its largest entry, so that every step has the
/// same weight.
public struct AccumulatedActivation: AccumulatedScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "activation", summary: "removes the units with the weakest activations during training",
    formula: "Σ over training steps of ‖a‖₂ over (batch, height, width), a after the activation and before pooling",
    paper: "Salcedo & Sharma, Algorithms 1–3", data: .activations, options: [.normalize, .preActivation],
    implementation: AccumulatedActivation())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// The layers' outputs.
  public var source: AccumulatedSource { .activations }

  /// Returns ‖a_u‖₂ over all dimensions but the channels.
  public func stepScores(_ value: Tensor) throws -> Tensor {
    // Ten times as fast as libtorch's norm over these dimensions, which is not vectorised across channels.
    let squares = try value.squared()
    return try (value.rank == 4 ? squares.sum(0, 2, 3) : squares.sum(0)).squareRoot()
  }
}
