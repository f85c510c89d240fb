public import Training

/// The steps of one training after which a plan removes: every `every`-th step up to `last`.
struct RemovalSteps {
  /// Interval in steps, also before the first removal.
  let every: Int
  /// Last step after which something may be removed; never the last step of the training.
  let last: Int

  /// Number of removals.
  var count: Int { last / every }

  /// Returns whether there is a removal after a step.
  func contains(_ iteration: Int) -> Bool { iteration % every == 0 && iteration <= last }
}

extension PruningPlan {
  /// Returns the removals during a training; nil for a plan that removes before or after it.
  func removals(in span: TrainingSpan) -> RemovalSteps? {
    guard case .during(let every, let until) = timing else { return nil }
    let interval = every.iterations(perEpoch: span.perEpoch)
    guard interval > 0 else { return nil }
    return RemovalSteps(every: interval, last: min(until?.iterations(perEpoch: span.perEpoch) ?? .max, span.total - 1))
  }

  /// Checks that a plan that removes during training removes anything.
  ///
  /// - Throws: `PlanError` with the longest interval that would work.
  public func checkRemovals(in span: TrainingSpan) throws {
    guard case .during(let every, let until) = timing, let removals = removals(in: span), removals.last < removals.every else { return }
    let end = until.flatMap { $0.iterations(perEpoch: span.perEpoch) == removals.last ? $0 : nil }
    throw PlanError(
      "--every \(every) removes nothing " + (end.map { "until \($0): " } ?? "before the end of a training of \(span.length): ")
        + span.longest(within: removals.last, as: every, otherwise: end == nil ? "train longer" : "give a later --until"))
  }

  /// Checks that a plan that removes during training removes anything, before the number of steps in an epoch is known.
  ///
  /// Lengths in one unit can be compared whatever it is, since e·n ≤ N·n − 1 where e ≤ N − 1, for any n; others are not checked.
  /// - Throws: `PlanError` with the longest interval that would work.
  public func checkRemovals(of training: TrainingPlan) throws {
    guard case .during(let every, let until) = timing else { return }
    guard Step.haveOneUnit([every, training.length] + (until.map { [$0] } ?? [])) else { return }
    let span = try TrainingSpan(training, perEpoch: 1)
    // An epoch may have room for a removal after some of its steps.
    if case .epochs = every, removals(in: span)?.last == 0 { return }
    try checkRemovals(in: span)
  }
}
