/// How close variants come to the best in each measurement (after Dolan & Moré 2002, as used by Mean Replacement Pruning).
///
/// For measurement j with the variants' penalties d, let t_j(τ) = τ·min + (1 − τ)·max. P_i(τ) is the share of measurements with d_i ≤
/// t_j(τ): 1 at τ = 0, and at τ = 1 how often variant i is the best. Equivalently τ ≤ τ_ij = (max − d_i)/(max − min), taken as 1 if all
/// are equal; the area under P_i is the mean of τ_ij over j.
public struct PerformanceProfile: Codable, Hashable, Sendable {
  /// The profile of one variant.
  public struct Line: Codable, Hashable, Sendable {
    /// Name of the variant, e.g. `abs-mrs + mean`.
    public var variant: String
    /// P_i at each of the profile's thresholds.
    public var values: [Double]
    /// Area under the profile, ∫P_i dτ from 0 to 1, exact.
    public var area: Double
  }

  /// The values of τ at which the lines are evaluated.
  public var thresholds: [Double]
  /// The lines by descending area; ties by name.
  public var lines: [Line]
  /// Number of measurements.
  public var count: Int

  /// Computes the profile of measurements, each of which maps the names of the same variants to their penalties.
  ///
  /// Only measurements with all variants and finite penalties count; others are not comparable.
  /// - Parameter thresholds: the values of τ; by default 0, 0.01 … 1.
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

  /// Computes the profile of penalty rows: a variant is a scorer with or without mean replacement, a measurement a
  /// ``PenaltyRow/Setting``.
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
