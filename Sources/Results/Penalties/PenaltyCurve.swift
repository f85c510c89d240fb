/// A pruning penalty as a function of the training step, averaged over seeds: one line of the figure.
public struct PenaltyCurve: Codable, Hashable, Sendable {
  /// The settings that all points of a line share.
  public struct Key: Codable, Hashable, Sendable, Comparable {
    /// Layers that lost units, as typed.
    public var layers: String
    /// Where units' activations and means were observed: `output` or `consumer`.
    public var meanAt: String
    /// The amount removed from each layer.
    public var amount: PenaltyAmount
    /// Steps of retraining before the penalty was measured.
    public var retrainSteps: Int
    /// Name of the criterion that chose the units.
    public var scorer: String
    /// Whether mean replacement was applied.
    public var propagated: Bool

    /// Orders keys by the properties, in order of declaration.
    public static func < (lhs: Self, rhs: Self) -> Bool {
      (lhs.layers, lhs.meanAt, lhs.amount, lhs.retrainSteps, lhs.scorer, lhs.propagated ? 1 : 0)
        < (rhs.layers, rhs.meanAt, rhs.amount, rhs.retrainSteps, rhs.scorer, rhs.propagated ? 1 : 0)
    }
  }

  /// The mean penalty at one step.
  public struct Point: Codable, Hashable, Sendable {
    /// Finished training steps.
    public var step: Int
    /// Mean penalty over seeds.
    public var mean: Double
    /// Interval of that mean; nil with fewer than two seeds.
    public var interval: Interval?
    /// Number of seeds.
    public var count: Int
  }

  /// The settings that all points share.
  public var key: Key
  /// The points in order of time.
  public var points: [Point]

  /// Returns all lines of the given rows, in order; rows with a penalty that is not finite are left out.
  ///
  /// - Parameter level: confidence level of the intervals over seeds (Student's t); the paper draws 80 %.
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
