public import Training

/// The steps of one training after which a plan removes: every `every`-th of them until `last`.
struct RemovalSteps {
  /// Steps from one to the next, and before the first.
  let every: Int
  /// The last step after which something may be removed: one that is trained on.
  let last: Int

  /// How many there are.
  var count: Int { last / every }

  /// Whether there is a removal after this step.
  func contains(_ iteration: Int) -> Bool { iteration % every == 0 && iteration <= last }
}

extension PruningPlan {
  /// When it removes in a training of these steps; nil for a plan that does so before or after.
  func removals(in span: TrainingSpan) -> RemovalSteps? {
    guard case .during(let every, let until) = timing else { return nil }
    let interval = every.iterations(perEpoch: span.perEpoch)
    guard interval > 0 else { return nil }
    return RemovalSteps(every: interval, last: min(until?.iterations(perEpoch: span.perEpoch) ?? .max, span.total - 1))
  }

  /// - Throws: `PlanError` with the longest interval that works for a plan that would remove nothing in the course of a training.
  func checkRemovals(in span: TrainingSpan) throws {
    guard case .during(let every, let until) = timing, let removals = removals(in: span), removals.last < removals.every else { return }
    let end = until.flatMap { $0.iterations(perEpoch: span.perEpoch) == removals.last ? $0 : nil }
    throw PlanError(
      "--every \(every) removes nothing " + (end.map { "until \($0): " } ?? "before the end of a training of \(span.length): ")
        + span.longest(within: removals.last, as: every, otherwise: end == nil ? "train longer" : "give a later --until"))
  }

  /// The same as far as it can be known before an epoch's steps are: lengths of one unit compare whatever they are, as e·n ≤ N·n − 1
  /// where e ≤ N − 1, for any n.
  public func checkRemovals(of training: TrainingPlan) throws {
    guard case .during(let every, let until) = timing else { return }
    guard Step.haveOneUnit([every, training.length] + (until.map { [$0] } ?? [])) else { return }
    let span = try TrainingSpan(training, perEpoch: 1)
    // An epoch may have room for a removal after some of its steps.
    if case .epochs = every, removals(in: span)?.last == 0 { return }
    try checkRemovals(in: span)
  }
}
