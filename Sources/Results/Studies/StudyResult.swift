/// What a study knows at a moment: its runs, their rows, and what they say about its claims. Reports and tables are made from this value.
public struct StudyResult: Codable, Hashable, Sendable {
  /// Name of the study, e.g. `unified-benchmark`.
  public var name: String
  /// The question, in a sentence or two; empty if the recipe does not say.
  public var about: String
  /// The scale that it ran at: `smoke`, `small` or `paper`; nil if the recipe has none.
  public var scale: String?
  /// The axes of its grid, in the recipe's order; the last one usually is `seed`.
  public var axes: [StudyAxis]
  /// The runs, in the order of the grid.
  public var runs: [StudyRunResult]
  /// The claims that it tests, with their verdicts.
  public var claims: [ClaimResult]
  /// The text of the recipe.
  public var recipe: String

  /// Creates a result; every parameter sets the property of the same name.
  public init(
    name: String, about: String = "", scale: String? = nil, axes: [StudyAxis], runs: [StudyRunResult], claims: [ClaimResult] = [],
    recipe: String
  ) {
    self.name = name
    self.about = about
    self.scale = scale
    self.axes = axes
    self.runs = runs
    self.claims = claims
    self.recipe = recipe
  }
}

/// One dimension of a study's grid.
public struct StudyAxis: Codable, Hashable, Sendable {
  /// Name of the axis, e.g. `method`.
  public var name: String
  /// Names of the places on it, in the recipe's order.
  public var values: [String]

  /// Creates an axis; every parameter sets the property of the same name.
  public init(name: String, values: [String]) {
    self.name = name
    self.values = values
  }
}

/// One run of a study.
public struct StudyRunResult: Codable, Hashable, Sendable {
  /// How far a run has come.
  public enum State: String, Codable, Hashable, Sendable, CaseIterable {
    /// Nothing was done yet.
    case waiting
    /// A process works on it, or has left a checkpoint to go on from.
    case begun
    /// It has a row.
    case finished
    /// It ended with an error, or a run that it starts from did.
    case failed
  }

  /// The run's key: a hash of everything that decides its result, as hexadecimal digits.
  public var key: String
  /// The run's place on each axis, by the axis' name.
  public var place: [String: String]
  /// How far it has come.
  public var state: State
  /// What went wrong, in one line; nil unless it failed.
  public var failure: String?
  /// The command line that repeats it by itself, beginning with the program's name.
  public var command: [String]
  /// Row of the run; nil unless it finished.
  public var row: RunRecord?

  /// Creates a run; every parameter sets the property of the same name.
  public init(
    key: String, place: [String: String], state: State, failure: String? = nil, command: [String], row: RunRecord? = nil
  ) {
    self.key = key
    self.place = place
    self.state = state
    self.failure = failure
    self.command = command
    self.row = row
  }
}
