/// A ticket study's table, and what it says of the lottery-ticket paper's claims (Frankle & Carbin 2019, LeNet-300-100 on MNIST).
///
/// Quantities are paired by seed: each seed's ticket against its own dense network or its own re-initialised draws (their mean). The
/// claims are about densities: the trunk's round nearest to each is taken, if it is within a twentieth of it.
public struct TicketAnalysis: Codable, Hashable, Sendable {
  /// Branch by branch, round by round.
  public var rows: [TicketTableRow]
  /// In order.
  public var claims: [TicketClaim]
  /// The seeds.
  public var seeds: [UInt64]
  /// Seconds of all trainings together.
  public var seconds: Double

  /// The densities that rounds of 20 % (output layer 10 %) leave of LeNet-300-100, in percent as the paper prints them.
  public static let publishedDensities = [
    "100.00", "80.04", "64.06", "51.28", "41.05", "32.87", "26.32", "21.07", "16.88", "13.52", "10.83", "8.68", "6.95", "5.57", "4.47",
    "3.58", "2.87", "2.31", "1.85",
  ]

  /// The analysis of these records.
  public init(_ records: [TicketRound]) {
    rows = TicketTableRow.rows(of: records)
    seeds = Set(records.map(\.seed)).sorted()
    seconds = records.reduce(0) { $0 + $1.seconds }
    let study = Paired(records)
    func earlyAccuracy(_ round: TicketRound) -> Double? { round.accuracyAtEarlyStop }
    func stop(_ round: TicketRound) -> Double? { round.earlyStop.map { Double($0.iteration) } }
    claims = [
      TicketClaim(
        "C1", "at 21.1 % early stop comes at least 38 % earlier than dense", .fraction, atLeast: 0.38, noEffect: 0,
        of: study.againstDense(0.2107, stop) { $1 > 0 ? 1 - $0 / $1 : nil }),
      TicketClaim(
        "C2", "at 13.5 % accuracy at early stop is at least 0.3 points above dense", .points, atLeast: 0.003, noEffect: 0,
        of: study.againstDense(0.1352, earlyAccuracy) { $0 - $1 }),
      Self.backToDense(study.againstDense(0.0358, earlyAccuracy) { $0 - $1 }),
      TicketClaim(
        "C4", "at 21.1 % least validation loss comes at least 2.51 times sooner than re-initialised", .ratio, atLeast: 2.51, noEffect: 1,
        of: study.against("reinit", 0.2107, stop) { $0 > 0 ? $1 / $0 : nil }),
      TicketClaim(
        "C5", "at 21.1 % accuracy at early stop is at least 0.5 points above re-initialised", .points, atLeast: 0.005, noEffect: 0,
        of: study.against("reinit", 0.2107, earlyAccuracy) { $0 - $1 }),
      Self.bestAtEnd(study),
      Self.exactDensities(records),
      TicketClaim(
        "I1", "rounds beat one removal of as many weights in accuracy at early stop", .points, atLeast: 0, noEffect: 0,
        of: study.overall(against: "one-shot", earlyAccuracy)),
      TicketClaim(
        "I2", "initial weights beat fresh ones in accuracy at early stop", .points, atLeast: 0, noEffect: 0,
        of: study.overall(against: "reinit", earlyAccuracy)),
    ]
  }

  /// At 3.6 % accuracy is back at the dense network's: within the margin by which it was above before.
  private static func backToDense(_ values: [Double]) -> TicketClaim {
    let interval = Statistics.interval(values, level: 0.9)
    return TicketClaim(
      name: "C3", statement: "at 3.6 % accuracy at early stop is back at the dense network's, within 0.3 points", unit: .points,
      threshold: 0.003, mean: Statistics.mean(values), interval: interval, seeds: values.count,
      verdict: values.isEmpty ? .untested : TicketClaim.within(0.003, interval), direction: nil)
  }

  /// The largest mean difference of accuracies at the end, over the trunk's rounds.
  ///
  /// The largest of several means is somewhat too large; the interval is that of the chosen round alone.
  private static func bestAtEnd(_ study: Paired) -> TicketClaim {
    let rounds = study.trunkRounds.filter { $0 > 0 }
    let differences = rounds.map { (round: $0, values: study.againstDense(round: $0, \.accuracyAtEnd) { $0 - $1 }) }
    let best = differences.filter { !$0.values.isEmpty }.max {
      (Statistics.mean($0.values) ?? 0, -$0.round) < (Statistics.mean($1.values) ?? 0, -$1.round)
    }
    let place = best.map { " (best: round \($0.round))" } ?? ""
    return TicketClaim(
      "C6", "accuracy at the end is up to 0.35 points above dense\(place)", .points, atLeast: 0.0035, noEffect: 0, of: best?.values ?? [])
  }

  private static func exactDensities(_ records: [TicketRound]) -> TicketClaim {
    let trunk = records.filter { $0.branch == "trunk" && $0.prunable == 266_200 && $0.round < publishedDensities.count }
    let wrong = trunk.filter { Format.fixed(100 * $0.density, 2) != publishedDensities[$0.round] }
    let rounds = Set(trunk.map(\.round)).count
    return TicketClaim(
      name: "C7", statement: "densities are the published ones (\(rounds) of \(publishedDensities.count) rounds seen)", unit: .exact,
      threshold: nil, mean: nil, interval: nil, seeds: Set(trunk.map(\.seed)).count,
      verdict: trunk.isEmpty ? .untested : wrong.isEmpty ? .holds : .fails, direction: nil)
  }
}

/// Records by seed, branch and round, for pairs.
private struct Paired {
  private var trunk: [UInt64: [Int: TicketRound]] = [:]
  private var branches: [String: [UInt64: [Int: [TicketRound]]]] = [:]

  init(_ records: [TicketRound]) {
    for record in records {
      if record.branch == "trunk" {
        trunk[record.seed, default: [:]][record.round] = record
      } else {
        branches[record.branchName, default: [:]][record.seed, default: [:]][record.round, default: []].append(record)
      }
    }
  }

  var trunkRounds: [Int] { Set(trunk.values.flatMap(\.keys)).sorted() }

  /// The trunk's round nearest to a density; nil if none is within a twentieth of it.
  private func round(at density: Double) -> Int? {
    let found = trunk.values.flatMap { $0.values.map { ($0.round, abs($0.density - density)) } }.min { ($0.1, $0.0) < ($1.1, $1.0) }
    return found.flatMap { $0.1 <= density / 20 ? $0.0 : nil }
  }

  /// One value per seed: the trunk at a density against the dense network.
  func againstDense(
    _ density: Double, _ value: (TicketRound) -> Double?, _ compare: (_ ticket: Double, _ dense: Double) -> Double?
  ) -> [Double] {
    round(at: density).map { againstDense(round: $0, value, compare) } ?? []
  }

  func againstDense(round: Int, _ value: (TicketRound) -> Double?, _ compare: (Double, Double) -> Double?) -> [Double] {
    trunk.sorted { $0.key < $1.key }.compactMap { _, rounds in
      guard let ticket = rounds[round].flatMap(value), let dense = rounds[0].flatMap(value) else { return nil }
      return compare(ticket, dense)
    }
  }

  /// One value per seed: the trunk at a density against the mean of a branch's draws there.
  func against(
    _ branch: String, _ density: Double, _ value: (TicketRound) -> Double?, _ compare: (_ ticket: Double, _ control: Double) -> Double?
  ) -> [Double] {
    round(at: density).map { round in seeds.compactMap { pair($0, branch, round, value).flatMap { compare($0.0, $0.1) } } } ?? []
  }

  /// One value per seed: the mean over all rounds that the branch has of the trunk's value minus the branch's.
  func overall(against branch: String, _ value: (TicketRound) -> Double?) -> [Double] {
    seeds.compactMap { seed in
      let rounds = (branches[branch]?[seed] ?? [:]).keys.sorted()
      return Statistics.mean(rounds.compactMap { pair(seed, branch, $0, value).map { $0.0 - $0.1 } })
    }
  }

  private var seeds: [UInt64] { trunk.keys.sorted() }

  private func pair(_ seed: UInt64, _ branch: String, _ round: Int, _ value: (TicketRound) -> Double?) -> (Double, Double)? {
    guard let ticket = trunk[seed]?[round].flatMap(value), let controls = branches[branch]?[seed]?[round],
      let control = Statistics.mean(controls.compactMap(value))
    else { return nil }
    return (ticket, control)
  }
}
