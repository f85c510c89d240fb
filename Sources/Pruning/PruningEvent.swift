public import Training

/// One removal, as it happened.
public struct PruningEvent: Codable, Hashable, Sendable {
  /// 1 for the first.
  public var number: Int
  /// Finished training steps at that moment.
  public var iteration: Int
  /// Things asked to be removed in this event, and removed.
  public var removed: Int
  /// Things still there.
  public var kept: Int
  /// Units per layer after it; empty when weights were removed.
  public var widths: [String: Int]
  /// The equivalence proof's largest difference over the largest output; nil where nothing was cut.
  public var proof: Double?
  /// On the validation set just before.
  public var before: Evaluation?
  /// On the validation set just after, before any recovery.
  public var after: Evaluation?
  /// Layers without any kept weight.
  public var collapsed: [String]
}
