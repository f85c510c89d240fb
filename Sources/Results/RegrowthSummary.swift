/// What came back in a training.
public struct RegrowthSummary: Codable, Hashable, Sendable {
  /// E.g. `rigl`.
  public var method: String
  /// Times that weights were exchanged.
  public var exchanges: Int
  /// Weights that came back in all of them.
  public var exchanged: Int
  /// Distinct weights that were ever alive.
  public var explored: Int
  /// Weights alive at the end.
  public var kept: Int
  /// Weights that could be pruned.
  public var total: Int
  /// Training steps at that density, from the removal or return that made it.
  public var stepsAtDensity: Int

  /// A summary of these counts.
  public init(method: String, exchanges: Int, exchanged: Int, explored: Int, kept: Int, of total: Int, stepsAtDensity: Int) {
    self.method = method
    self.exchanges = exchanges
    self.exchanged = exchanged
    self.explored = explored
    self.kept = kept
    self.total = total
    self.stepsAtDensity = stepsAtDensity
  }

  /// explored/total: the in-time over-parameterisation (Liu et al. 2021).
  public var exploredShare: Double { total == 0 ? 0 : Double(explored) / Double(total) }

  /// E.g. `rigl: 12 exchanges, 3,456 weights came back; 41.20 % of all were alive at some time; at the end 1,331 of 26,620,
  /// for the last 9,000 steps`.
  public var words: String {
    let times = exchanges == 1 ? "1 exchange" : "\(Format.count(exchanges)) exchanges"
    return "\(method): \(times), \(Format.count(exchanged)) weights came back; \(Format.percent(exploredShare)) of all were alive at some "
      + "time; at the end \(Format.count(kept)) of \(Format.count(total)), for the last \(Format.count(stepsAtDensity)) steps"
  }
}
