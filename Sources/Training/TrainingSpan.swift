/// The course of one training in steps: what a plan becomes once the number of examples is known.
public struct TrainingSpan: Hashable, Sendable {
  /// The length as it was given.
  public let length: Step
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
    length = plan.length
    total = plan.length.iterations(perEpoch: perEpoch)
    self.perEpoch = perEpoch
    guard total <= Self.maximum else {
      throw PlanError("a training of \(plan.length) is too long: \(Self.maximum) steps are possible")
    }
  }

  /// Advice in words to who gave too long an interval: the longest that is no longer than so many steps, in the same unit if possible.
  ///
  /// - Parameter otherwise: the advice where none works.
  public func longest(within steps: Int, as every: Step, otherwise: String = "train longer") -> String {
    let found = every.longest(within: steps, perEpoch: perEpoch) ?? Step.iterations(steps).longest(within: steps, perEpoch: perEpoch)
    return found.map { "the longest that works is --every \($0)" } ?? otherwise
  }

  /// The steps of a plan on these data.
  ///
  /// - Throws: ``PlanError`` for a training longer than anyone can wait for, ``TrainingError/noData``.
  public init(_ plan: TrainingPlan, on data: TrainingData) throws {
    try self.init(plan, perEpoch: data.batchesPerEpoch(of: plan.batchSize))
  }
}
