/// The table of a lottery-ticket study, and its evidence on the paper's claims (Frankle & Carbin 2019, LeNet-300-100 on MNIST).
///
/// Quantities are paired by seed: each seed's ticket against its own dense network, or against the mean of its own re-initialised draws.
/// Claims concern densities: each takes the trunk's round of nearest density, if that is within a twentieth of it. C1 to C7 are numbers
/// of the paper in its own setting; elsewhere only the two effects I1 and I2 are judged.
public struct TicketAnalysis: Codable, Hashable, Sendable {
  /// Table rows, branch by branch and round by round.
  public var rows: [TicketTableRow]
  /// The claims in order, with their verdicts.
  public var claims: [TicketClaim]
  /// The seeds, ascending.
  public var seeds: [UInt64]
  /// Seconds of all trainings together.
  public var seconds: Double
  /// How the study departs from the paper's setting, in words; nil if it does not.
  public var departure: String?

  /// Densities of LeNet-300-100 after rounds that remove 20 % (output layer 10 %), in per cent as printed in the paper.
  public static let publishedDensities = [
    "100.00", "80.04", "64.06", "51.28", "41.05", "32.87", "26.32", "21.07", "16.88", "13.52", "10.83", "8.68", "6.95", "5.57", "4.47",
    "3.58", "2.87", "2.31", "1.85",
  ]

  /// Names of all claims: the paper's numbers, and the two effects.
  public static let claimNames = ["C1", "C2", "C3", "C4", "C5", "C6", "C7", "I1", "I2"]

  /// Analyses the records of a study.
  ///
  /// - Parameter departure: how the study departs from the paper's setting, which leaves the paper's numbers untested.
  public init(_ records: [TicketRound], departure: String? = nil) {
    self.departure = departure
    rows = TicketTableRow.rows(of: records)
    seeds = Set(records.map(\.seed)).sorted()
    seconds = records.reduce(0) { $0 + $1.seconds }
    let study = Paired(records)
    func earlyAccuracy(_ round: TicketRound) -> Double? { round.accuracyAtEarlyStop }
    func stop(_ round: TicketRound) -> Double? { round.earlyStop.map { Double($0.iteration) } }
    let papers = [
      TicketClaim(
        "C1", "at 21.1 % early stop comes at least 38 % earlier than dense", .fraction, atLeast: 0.38, noEffect: 0,
        of: study.againstDense(0.2107, stop) { $1 > 0 ? 1 - $0 / $1 : nil }),
      TicketClaim(
        "C2", "at 13.5 % accuracy at early stop is at least 0.3 points above dense", .points, atLeast: 0.003, noEffect: 0,
        of: study.againstDense(0.1352, earlyAccuracy) { $0 - $1 }),
      // The paper says that accuracy is back there; the margin is ours.
      TicketClaim(
        "C3", "at 3.6 % accuracy at early stop is at most 0.3 points (our margin) below dense", .points, atLeast: -0.003, noEffect: 0,
        of: study.againstDense(0.0358, earlyAccuracy) { $0 - $1 }),
      TicketClaim(
        "C4", "at 21.1 % least validation loss comes at least 2.51 times sooner than re-initialised", .ratio, atLeast: 2.51, noEffect: 1,
        of: study.against("reinit", 0.2107, stop) { $0 > 0 ? $1 / $0 : nil }),
      TicketClaim(
        "C5", "at 21.1 % accuracy at early stop is at least 0.5 points above re-initialised", .points, atLeast: 0.005, noEffect: 0,
        of: study.against("reinit", 0.2107, earlyAccuracy) { $0 - $1 }),
      Self.bestAtEnd(study),
      Self.exactDensities(records),
    ]
    let effects = [
      TicketClaim(
        "I1", "rounds beat one removal of as many weights in accuracy at early stop", .points, atLeast: 0, noEffect: 0,
        // With a single round both are one removal, which tells nothing.
        of: study.overall(against: "one-shot", from: 2, earlyAccuracy)),
      TicketClaim(
        "I2", "initial weights beat fresh ones in accuracy at early stop", .points, atLeast: 0, noEffect: 0,
        of: study.overall(against: "reinit", earlyAccuracy)),
    ]
    claims = (departure == nil ? papers : []) + effects
  }

  /// The largest mean difference of final accuracies, over the trunk's rounds that all seeds have.
  ///
  /// The largest of several means is biased upwards, so each seed's value is taken at the round that is best for the *other* seeds.
  private static func bestAtEnd(_ study: Paired) -> TicketClaim {
    let differences = study.trunkRounds.filter { $0 > 0 }.map { study.againstDense(round: $0, \.accuracyAtEnd) { $0 - $1 } }
    let count = differences.map(\.count).max() ?? 0
    let complete = differences.filter { $0.count == count }
    let values = (0..<count).compactMap { seed in
      // Of equal rounds the earlier: `min` returns the first.
      complete.map { round in (others: round.reduce(0, +) - round[seed], own: round[seed]) }.min { $0.others > $1.others }?.own
    }
    return TicketClaim(
      "C6", "accuracy at the end of the best round (by the other seeds) is 0.35 points above dense", .points, atLeast: 0.0035, noEffect: 0,
      of: count > 1 ? values : [])
  }

  private static func exactDensities(_ records: [TicketRound]) -> TicketClaim {
    let trunk = records.filter { $0.branch == "trunk" && $0.prunable == 266_200 && $0.round < publishedDensities.count }
    let wrong = trunk.filter { Format.fixed(100 * $0.density, 2) != publishedDensities[$0.round] }
    let rounds = Set(trunk.map(\.round)).count
    return TicketClaim(
      name: "C7", statement: "densities are the published ones (\(rounds) of \(publishedDensities.count) rounds seen)", unit: .exact,
      threshold: nil, mean: nil, interval: nil, seeds: Set(trunk.map(\.seed)).count,
      verdict: trunk.isEmpty ? .untested : !wrong.isEmpty ? .fails : rounds == publishedDensities.count ? .holds : .undecided,
      direction: nil)
  }
}

/// Records by seed, branch and round, for pairing.
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

  /// Returns one value per seed: the trunk at a density compared with the dense network.
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

  /// Returns one value per seed: the trunk at a density compared with the mean of a branch's draws there.
  func against(
    _ branch: String, _ density: Double, _ value: (TicketRound) -> Double?, _ compare: (_ ticket: Double, _ control: Double) -> Double?
  ) -> [Double] {
    round(at: density).map { round in seeds.compactMap { pair($0, branch, round, value).flatMap { compare($0.0, $0.1) } } } ?? []
  }

  /// Returns one value per seed: the mean of trunk minus branch over the branch's rounds.
  ///
  /// - Parameter first: the first round that counts.
  func overall(against branch: String, from first: Int = 1, _ value: (TicketRound) -> Double?) -> [Double] {
    seeds.compactMap { seed in
      let rounds = (branches[branch]?[seed] ?? [:]).keys.filter { $0 >= first }.sorted()
      return Statistics.mean(rounds.compactMap { pair(seed, branch, $0, value).map { $0.0 - $0.1 } })
    }
  }

  private var seeds: [UInt64] { trunk.keys.sorted() }

  /// A seed with unfinished draws has no pair: the mean of some is not the mean of all.
  private func pair(_ seed: UInt64, _ branch: String, _ round: Int, _ value: (TicketRound) -> Double?) -> (Double, Double)? {
    guard let ticket = trunk[seed]?[round].flatMap(value), let controls = branches[branch]?[seed]?[round],
      controls.count == branches[branch]?.values.compactMap({ $0[round]?.count }).max(),
      let control = Statistics.mean(controls.compactMap(value))
    else { return nil }
    return (ticket, control)
  }
}
