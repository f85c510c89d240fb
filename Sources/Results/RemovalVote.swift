/// A vote of several data sets or tasks on a removal.
public struct RemovalVote: Codable, Hashable, Sendable {
  /// Number of units or weights that were removed.
  public var removed: Int
  /// Number of those that enough voters had kept.
  public var overruled: Int
  /// Number of those left that too few voters had kept.
  public var spared: Int

  /// Creates a vote; every parameter sets the property of the same name.
  public init(removed: Int, overruled: Int, spared: Int) {
    self.removed = removed
    self.overruled = overruled
    self.spared = spared
  }

  /// Words such as `12 removed (2 that enough had kept), 1 left that too few had kept`.
  public var words: String {
    "\(Format.count(removed)) removed (\(Format.count(overruled)) that enough had kept), \(Format.count(spared)) left that too few had kept"
  }
}
