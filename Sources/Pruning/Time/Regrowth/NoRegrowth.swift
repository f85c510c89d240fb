/// `none`: pruned weights stay pruned; only the plan's removals take place.
public struct NoRegrowth: Regrowth {
  /// Name in recipes.
  public static let name = "none"
  /// Starts from a dense or a sparse network.
  public static let start = RegrowthStart.either
  /// True: kept weights can be rewound after each removal.
  public static let rewinds = true
  /// Creates the method, which has no options.
  public init() {}
}

/// `static`: the mask drawn before training does not change. The control that every method of regrowth must beat at equal density.
public struct StaticMask: Regrowth {
  /// Name in recipes.
  public static let name = "static"
  /// Starts from a sparse network.
  public static let start = RegrowthStart.sparse
  /// Creates the method, which has no options.
  public init() {}
}
