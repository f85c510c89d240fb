/// The counts of an amount for layers that count together.
struct WantedCount {
  /// Number of things to remove now.
  var now: Int
  /// Number of the original things that should be gone afterwards.
  var inAll: Int
  /// Number of things to remove now if there had been no event before.
  var byItself: Int
}

extension SelectionRule {
  /// Returns the fraction that each event removes of what is left, and the number of events so far, if the amount follows the curve of
  /// several events; else nil.
  func course(of amount: RemovalAmount) -> (fraction: Double, events: Int)? {
    guard case .ofKept(let fraction) = amount, let event, followsCourse else { return nil }
    return (fraction, event)
  }

  /// Returns the counts of an amount for layers that count together.
  ///
  /// - Parameters:
  ///   - present: number of things that are present.
  ///   - original: number of things before the first removal of all.
  ///   - start: number of things before the first event of this run.
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
