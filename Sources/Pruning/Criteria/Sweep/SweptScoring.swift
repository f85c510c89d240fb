public import Torch

/// Scores units by what a sweep over examples has gathered; low ones leave. See ``SweepResult/scores(_:seed:round:)``.
public protocol SweptScoring: Scoring {
  /// What the sweep has to gather.
  var statistics: Set<SweepStatistic> { get }
  /// One score per unit, [units].
  func unitScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor
  /// The variant that these options choose.
  func configured(_ options: Set<Criterion.Option>) -> any SweptScoring
}

extension SweptScoring {
  /// There are no variants.
  public func configured(_ options: Set<Criterion.Option>) -> any SweptScoring { self }
}

/// A ``SweptScoring`` that also scores single weights; low ones leave.
public protocol SweptWeightScoring: SweptScoring {
  /// What the sweep has to gather for weights.
  var weightStatistics: Set<SweepStatistic> { get }
  /// One score per element, of the weight's shape.
  func weightScores(_ layer: LayerStatistics, _ context: ScoringContext) throws -> Tensor
}

extension Criterion {
  /// How the criterion scores from a sweep, its options heeded; nil if it needs none.
  var sweptScoring: (any SweptScoring)? { (definition.implementation as? any SweptScoring)?.configured(options) }

  /// Whether it looks at examples.
  public var needsExamples: Bool { definition.data == .examples }

  /// What a sweep has to gather to score things of this size; empty for criteria that need no examples.
  ///
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``.
  public func statistics(for granularity: Granularity) throws -> Set<SweepStatistic> {
    try check(granularity)
    guard let scoring = sweptScoring else { return [] }
    guard granularity == .weight else { return scoring.statistics }
    return (scoring as? any SweptWeightScoring)?.weightStatistics ?? []
  }

  /// Whether it looks at units' values over examples, and so at a ``MeanPlace``.
  ///
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``.
  public func looksAtUnits(_ granularity: Granularity) throws -> Bool {
    try statistics(for: granularity).contains { !$0.needsWeightGradient }
  }
}
