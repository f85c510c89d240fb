/// The weights that grew back during a sparse training.
public struct RegrowthSummary: Codable, Hashable, Sendable {
  /// Name of the method, e.g. `rigl`.
  public var method: String
  /// Number of exchanges of pruned for kept weights.
  public var exchanges: Int
  /// Weights that grew back, summed over all exchanges.
  public var exchanged: Int
  /// Number of distinct weights that were ever alive.
  public var explored: Int
  /// Weights alive at the end.
  public var kept: Int
  /// Prunable weights.
  public var total: Int
  /// Training steps at the final density, since the last removal or regrowth that changed it.
  public var stepsAtDensity: Int

  /// Creates a summary; every parameter sets the property of the same name.
  public init(method: String, exchanges: Int, exchanged: Int, explored: Int, kept: Int, of total: Int, stepsAtDensity: Int) {
    self.method = method
    self.exchanges = exchanges
    self.exchanged = exchanged
    self.explored = explored
    self.kept = kept
    self.total = total
    self.stepsAtDensity = stepsAtDensity
  }

  /// Explored share of the weights, explored/total: the in-time over-parameterisation (Liu et al. 2021).
  public var exploredShare: Double { total == 0 ? 0 : Double(explored) / Double(total) }

  /// A line such as `rigl: 12 exchanges, 3,456 weights came back; 41.20 % of all were alive at some time; at the end 1,331 of 26,620, for
  /// the last 9,000 steps`.
  public var words: String {
    let times = exchanges == 1 ? "1 exchange" : "\(Format.count(exchanges)) exchanges"
    return "\(method): \(times), \(Format.count(exchanged)) weights came back; \(Format.percent(exploredShare)) of all were alive at some "
      + "time; at the end \(Format.count(kept)) of \(Format.count(total)), for the last \(Format.count(stepsAtDensity)) steps"
  }
}
