/// Runs of a study that differ by nothing but their seeds.
public struct StudyGroup: Codable, Hashable, Sendable {
  /// The place on every axis but `seed`.
  public var place: [String: String]
  /// The finished ones, in the order of the grid.
  public var rows: [RunRecord]
  /// Number of runs, finished or not.
  public var runs: Int

  /// Returns a quantity of each finished run that has it.
  public func values(of quantity: RowQuantity) -> [Double] { rows.compactMap(quantity.value).filter(\.isFinite) }
}

extension StudyResult {
  /// The runs grouped by everything but their seeds, in the order of the grid. A run that several places share is in the group of each.
  public var groups: [StudyGroup] {
    var (order, groups): ([[String: String]], [[String: String]: StudyGroup]) = ([], [:])
    for run in runs {
      let place = run.place.filter { $0.key != "seed" }
      if groups[place] == nil { order.append(place) }
      var group = groups[place] ?? StudyGroup(place: place, rows: [], runs: 0)
      group.runs += 1
      if let row = run.row { group.rows.append(row) }
      groups[place] = group
    }
    return order.compactMap { groups[$0] }
  }

  /// The quantities that the table shows.
  private static let shown = ["test-accuracy", "sparsity", "effective-macs", "latency-64", "file-bytes", "training-seconds"]

  /// Returns a table of groups × quantities, each with its mean and half the 95 % confidence interval over seeds.
  ///
  /// - Parameter more: quantities to show besides the usual ones.
  public func table(showing more: [RowQuantity]) -> String {
    let groups = groups
    let quantities = (Self.shown.compactMap(RowQuantity.named) + more).filter { quantity in
      groups.contains { !$0.values(of: quantity).isEmpty }
    }
    let names = axes.map(\.name).filter { $0 != "seed" }
    var table = TextTable(
      alignments: names.map { _ in .left } + [.right] + quantities.map { _ in .right },
      header: names + ["n"] + quantities.map { $0.name.replacing("-", with: " ") })
    for group in groups {
      table.append(
        names.map { group.place[$0] ?? "" } + ["\(group.rows.count)"]
          + quantities.map { quantity in quantity.words(group.values(of: quantity)) })
    }
    return table.text
  }

  /// Counts of runs by state, e.g. `27 runs: 20 finished, 2 begun, 5 waiting`, counting a run that several places share once.
  public var counts: String {
    let states = Dictionary(runs.map { ($0.key, $0.state) }, uniquingKeysWith: { first, _ in first })
    let parts = StudyRunResult.State.allCases.reversed().compactMap { state -> String? in
      let count = states.values.count { $0 == state }
      return count == 0 ? nil : "\(Format.count(count)) \(state.rawValue)"
    }
    return "\(Format.count(states.count)) run\(states.count == 1 ? "" : "s")" + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))
  }

  /// The failures, one line each, every run once.
  public var failures: [String] {
    var told: Set<String> = []
    return runs.compactMap { run in
      guard run.state == .failed, told.insert(run.key).inserted else { return nil }
      return "\(axes.words(of: run.place)): \(run.failure ?? "no reason was left")"
    }
  }

  /// Counts, failures and table of the usual quantities, as a command prints them.
  public var text: String { text(showing: []) }

  /// Returns counts, failures and table.
  ///
  /// - Parameter more: quantities that the table shows besides the usual ones.
  public func text(showing more: [RowQuantity]) -> String {
    let claimed = claims.isEmpty ? "" : "\n" + ClaimResult.table(claims)
    return "\(name): \(counts)\n" + failures.map { "failed: \($0)\n" }.joined()
      + (groups.allSatisfy(\.rows.isEmpty) ? "" : "\n" + table(showing: more))
      + claimed
  }
}

extension [StudyAxis] {
  /// A place in the order of the axes, e.g. `method snip, sparsity 0.9, seed 1`.
  public func words(of place: [String: String]) -> String {
    compactMap { axis in place[axis.name].map { "\(axis.name) \($0)" } }.joined(separator: ", ")
  }
}

extension RowQuantity {
  /// The mean of some values with half the 95 % confidence interval, in the quantity's unit; `–` for none.
  public func words(_ values: [Double]) -> String {
    guard let mean = Statistics.mean(values) else { return "–" }
    let half = Statistics.interval(values)?.halfWidth
    func format(_ value: Double) -> String {
      switch unit {
      case "fraction": Format.fixed(value * 100, 2)
      case "s": Format.duration(value)
      case "bytes": Format.bytes(Int(value.rounded()))
      default:
        abs(value) < 1000 && value != value.rounded()
          ? Format.significant(value, 4) : Format.large(Int(max(-1e15, min(value.rounded(), 1e15))))
      }
    }
    // What is the same in all runs has no interval to tell.
    guard let half, half > 0 else { return format(mean) + (unit == "fraction" ? " %" : "") }
    return unit == "fraction" ? "\(format(mean)) ± \(format(half)) %" : "\(format(mean)) ± \(format(half))"
  }
}

extension ClaimResult {
  /// A table of claims with what was measured and the verdicts.
  ///
  /// - Parameter evidence: whether each line says where the evidence is.
  public static func table(_ claims: [ClaimResult], evidence: Bool = false) -> String {
    var table = TextTable(
      alignments: [.left, .right, .right, .right, .left] + (evidence ? [.left] : []) + [.left],
      header: ["claim", "measured", "asked", "n", "verdict"] + (evidence ? ["evidence"] : []) + ["statement"])
    for claim in claims {
      table.append(
        [
          claim.id, claim.measured, claim.threshold.map { claim.number($0) } ?? "–", "\(claim.count)", claim.verdict.rawValue,
        ] + (evidence ? [claim.evidence] : []) + [claim.statement + (claim.setting.map { " (\($0))" } ?? "")])
    }
    return table.text
  }

  /// The mean with its interval, e.g. `1.20 (0.40 to 2.00) points`.
  public var measured: String {
    guard let mean else { return "–" }
    let interval = lower.flatMap { lower in upper.map { " (\(digits(lower)) to \(digits($0)))" } } ?? ""
    return digits(mean) + interval + unitWords
  }

  /// A number in the claim's unit, e.g. `1.20 points` for 0.012.
  public func number(_ value: Double) -> String { digits(value) + unitWords }

  /// The same without the unit's name.
  ///
  /// Whole numbers are counts and printed to the last one, e.g. `206,279,680`; others with four digits.
  public func digits(_ value: Double) -> String {
    if ["fraction", "points"].contains(unit) { return Format.fixed(value * 100, 2) }
    return value == value.rounded() && abs(value) < 1e15 ? Format.count(Int(value)) : Format.significant(value, 4)
  }

  private var unitWords: String {
    switch unit {
    case "fraction": " %"
    case "points": " points"
    case "s": " s"
    case "bytes": " bytes"
    case "steps", "epochs": " " + unit
    default: ""
    }
  }
}
