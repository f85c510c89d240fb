internal import Foundation

/// The share of a layer's units that have been chosen at least once, probe after probe.
public struct ChosenFraction: Codable, Hashable, Sendable {
  /// The settings that all points of a line share.
  public struct Key: Codable, Hashable, Sendable, Comparable {
    /// Layers that lost units, as typed.
    public var layers: String
    /// Where units' activations and means were observed: `output` or `consumer`.
    public var meanAt: String
    /// The amount removed from each layer.
    public var amount: PenaltyAmount
    /// Name of the layer or channel group.
    public var group: String
    /// Name of the criterion that chose the units.
    public var scorer: String

    /// Orders keys by the properties, in order of declaration.
    public static func < (lhs: Self, rhs: Self) -> Bool {
      (lhs.layers, lhs.meanAt, lhs.amount, lhs.group, lhs.scorer) < (rhs.layers, rhs.meanAt, rhs.amount, rhs.group, rhs.scorer)
    }
  }

  /// The share of chosen units after one more probe.
  public struct Point: Codable, Hashable, Sendable {
    /// Finished training steps.
    public var step: Int
    /// Share of the layer's units that were chosen so far, averaged over seeds.
    public var fraction: Double
    /// Interval of the share over seeds; nil with fewer than two seeds.
    public var interval: Interval?
    /// Share expected by chance, 1 − (1 − f)^n after n probes that each choose the share f.
    public var expected: Double
  }

  /// The settings that all points share.
  public var key: Key
  /// The points in order of time.
  public var points: [Point]

  /// Returns all lines of the given choices, in order.
  ///
  /// - Parameters:
  ///   - start: the step before which probes do not count.
  ///   - level: confidence level of the intervals over seeds.
  public static func curves(of choices: [UnitChoice], from start: Int = 0, level: Double = 0.8) -> [ChosenFraction] {
    var lines: [Key: [UInt64: [Int: UnitChoice]]] = [:]
    for choice in choices where choice.step >= start && choice.width > 0 {
      let key = Key(layers: choice.layers, meanAt: choice.meanAt, amount: choice.amount, group: choice.group, scorer: choice.scorer)
      lines[key, default: [:]][choice.seed, default: [:]][choice.step] = choice
    }
    return lines.sorted { $0.key < $1.key }.map { key, seeds in
      var reached: [Int: [Double]] = [:]
      var expected: [Int: [Double]] = [:]
      for (_, choices) in seeds.sorted(by: { $0.key < $1.key }) {
        var seen: Set<Int> = []
        var never = 1.0
        for (step, choice) in choices.sorted(by: { $0.key < $1.key }) {
          seen.formUnion(choice.units)
          never *= 1 - Double(choice.units.count) / Double(choice.width)
          reached[step, default: []].append(Double(seen.count) / Double(choice.width))
          expected[step, default: []].append(1 - never)
        }
      }
      return ChosenFraction(
        key: key,
        points: reached.sorted { $0.key < $1.key }.map { step, fractions in
          Point(
            step: step, fraction: Statistics.mean(fractions) ?? 0, interval: Statistics.interval(fractions, level: level),
            expected: Statistics.mean(expected[step] ?? []) ?? 0)
        })
    }
  }
}

/// The agreement of two scorers' choices: |A ∩ B|/|A ∪ B| (Jaccard 1901), averaged over probes and seeds.
public struct ChoiceOverlap: Codable, Hashable, Sendable {
  /// Name of one scorer; alphabetically before the other.
  public var first: String
  /// Name of the other scorer.
  public var second: String
  /// Mean overlap, from 0 to 1.
  public var mean: Double
  /// Interval of the seeds' means; nil with fewer than two seeds.
  public var interval: Interval?
  /// Number of compared pairs of choices.
  public var count: Int

  /// Returns the overlaps of all pairs of scorers.
  ///
  /// A choice is the set of all units of all groups that one scorer removes at one step, from one set of layers, by one amount; pairs of
  /// empty choices are left out.
  public static func overlaps(of choices: [UnitChoice], level: Double = 0.8) -> [ChoiceOverlap] {
    struct Unit: Hashable {
      var group: String
      var index: Int
    }
    var chosen: [PenaltyRow.Setting: [String: Set<Unit>]] = [:]
    for choice in choices {
      let setting = PenaltyRow.Setting(
        seed: choice.seed, step: choice.step, layers: choice.layers, amount: choice.amount, meanAt: choice.meanAt, retrainSteps: 0)
      chosen[setting, default: [:]][choice.scorer, default: []].formUnion(choice.units.map { Unit(group: choice.group, index: $0) })
    }
    let scorers = Set(choices.map(\.scorer)).sorted()
    let settings = chosen.sorted { $0.key < $1.key }
    var result: [ChoiceOverlap] = []
    for (number, first) in scorers.enumerated() {
      for second in scorers.dropFirst(number + 1) {
        var seeds: [UInt64: [Double]] = [:]
        for (setting, sets) in settings {
          guard let a = sets[first], let b = sets[second], !a.isEmpty || !b.isEmpty else { continue }
          seeds[setting.seed, default: []].append(Double(a.intersection(b).count) / Double(a.union(b).count))
        }
        let values = seeds.sorted { $0.key < $1.key }.map(\.value)
        guard let mean = Statistics.mean(values.flatMap(\.self)) else { continue }
        result.append(
          ChoiceOverlap(
            first: first, second: second, mean: mean,
            interval: Statistics.interval(values.compactMap { Statistics.mean($0) }, level: level),
            count: values.reduce(0) { $0 + $1.count }))
      }
    }
    return result
  }
}

/// The distribution of the squared activations of the units that a scorer chooses: units near 0 cost nothing to remove.
public struct SquaredActivationHistogram: Codable, Hashable, Sendable {
  /// Name of the criterion that chose the units.
  public var scorer: String
  /// Number of chosen units that are exactly 0 on all examples.
  public var zeros: Int
  /// Number of chosen units in each bin.
  public var counts: [Int]

  /// Creates a histogram; every parameter sets the property of the same name.
  public init(scorer: String, zeros: Int, counts: [Int]) {
    self.scorer = scorer
    self.zeros = zeros
    self.counts = counts
  }

  /// Computes histograms over bins of equal width in log₁₀.
  ///
  /// Bin k holds values from 10^(lowest + k/binsPerDecade) up to but excluding the next edge. All scorers share the bins, which reach
  /// from the decade of the smallest value to that of the largest, but at most 12 decades down from there. Smaller values count in the
  /// first bin.
  public static func histograms(
    of choices: [UnitChoice], binsPerDecade: Int = 2
  ) -> (edges: [Double], histograms: [SquaredActivationHistogram]) {
    let positive = choices.flatMap(\.squaredActivations).filter { $0 > 0 && $0.isFinite }
    guard let least = positive.min(), let most = positive.max() else { return ([], []) }
    let highest = Int(log10(most).rounded(.down)) + 1
    let lowest = max(Int(log10(least).rounded(.down)), highest - 12)
    let perDecade = max(binsPerDecade, 1)
    let bins = (highest - lowest) * perDecade
    let edges = (0...bins).map { pow(10, Double(lowest) + Double($0) / Double(perDecade)) }
    var zeros: [String: Int] = [:]
    var counts: [String: [Int]] = [:]
    for choice in choices {
      for value in choice.squaredActivations where value.isFinite {
        if value <= 0 {
          zeros[choice.scorer, default: 0] += 1
        } else {
          let bin = edges.lastIndex { $0 <= value } ?? 0
          counts[choice.scorer, default: Array(repeating: 0, count: bins)][min(bin, bins - 1)] += 1
        }
      }
    }
    let scorers = Set(zeros.keys).union(counts.keys).sorted()
    return (
      edges,
      scorers.map { .init(scorer: $0, zeros: zeros[$0] ?? 0, counts: counts[$0] ?? Array(repeating: 0, count: bins)) }
    )
  }
}
