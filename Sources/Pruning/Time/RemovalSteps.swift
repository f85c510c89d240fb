internal import Training

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
}
