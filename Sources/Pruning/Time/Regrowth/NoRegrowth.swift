/// `none`: what is pruned stays pruned; the plan's removals alone.
public struct NoRegrowth: Regrowth {
  /// As recipes spell it.
  public static let name = "none"
  /// With either.
  public static let start = RegrowthStart.either
  /// Yes.
  public static let rewinds = true
  /// It has no options.
  public init() {}
}

/// `static`: the places drawn before training stay as they are. What every way of regrowing must beat at equal density.
public struct StaticMask: Regrowth {
  /// As recipes spell it.
  public static let name = "static"
  /// With a sparse network.
  public static let start = RegrowthStart.sparse
  /// It has no options.
  public init() {}
}
