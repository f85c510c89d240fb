public import Torch

/// Scores units by the statistics of a sweep over examples (``SweepResult/scores(_:seed:round:)``); low scores are removed first.
public protocol SweptScoring: Scoring {
  /// Statistics that the sweep must gather to score units.
  var statistics: Set<SweepStatistic> { get }
  /// Returns one score per unit, [units].
  func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor
  /// Returns the variant for the given options.
  func configured(_ options: Set<Criterion.Option>) -> any SweptScoring
}

extension SweptScoring {
  /// By default returns the criterion itself.
  public func configured(_ options: Set<Criterion.Option>) -> any SweptScoring { self }
}

/// A ``SweptScoring`` that also scores single weights; low scores are removed first.
public protocol SweptWeightScoring: SweptScoring {
  /// Statistics that the sweep must gather to score single weights.
  var weightStatistics: Set<SweepStatistic> { get }
  /// Returns one score per element, of the weight's shape.
  func weightScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor
}

extension Criterion {
  /// The criterion's implementation on sweep statistics, configured with its options; nil if it does not need a sweep.
  var sweptScoring: (any SweptScoring)? { (definition.implementation as? any SweptScoring)?.configured(options) }

  /// Whether the criterion needs examples; ``needsLabels(_:curvature:)`` says whether with labels.
  public var needsExamples: Bool { definition.data == .examples }

  /// Returns whether the criterion needs to know what its examples show, because it differentiates the loss.
  ///
  /// - Parameter curvature: the probes of a criterion that uses the Hessian; its Gauss–Newton part is an expectation over the network's own
  ///   outputs, not over labels.
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``.
  public func needsLabels(_ granularity: Granularity, curvature: HessianProbes? = nil) throws -> Bool {
    guard needsExamples else { return false }
    guard sweptScoring != nil else { return true }
    return try statistics(for: granularity).contains {
      $0.needsLossGradient || $0 == .hessianDiagonal && (curvature ?? HessianProbes()).estimator == .hutchinson
    }
  }

  /// Returns the statistics that a sweep must gather to score at a granularity; empty for criteria that do not need examples.
  ///
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``.
  public func statistics(for granularity: Granularity) throws -> Set<SweepStatistic> {
    try check(granularity)
    guard let scoring = sweptScoring else { return [] }
    guard granularity == .weight else { return scoring.statistics }
    return (scoring as? any SweptWeightScoring)?.weightStatistics ?? []
  }

  /// Returns whether the criterion uses units' values over examples, so that the ``MeanPlace`` matters.
  ///
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``.
  public func looksAtUnits(_ granularity: Granularity) throws -> Bool {
    try statistics(for: granularity).contains { !$0.needsWeightGradient }
  }
}
