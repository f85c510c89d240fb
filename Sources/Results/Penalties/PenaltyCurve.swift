/// A penalty against training steps: one line of the figure, averaged over seeds.
public struct PenaltyCurve: Codable, Hashable, Sendable {
  /// What the line shows.
  public struct Key: Codable, Hashable, Sendable, Comparable {
    /// Which layers.
    public var layers: String
    /// Where units were looked at.
    public var meanAt: String
    /// How much of each layer.
    public var amount: PenaltyAmount
    /// Steps of retraining.
    public var retrainSteps: Int
    /// The criterion.
    public var scorer: String
    /// With or without mean replacement.
    public var propagated: Bool

    /// In the order of the properties.
    public static func < (lhs: Self, rhs: Self) -> Bool {
      (lhs.layers, lhs.meanAt, lhs.amount, lhs.retrainSteps, lhs.scorer, lhs.propagated ? 1 : 0)
        < (rhs.layers, rhs.meanAt, rhs.amount, rhs.retrainSteps, rhs.scorer, rhs.propagated ? 1 : 0)
    }
  }

  /// One step.
  public struct Point: Codable, Hashable, Sendable {
    /// Finished training steps.
    public var step: Int
    /// The mean penalty over seeds.
    public var mean: Double
    /// The interval of that mean; nil with fewer than two seeds.
    public var interval: Interval?
    /// Seeds.
    public var count: Int
  }

  /// What the line shows.
  public var key: Key
  /// In order of time.
  public var points: [Point]

  /// All lines of some rows, in order; rows that are not finite are left out.
  ///
  /// - Parameter level: of the intervals over seeds (Student's t); the paper draws 80 %.
  public static func curves(of rows: [PenaltyRow], level: Double = 0.8) -> [PenaltyCurve] {
    var lines: [Key: [Int: [Double]]] = [:]
    for row in rows where row.penalty.isFinite {
      let key = Key(
        layers: row.layers, meanAt: row.meanAt, amount: row.amount, retrainSteps: row.retrainSteps, scorer: row.scorer,
        propagated: row.propagated)
      lines[key, default: [:]][row.step, default: []].append(row.penalty)
    }
    return lines.sorted { $0.key < $1.key }.map { key, steps in
      PenaltyCurve(
        key: key,
        points: steps.sorted { $0.key < $1.key }.map { step, values in
          Point(step: step, mean: Statistics.mean(values) ?? 0, interval: Statistics.interval(values, level: level), count: values.count)
        })
    }
  }
}
