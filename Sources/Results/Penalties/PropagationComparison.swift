/// Penalties with mean replacement against penalties without, for the same units: points (x without, y with) and their position relative
/// to y = x.
public struct PropagationComparison: Codable, Hashable, Sendable {
  /// A way of grouping the points.
  public enum Grouping: String, Codable, Hashable, Sendable, CaseIterable {
    /// All points together.
    case overall
    /// By the criterion that chose the units.
    case scorer
    /// By the amount removed.
    case amount
    /// By the layers that lost units.
    case layers
    /// By thirds of training: steps up to one third of all, up to two thirds, and the rest.
    case third
    /// By halves of training.
    case half
    /// By criterion and third of training.
    case scorerAndThird = "scorer, third"
    /// By criterion, amount and third of training: the finest cells, left out of printed tables.
    case cell = "scorer, amount, third"
    /// By steps of retraining.
    case retraining
    /// By the place where units and means were observed.
    case place
  }

  /// The grouping that this group belongs to.
  public var grouping: Grouping
  /// Name of the group, e.g. `abs-mrs`, `first third`.
  public var name: String
  /// Number of points.
  public var count: Int
  /// Number of points below the line y = x, where mean replacement lowered the penalty.
  public var under: Int
  /// Number of points on the line y = x.
  public var ties: Int
  /// Share of points below the line, under/count.
  public var share: Double
  /// Interval of the share over seeds; nil with fewer than two seeds.
  public var shareInterval: Interval?
  /// Median of y − x; below 0 if mean replacement helps.
  public var medianDifference: Double
  /// Interval of the median over seeds; nil with fewer than two seeds.
  public var differenceInterval: Interval?

  /// Returns all groups of a grouping that have points, in order.
  ///
  /// A point is a pair of rows with the same ``PenaltyRow/Setting`` and scorer; pairs where no unit was removed or a loss is not finite
  /// are left out. Points of one seed depend on each other, so intervals are over seeds: Student's t around the mean of the seeds' shares
  /// and medians.
  /// - Parameters:
  ///   - totalSteps: steps of the training, for thirds and halves.
  ///   - level: confidence level of the intervals.
  public static func comparisons(
    of rows: [PenaltyRow], by grouping: Grouping, totalSteps: Int, level: Double = 0.8
  ) -> [PropagationComparison] {
    struct Pair: Hashable {
      var setting: PenaltyRow.Setting
      var scorer: String
    }
    var without: [Pair: Double] = [:]
    for row in rows where !row.propagated && row.isInformative { without[Pair(setting: row.setting, scorer: row.scorer)] = row.penalty }
    // Seed and difference of each point, by group; the key sorts, the name is shown.
    var groups: [String: (name: String, amount: PenaltyAmount?, points: [(seed: UInt64, difference: Double)])] = [:]
    for row in rows where row.propagated && row.isInformative {
      guard let x = without[Pair(setting: row.setting, scorer: row.scorer)] else { continue }
      let (key, name) = grouping.group(of: row, totalSteps: totalSteps)
      groups[key, default: (name, grouping == .amount ? row.amount : nil, [])].points.append((row.seed, row.penalty - x))
    }
    let sorted = groups.sorted {
      if let a = $0.value.amount, let b = $1.value.amount { return a < b }
      return $0.key < $1.key
    }
    return sorted.map { _, group in
      let differences = group.points.map(\.difference)
      var seeds: [UInt64: [Double]] = [:]
      for point in group.points { seeds[point.seed, default: []].append(point.difference) }
      let ordered = seeds.sorted { $0.key < $1.key }.map(\.value)
      func share(_ values: [Double]) -> Double { Double(values.count { $0 < 0 }) / Double(max(values.count, 1)) }
      return PropagationComparison(
        grouping: grouping, name: group.name, count: differences.count, under: differences.count { $0 < 0 },
        ties: differences.count { $0 == 0 }, share: share(differences),
        shareInterval: Statistics.interval(ordered.map(share), level: level), medianDifference: Statistics.median(differences) ?? 0,
        differenceInterval: Statistics.interval(ordered.compactMap { Statistics.median($0) }, level: level))
    }
  }
}

extension PropagationComparison.Grouping {
  /// Returns the group that a row belongs to: a key to sort by, and a name to show.
  fileprivate func group(of row: PenaltyRow, totalSteps: Int) -> (key: String, name: String) {
    /// Index of the nth part of training that the step lies in; a boundary belongs to the part before it.
    func part(of count: Int) -> Int {
      let share = Double(row.step) * Double(count) / Double(max(totalSteps, 1))
      return min(max(Int(share.rounded(.up)) - 1, 0), count - 1)
    }
    func joined(_ groupings: Self...) -> (key: String, name: String) {
      let parts = groupings.map { $0.group(of: row, totalSteps: totalSteps) }
      return (parts.map(\.key).joined(separator: "\u{0}"), parts.map(\.name).joined(separator: ", "))
    }
    switch self {
    case .overall: return ("", "all")
    case .scorerAndThird: return joined(.scorer, .third)
    case .cell: return joined(.scorer, .amount, .third)
    case .scorer: return (row.scorer, row.scorer)
    case .amount: return (row.amount.description, row.amount.description)
    case .layers: return (row.layers, row.layers)
    case .third: return ("\(part(of: 3))", ["first third", "second third", "last third"][part(of: 3)])
    case .half: return ("\(part(of: 2))", ["first half", "second half"][part(of: 2)])
    case .retraining:
      let digits = "\(row.retrainSteps)"
      return (String(repeating: "0", count: max(20 - digits.count, 0)) + digits, "\(digits) steps")
    case .place: return (row.meanAt, row.meanAt)
    }
  }
}
