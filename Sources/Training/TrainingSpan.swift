/// The course of one training in steps: what a plan becomes once the number of examples is known.
public struct TrainingSpan: Hashable, Sendable {
  /// Steps in all.
  public let total: Int
  /// Steps in an epoch.
  public let perEpoch: Int

  /// More would take years, and sums of them must not overflow.
  static let maximum = 1_000_000_000

  /// The steps of a plan.
  ///
  /// - Parameter perEpoch: batches of the training set.
  /// - Throws: ``PlanError`` for a training longer than anyone can wait for.
  public init(_ plan: TrainingPlan, perEpoch: Int) throws {
    total = plan.length.iterations(perEpoch: perEpoch)
    self.perEpoch = perEpoch
    guard total <= Self.maximum else {
      throw PlanError("a training of \(plan.length) is too long: \(Self.maximum) steps are possible")
    }
  }

  /// The steps of a plan on these data.
  ///
  /// - Throws: ``PlanError`` for a training longer than anyone can wait for, ``TrainingError/noData``.
  public init(_ plan: TrainingPlan, on data: TrainingData) throws {
    try self.init(plan, perEpoch: data.batchesPerEpoch(of: plan.batchSize))
  }
}
