/// What an amount means for layers that count together.
struct WantedCount {
  /// How many leave now.
  var now: Int
  /// How many are to be gone by now of what there was at the very first.
  var inAll: Int
  /// How many would leave now if there had been no event before.
  var byItself: Int
}

extension SelectionRule {
  /// What is taken of what is left, again and again, where this is one event of a course.
  func course(of amount: RemovalAmount) -> (fraction: Double, events: Int)? {
    guard case .ofKept(let fraction) = amount, let event, followsCourse else { return nil }
    return (fraction, event)
  }

  /// The count of layers that count together.
  ///
  /// - Parameters:
  ///   - present: what is there.
  ///   - original: what was there at the very first.
  ///   - start: what was there before the first event of this run.
  func wanted(_ amount: RemovalAmount, present: Int, original: Int, start: Int) -> WantedCount {
    let gone = original - present
    let byItself = amount.count(kept: present, original: original, rounding: rounding) ?? 0
    if let course = course(of: amount) {
      let inAll = original - start + rounding.gone(course.fraction, of: start, after: course.events)
      return WantedCount(now: min(max(inAll - gone, 0), present), inAll: inAll, byItself: byItself)
    }
    if case .ofOriginal(let fraction) = amount {
      return WantedCount(now: byItself, inAll: rounding.count(fraction, of: original), byItself: byItself)
    }
    return WantedCount(now: byItself, inAll: gone + byItself, byItself: byItself)
  }
}
