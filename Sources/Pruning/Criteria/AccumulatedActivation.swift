public import Torch

/// `activation`: how strongly a unit answers, summed over the training steps since the last removal.
///
/// Per step ‖a_u‖₂ over batch and positions, where a is the layer's output after its activation, before pooling (option
/// `pre-activation`: before it); option `normalize`: divided by the step's largest, so that every step counts the same.
public struct AccumulatedActivation: AccumulatedScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "activation", summary: "units that answer weakly during training leave",
    formula: "Σ over training steps of ‖a‖₂ over (batch, height, width), a after the activation and before pooling",
    paper: "Salcedo & Sharma, Algorithms 1–3", data: .activations, options: [.normalize, .preActivation],
    implementation: AccumulatedActivation())

  /// The criterion; it has no state.
  public init() {}

  /// Activations.
  public var source: AccumulatedSource { .activations }

  /// ‖a_u‖₂ over all but the channels.
  public func stepScores(_ value: Tensor) throws -> Tensor {
    // Ten times as fast as libtorch's norm over these dimensions, which is not vectorised across channels.
    let squares = try value.squared()
    return try (value.rank == 4 ? squares.sum(0, 2, 3) : squares.sum(0)).squareRoot()
  }
}
