/// The course of a training in steps: what a plan amounts to once the number of examples is known.
public struct TrainingSpan: Hashable, Sendable {
  /// The length as given in the plan.
  public let length: Step
  /// Number of steps in total.
  public let total: Int
  /// Number of steps per epoch.
  public let perEpoch: Int

  /// More steps would take years, and sums of them must not overflow.
  static let maximum = 1_000_000_000

  /// Converts a plan's length to steps.
  ///
  /// - Parameter perEpoch: the number of batches of the training set.
  /// - Throws: ``PlanError`` for a training longer than anyone can wait for.
  public init(_ plan: TrainingPlan, perEpoch: Int) throws {
    length = plan.length
    total = plan.length.iterations(perEpoch: perEpoch)
    self.perEpoch = perEpoch
    guard total <= Self.maximum else {
      throw PlanError("a training of \(plan.length) is too long: \(Self.maximum) steps are possible")
    }
  }

  /// Returns advice to someone who gave too long an interval: the longest possible one of at most `steps` steps, in the same unit if
  /// possible.
  ///
  /// - Parameter otherwise: the advice if no interval works.
  public func longest(within steps: Int, as every: Step, otherwise: String = "train longer") -> String {
    let found = every.longest(within: steps, perEpoch: perEpoch) ?? Step.iterations(steps).longest(within: steps, perEpoch: perEpoch)
    return found.map { "the longest that works is --every \($0)" } ?? otherwise
  }

  /// Converts a plan's length to steps on the given data.
  ///
  /// - Throws: ``PlanError`` for a training longer than anyone can wait for, ``TrainingError/noData``.
  public init(_ plan: TrainingPlan, on data: TrainingData) throws {
    try self.init(plan, perEpoch: data.batchesPerEpoch(of: plan.batchSize))
  }
}
