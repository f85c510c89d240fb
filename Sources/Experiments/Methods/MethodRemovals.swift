internal import Pruning
public import Training

extension PruningMethod.Timing {
  /// When a method removes during a training of a length, unless told otherwise; nil for one that does not remove then.
  ///
  /// - Parameter until: the step of the last removal, if that was told.
  public func removals(in length: Step, until: Step? = nil) -> (every: Step, until: Step)? {
    guard case .during(let removals, let share) = self else { return nil }
    let last = until ?? length.scaled(by: share)
    return (last.scaled(by: 1 / Double(max(removals, 1))), last)
  }
}

extension Step {
  /// Returns this fraction of the length, in whole epochs or steps, at least one.
  fileprivate func scaled(by share: Double) -> Step {
    func scaled(_ count: Int) -> Int { max(Rounding.floor.count(share, of: count), 1) }
    return switch self {
    case .epochs(let count): .epochs(scaled(count))
    case .iterations(let count): .iterations(scaled(count))
    }
  }
}

extension Experiment {
  /// Checks that removals during a training take place; of an interval that nobody gave, the error names what was given.
  ///
  /// - Parameters:
  ///   - span: the training, with epochs of one step where their length is not known.
  ///   - check: what finds that nothing is removed.
  /// - Throws: `PlanError`.
  func checkRemovals(in span: TrainingSpan, _ check: (PruningPlan) throws -> Void) throws {
    guard let pruning else { return }
    do { try check(pruning) } catch let error as PlanError {
      throw pruning.wordsOfMethod(in: span).map { PlanError($0) } ?? error
    }
  }
}

extension PruningPlan {
  /// Why a method that removes at its own interval removes nothing in a training, and what would; nil if the interval is not the method's.
  fileprivate func wordsOfMethod(in span: TrainingSpan) -> String? {
    guard case .during(let every, let until?) = timing, let method = PruningMethod.all.first(where: { $0.name == self.method }),
      let own = method.timing.removals(in: span.length, until: until), own.every == every
    else { return nil }
    let name = "--method \(method.name)"
    let last = min(until.iterations(perEpoch: span.perEpoch), span.total - 1)
    guard let usual = method.timing.removals(in: span.length), usual.until == until else {
      if until.iterations(perEpoch: span.perEpoch) == 0 { return "\(name) removes nothing until \(until): give a later --until" }
      let advice = span.longest(within: last, as: every)
      return "\(name), every \(every) until \(until), removes nothing in a training of \(span.length): \(advice)"
    }
    func removes(in length: Step) -> Bool {
      guard let own = method.timing.removals(in: length) else { return false }
      let (first, last) = (own.every.iterations(perEpoch: span.perEpoch), own.until.iterations(perEpoch: span.perEpoch))
      return first <= min(last, length.iterations(perEpoch: span.perEpoch) - 1)
    }
    let longer: [Step] =
      switch span.length {
      case .epochs(let count): (1...100).map { .epochs(count + $0) }
      case .iterations(let count): (1...100).map { .iterations(count + $0) }
      }
    var advice = longer.first(where: removes).map { "give \("--epochs " + $0.option) or more" } ?? "train longer"
    if let longest = every.longest(within: last, perEpoch: span.perEpoch) ?? Step.iterations(last).longest(within: last, perEpoch: 1),
      span.perEpoch > 1
    {
      advice += ", or --every \(longest) or less"
    }
    return "\(name) removes nothing in a training of \(span.length): \(advice)"
  }
}

extension Step {
  /// As `--epochs` is usually written: a bare number counts epochs.
  fileprivate var option: String { if case .epochs(let count) = self { "\(count)" } else { description } }
}
