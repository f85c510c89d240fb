/// How close variants come to the best of each measurement (after Dolan & Moré 2002, as Mean Replacement Pruning uses it).
///
/// For measurement j with the variants' penalties d: t_j(τ) = τ·min + (1 − τ)·max, and P_i(τ) is the share of measurements with
/// d_i ≤ t_j(τ): 1 at τ = 0, and at τ = 1 how often a variant is the best. Equivalently τ ≤ τ_ij = (max − d_i)/(max − min), 1 where
/// all are equal; the area under P_i is the mean of τ_ij over j.
public struct PerformanceProfile: Codable, Hashable, Sendable {
  /// One variant's line.
  public struct Line: Codable, Hashable, Sendable {
    /// The variant, e.g. `abs-mrs + mean`.
    public var variant: String
    /// P_i at each τ.
    public var values: [Double]
    /// ∫P_i dτ from 0 to 1, exactly.
    public var area: Double
  }

  /// Where the lines are evaluated.
  public var thresholds: [Double]
  /// By falling area; of equal ones by name.
  public var lines: [Line]
  /// Measurements.
  public var count: Int

  /// The profile of measurements, each the penalties of the same variants by name.
  ///
  /// Variants that a measurement lacks make it incomparable: only measurements with all variants count.
  /// - Parameter thresholds: 0, 0.01 … 1 unless given.
  public init(of measurements: [[String: Double]], thresholds: [Double] = (0...100).map { Double($0) / 100 }) {
    let variants = Set(measurements.flatMap(\.keys)).sorted()
    var reached: [String: [Double]] = [:]
    var count = 0
    for measurement in measurements where measurement.count == variants.count && measurement.values.allSatisfy(\.isFinite) {
      guard let least = measurement.values.min(), let most = measurement.values.max() else { continue }
      count += 1
      for (variant, penalty) in measurement { reached[variant, default: []].append(most == least ? 1 : (most - penalty) / (most - least)) }
    }
    self.thresholds = thresholds
    self.count = count
    lines = variants.map { variant in
      let reached = reached[variant] ?? []
      return Line(
        variant: variant,
        values: thresholds.map { threshold in Double(reached.count { threshold <= $0 }) / Double(max(reached.count, 1)) },
        area: Statistics.mean(reached) ?? 0)
    }
    .sorted { ($1.area, $0.variant) < ($0.area, $1.variant) }
  }

  /// The profile of rows: a variant is a scorer with or without mean replacement, a measurement is a ``PenaltyRow/Setting``.
  public init(of rows: [PenaltyRow], thresholds: [Double] = (0...100).map { Double($0) / 100 }) {
    var measurements: [PenaltyRow.Setting: [String: Double]] = [:]
    for row in rows where row.isInformative { measurements[row.setting, default: [:]][row.variant] = row.penalty }
    self.init(of: measurements.sorted { $0.key < $1.key }.map(\.value), thresholds: thresholds)
  }
}

extension PenaltyRow {
  /// The scorer, and whether means were propagated, e.g. `abs-mrs + mean`.
  public var variant: String { propagated ? scorer + " + mean" : scorer }
}
