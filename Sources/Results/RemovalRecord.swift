/// One removal of a run, with the accuracy on validation images around it.
public struct RemovalRecord: Codable, Hashable, Sendable {
  /// Number of the removal, from 1.
  public var number: Int
  /// Training steps finished before it.
  public var step: Int
  /// Number of weights or units that it took, or disturbed for a while.
  public var removed: Int
  /// Number of them that were left.
  public var kept: Int
  /// Fraction of the validation images classified correctly just before it; nil without validation.
  public var before: Double?
  /// The same after it and its repairs, before any training.
  public var after: Double?
  /// Seconds of planning the cut and cutting, without scores and proof; nil if nothing was cut, and in rows of earlier versions.
  public var surgerySeconds: Double?

  /// Creates a record; every parameter sets the property of the same name.
  public init(number: Int, step: Int, removed: Int, kept: Int, before: Double?, after: Double?, surgerySeconds: Double? = nil) {
    self.number = number
    self.step = step
    self.removed = removed
    self.kept = kept
    self.before = before
    self.after = after
    self.surgerySeconds = surgerySeconds
  }

  /// Accuracy lost at once, before − after (Bartoldson et al. 2020).
  public var instability: Double? { before.flatMap { before in after.map { before - $0 } } }

  /// The part of the accuracy that is lost at once, (before − after)/before, as in the authors' code; nil if there was none to lose.
  public var relativeInstability: Double? {
    instability.flatMap { lost in before.flatMap { $0 > 0 ? lost / $0 : nil } }
  }
}

extension RunRecord {
  /// Mean ``RemovalRecord/instability`` of the removals that took something; nil if none was judged.
  public var instability: Double? { mean(\.instability) }

  /// Mean ``RemovalRecord/relativeInstability`` of the removals that took something; nil if none was judged.
  public var relativeInstability: Double? { mean(\.relativeInstability) }

  /// Seconds of all surgeries together; nil if nothing was cut.
  public var surgerySeconds: Double? {
    let seconds = (removals ?? []).compactMap(\.surgerySeconds)
    return seconds.isEmpty ? nil : seconds.reduce(0, +)
  }

  private func mean(_ value: (RemovalRecord) -> Double?) -> Double? {
    Statistics.mean((removals ?? []).filter { $0.removed > 0 }.compactMap(value))
  }
}
