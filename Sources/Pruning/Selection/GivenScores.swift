public import Training

/// Scores that come from elsewhere than a criterion, such as the logits of gates or the votes of several models. They are compared between
/// layers as they are.
public struct GivenScores {
  /// Name in records, in the place of the criterion's.
  public var name: String
  /// Returns the scored layers of a model; `present` returns those of the plan's granularity that it has, with what is left of each.
  public var of: (_ model: Model, _ present: () throws -> [ScoredLayer]) throws -> [ScoredLayer]

  /// Creates scores from a function; every parameter sets the property of the same name.
  public init(name: String, of: @escaping (_ model: Model, _ present: () throws -> [ScoredLayer]) throws -> [ScoredLayer]) {
    self.name = name
    self.of = of
  }
}
