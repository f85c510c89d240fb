/// One row of a ticket study's table: a branch at a round, averaged over seeds.
public struct TicketTableRow: Codable, Hashable, Sendable {
  /// Name of the branch without draw numbers: `trunk`, `reinit`, `random-mask`, …
  public var branch: String
  /// Number of the round; 0 is the dense training.
  public var round: Int
  /// Fraction of the prunable weights kept; the mean if seeds differ.
  public var density: Double
  /// The seeds, ascending.
  public var seeds: [UInt64]
  /// Mean early-stop iteration over seeds.
  public var earlyStop: Double?
  /// Interval of ``earlyStop`` over seeds; nil with fewer than two.
  public var earlyStopInterval: Interval?
  /// Mean test accuracy at early stop.
  public var accuracyAtEarlyStop: Double?
  /// Interval of ``accuracyAtEarlyStop`` over seeds; nil with fewer than two.
  public var accuracyAtEarlyStopInterval: Interval?
  /// Mean test accuracy at the end of training.
  public var accuracyAtEnd: Double?
  /// Interval of ``accuracyAtEnd`` over seeds; nil with fewer than two.
  public var accuracyAtEndInterval: Interval?
  /// Median over all trainings of training steps per second.
  public var iterationsPerSecond: Double?

  /// Returns the rows of all branches and rounds, the trunk first; a branch's draws count as one value per seed, their mean.
  ///
  /// - Parameter level: confidence level of the intervals over seeds (Student's t).
  public static func rows(of records: [TicketRound], level: Double = 0.95) -> [TicketTableRow] {
    struct Key: Hashable {
      var branch: String
      var round: Int
      /// The trunk first, the others in order of appearance.
      func rank(_ order: [String]) -> Int { branch == "trunk" ? -1 : order.firstIndex(of: branch) ?? order.count }
    }
    let groups = Dictionary(grouping: records) { Key(branch: $0.branchName, round: $0.round) }
    let order = records.map(\.branchName).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    return groups.sorted { ($0.key.rank(order), $0.key.round) < ($1.key.rank(order), $1.key.round) }.map { key, rounds in
      func samples(_ value: (TicketRound) -> Double?) -> [Double] {
        Dictionary(grouping: rounds, by: \.seed).sorted { $0.key < $1.key }.compactMap { Statistics.mean($0.value.compactMap(value)) }
      }
      let (stops, early, ends) = (
        samples { $0.earlyStop.map { Double($0.iteration) } }, samples(\.accuracyAtEarlyStop), samples(\.accuracyAtEnd)
      )
      return TicketTableRow(
        branch: key.branch, round: key.round, density: Statistics.mean(rounds.map(\.density)) ?? 1, seeds: Set(rounds.map(\.seed)).sorted(),
        earlyStop: Statistics.mean(stops), earlyStopInterval: Statistics.interval(stops, level: level),
        accuracyAtEarlyStop: Statistics.mean(early), accuracyAtEarlyStopInterval: Statistics.interval(early, level: level),
        accuracyAtEnd: Statistics.mean(ends), accuracyAtEndInterval: Statistics.interval(ends, level: level),
        iterationsPerSecond: Statistics.median(rounds.compactMap(\.iterationsPerSecond)))
    }
  }
}

extension TicketRound {
  /// Name of the branch without the number of its draw: `reinit` for `reinit-2`.
  var branchName: String {
    guard let dash = branch.lastIndex(of: "-"), Int(branch[branch.index(after: dash)...]) != nil else { return branch }
    return String(branch[..<dash])
  }

  /// Returns a line about the finished training, e.g. `round 3/18: 51.28 % of the weights; early stop at 5,200, 98.31 %; end 98.29 %;
  /// 2,310 it/s`.
  public func summary(of rounds: Int) -> String {
    var parts = ["round \(round)/\(rounds): \(Format.percent(density)) of the weights"]
    if let earlyStop {
      let accuracy = accuracyAtEarlyStop.map { ", \(Format.percent($0))" } ?? ""
      parts.append("early stop at \(Format.count(earlyStop.iteration))\(accuracy)")
    }
    if let accuracyAtEnd { parts.append("end \(Format.percent(accuracyAtEnd))") }
    if let iterationsPerSecond { parts.append("\(Format.significant(iterationsPerSecond, 3)) it/s") }
    return parts.joined(separator: "; ")
  }
}

extension [TicketTableRow] {
  /// The table for a fixed-width font, with mean ± half the interval.
  public var text: String {
    var table = TextTable(
      alignments: [.left, .right, .right, .right, .right, .right, .right, .right],
      header: ["branch", "round", "density", "early stop", "accuracy there", "accuracy at end", "it/s", "seeds"])
    for row in self {
      func cell(_ mean: Double?, _ interval: Interval?, _ words: (Double) -> String) -> String {
        guard let mean else { return "–" }
        return words(mean) + (interval.map { " ± " + words($0.halfWidth) } ?? "")
      }
      func percent(_ value: Double) -> String { Format.fixed(100 * value, 2) }
      table.append([
        row.branch, "\(row.round)", Format.percent(row.density),
        cell(row.earlyStop, row.earlyStopInterval) { Format.count(Int(saturating: $0)) },
        cell(row.accuracyAtEarlyStop, row.accuracyAtEarlyStopInterval, percent),
        cell(row.accuracyAtEnd, row.accuracyAtEndInterval, percent),
        row.iterationsPerSecond.map { Format.significant($0, 3) } ?? "–", "\(row.seeds.count)",
      ])
    }
    return table.text
  }
}
