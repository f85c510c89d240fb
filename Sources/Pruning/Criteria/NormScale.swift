public import Torch

/// `bn-scale`: the scale |γ| of the batch norm after a layer; meant for networks trained with ``SlimmingPenalty``.
///
/// A layer that is not followed by a batch norm with a scale cannot be scored: ``PruningError/noNorm(criterion:layers:)`` names all such
/// layers, and none is skipped silently.
public struct NormScale: NormScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "bn-scale", summary: "removes the units that their batch norm scales down most; train with the slimming penalty first",
    formula: "|γ| of the batch norm after the layer", paper: "Liu et al. 2017 (network slimming)", data: .nothing,
    whenTied: "train with --slimming first", implementation: NormScale())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns |γ|.
  public func unitScores(scale: Tensor, shift: Tensor) throws -> Tensor { try scale.absolute() }
}

extension Criterion {
  /// `bn-scale`: |γ| of the batch norm after the layer.
  public static let normScale = Criterion(NormScale.criterion)
}
