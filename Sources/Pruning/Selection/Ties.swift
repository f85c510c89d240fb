/// How much of a removal only the order among equal scores decided: things that left while others of the same score stayed.
///
/// The rule for ties, the lower index first, keeps counts exact and runs repeatable, but a ranking that it decides has no opinion.
public struct Ties: Codable, Hashable, Sendable {
  /// Things that left by the rule.
  public var decided: Int
  /// All that left.
  public var removed: Int
  /// Things with a score at which a cut fell between equals.
  public var equal: Int
  /// Things that were ranked.
  public var ranked: Int
  /// That score in words, if it is one and the same everywhere, and as the criterion gave it.
  public var score: String?

  /// The two counted as one removal; of the scores those of the one that ties decided more.
  public func merged(with other: Ties) -> Ties {
    var result = other.decided > decided ? other : self
    result.decided = decided + other.decided
    result.removed = removed + other.removed
    return result
  }

  /// A line where ties decided more than a tenth, nil else, e.g. `2,956 of 2,957 decided by order alone: all scores are 1`.
  ///
  /// - Parameter advice: what helps where all scores are equal.
  public func words(advice: String? = nil) -> String? {
    guard decided > removed / 10 else { return nil }
    let isAll = equal == ranked
    let why =
      switch (isAll, score) {
      case (true, let score?): "all scores are \(score)"
      case (true, nil): "all scores of a layer are equal"
      case (false, let score?): "\(equal) of \(ranked) scores are \(score)"
      case (false, nil): "\(equal) of \(ranked) scores are equal where the cut falls"
      }
    return "\(decided) of \(removed) decided by order alone: \(why)" + (isAll ? advice.map { ": \($0)" } ?? "" : "")
  }

  static func short(_ score: Double) -> String {
    let text = "\(Float(score))"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
