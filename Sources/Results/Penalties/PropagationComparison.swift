/// Penalties with mean replacement against those without, for the same units: points (x without, y with) and how they lie.
public struct PropagationComparison: Codable, Hashable, Sendable {
  /// By what the points are told apart.
  public enum Grouping: String, Codable, Hashable, Sendable, CaseIterable {
    /// All together.
    case overall
    /// By the criterion that chose.
    case scorer
    /// By how much left.
    case amount
    /// By which layers lost units.
    case layers
    /// By thirds of training: steps up to a third of all, up to two thirds, and the rest.
    case third
    /// By halves of training.
    case half
    /// By the criterion that chose, and thirds of training.
    case scorerAndThird = "scorer, third"
    /// By the criterion that chose, how much left, and thirds of training: the finest cells; not in the printed tables.
    case cell = "scorer, amount, third"
    /// By steps of retraining.
    case retraining
    /// By where units and means were looked at.
    case place
  }

  /// By what.
  public var grouping: Grouping
  /// Which of them, e.g. `abs-mrs`, `first third`.
  public var name: String
  /// Points.
  public var count: Int
  /// Points under the line y = x: mean replacement lowered the penalty.
  public var under: Int
  /// Points on it.
  public var ties: Int
  /// under / count.
  public var share: Double
  /// The interval of the share over seeds; nil with fewer than two.
  public var shareInterval: Interval?
  /// The median of y − x; below 0 where mean replacement helps.
  public var medianDifference: Double
  /// The interval of the seeds' medians; nil with fewer than two.
  public var differenceInterval: Interval?

  /// All groups of a grouping that have points, in order.
  ///
  /// Pairs are rows of one ``PenaltyRow/Setting`` and scorer; those where nothing left, or a loss is not finite, say nothing and are
  /// left out. Points within a seed depend on each other: the intervals are over seeds, whose shares and medians are taken as
  /// the sample (Student's t), around their mean.
  /// - Parameters:
  ///   - totalSteps: of the training, for thirds and halves.
  ///   - level: of the intervals.
  public static func comparisons(
    of rows: [PenaltyRow], by grouping: Grouping, totalSteps: Int, level: Double = 0.8
  ) -> [PropagationComparison] {
    struct Pair: Hashable {
      var setting: PenaltyRow.Setting
      var scorer: String
    }
    var without: [Pair: Double] = [:]
    for row in rows where !row.propagated && row.isInformative { without[Pair(setting: row.setting, scorer: row.scorer)] = row.penalty }
    // Difference and seed of each point, by group; the key sorts, the name shows.
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
  /// What a row belongs to: a key that sorts, and a name that is shown.
  fileprivate func group(of row: PenaltyRow, totalSteps: Int) -> (key: String, name: String) {
    /// The part of n that a step lies in: step·n/total, a boundary belonging to the part before it.
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
