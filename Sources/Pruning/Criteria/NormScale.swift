public import Torch

/// `bn-scale`: the scale |γ| of the batch norm behind a layer; meant for networks trained with ``SlimmingPenalty``.
///
/// A layer that no batch norm with a scale follows cannot be scored: ``PruningError/noNorm(criterion:layers:)`` names all of them,
/// none is left out silently.
public struct NormScale: NormScoring {
  /// Its entry in the catalogue.
  public static let criterion = PruningCriterion(
    name: "bn-scale", summary: "units that their batch norm scales down leave; train with the slimming penalty before",
    formula: "|γ| of the batch norm behind the layer", paper: "Liu et al. 2017 (network slimming)", data: .nothing,
    whenTied: "train with --slimming first", implementation: NormScale())

  /// The criterion; it has no state.
  public init() {}

  /// |γ|.
  public func unitScores(scale: Tensor, shift: Tensor) throws -> Tensor { try scale.absolute() }
}

extension Criterion {
  /// |γ| of the batch norm behind the layer.
  public static let normScale = Criterion(NormScale.criterion)
}
