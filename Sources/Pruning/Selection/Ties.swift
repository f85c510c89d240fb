/// How much of a removal was decided only by the order of equal scores: things that were removed while others with the same score stayed.
///
/// The tie rule, the lower index first, keeps counts exact and runs reproducible, but a ranking that it decides carries no information.
public struct Ties: Codable, Hashable, Sendable {
  /// Number of things removed by the tie rule.
  public var decided: Int
  /// Number of all removed things.
  public var removed: Int
  /// Number of things with a score at which a cut fell between equal scores.
  public var equal: Int
  /// Number of ranked things.
  public var ranked: Int
  /// The score at such cuts as text, if it is the same everywhere and is the criterion's own.
  public var score: String?

  /// Returns the ties of two removals counted as one; `equal`, `ranked` and `score` are those of the removal in which ties decided more.
  public func merged(with other: Ties) -> Ties {
    var result = other.decided > decided ? other : self
    result.decided = decided + other.decided
    result.removed = removed + other.removed
    return result
  }

  /// Returns a message if ties decided more than a tenth, else nil, e.g. `2956 of 2957 decided by order alone: all scores are 1`.
  ///
  /// - Parameter advice: what to do if all scores are equal.
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
