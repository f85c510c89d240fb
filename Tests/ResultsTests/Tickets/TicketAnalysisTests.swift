import Foundation
import Results
import Testing

@Suite struct TicketAnalysisTests {
  /// A record with its least validation loss at `stop`, test accuracies in 10,000ths there and at the end (step 1000).
  private func record(_ seed: UInt64, _ branch: String, _ round: Int, _ density: Double, stop: Int, early: Int, end: Int) -> TicketRound {
    TicketRound(
      seed: seed, branch: branch, round: round,
      layers: [.init(name: "fc1", prunable: 266_200, kept: Int((266_200 * density).rounded()))], iterations: 1000,
      evaluations: [
        .init(iteration: stop, trainingLoss: 1, validationLoss: 0.1, test: Accuracy(correct: early, count: 10_000, loss: 0.1)),
        .init(iteration: 1000, trainingLoss: 1, validationLoss: 0.2, test: Accuracy(correct: end, count: 10_000, loss: 0.1)),
      ], iterationsPerSecond: 100, seconds: 2)
  }

  private func study() -> [TicketRound] {
    (0..<3 as Range<UInt64>).flatMap { seed -> [TicketRound] in
      let s = Int(seed)
      return [
        record(seed, "trunk", 0, 1, stop: 500, early: 9800, end: 9790),
        // Early stop at 250, 240, 260: 50, 52 and 48 % earlier.
        record(seed, "trunk", 7, 0.2107, stop: [250, 240, 260][s], early: 9850 + s, end: 9830 + s),
        record(seed, "trunk", 9, 0.1352, stop: 300, early: 9835 + s, end: 9810),
        record(seed, "trunk", 15, 0.0358, stop: 500, early: 9801 - s, end: 9700),
        // Twice as late as the ticket, 0.4 points below.
        record(seed, "reinit-1", 7, 0.2107, stop: [480, 460, 500][s], early: 9812 + s, end: 9800),
        record(seed, "reinit-2", 7, 0.2107, stop: [520, 500, 540][s], early: 9808 + s, end: 9800),
        record(seed, "one-shot", 7, 0.2107, stop: 300, early: 9840 + s, end: 9800),
      ]
    }
  }

  @Test func ofEqualLossesTheEarliestIsTheEarlyStop() {
    var round = record(0, "trunk", 0, 1, stop: 500, early: 9800, end: 9790)
    round.evaluations[1].validationLoss = 0.1
    round.evaluations.insert(
      .init(iteration: 250, trainingLoss: 1, validationLoss: 0.1, test: Accuracy(correct: 9700, count: 10_000, loss: 0.1)), at: 0)
    #expect(round.earlyStop?.iteration == 250 && round.accuracyAtEarlyStop == 0.97)
    round.evaluations[2].validationLoss = 0.09
    #expect(round.earlyStop?.iteration == 1000)
  }

  @Test func claimsByHand() throws {
    let analysis = TicketAnalysis(study())
    let claims = Dictionary(uniqueKeysWithValues: analysis.claims.map { ($0.name, $0) })
    func claim(_ name: String) throws -> TicketClaim { try #require(claims[name]) }
    // Mean .5, deviation .02; t(.95, 2) = 2.91999, so half a width of .0337: above .38.
    let c1 = try claim("C1")
    #expect(abs((c1.mean ?? 0) - 0.5) < 1e-12 && c1.seeds == 3)
    #expect(abs((c1.interval?.halfWidth ?? 0) - 2.919986 * 0.02 / 3.0.squareRoot()) < 1e-6)
    #expect(c1.verdict == .holds && c1.direction == .holds)
    // .35, .36, .37 points.
    let c2 = try claim("C2")
    #expect(abs((c2.mean ?? 0) - 0.0036) < 1e-12 && c2.verdict == .holds)
    // .01, 0, −.01 points.
    let c3 = try claim("C3")
    #expect(abs(c3.mean ?? 1) < 1e-12 && c3.verdict == .holds && c3.direction == .undecided)
    // 500/250, 480/240, 520/260.
    let c4 = try claim("C4")
    #expect(c4.mean == 2 && c4.interval?.halfWidth == 0 && c4.verdict == .fails && c4.direction == .holds)
    // 9850 − 9810: .4 points at each seed.
    let c5 = try claim("C5")
    #expect(abs((c5.mean ?? 0) - 0.004) < 1e-12 && c5.verdict == .fails && c5.direction == .holds)
    // Best at round 7: .40, .41, .42 points.
    let c6 = try claim("C6")
    #expect(abs((c6.mean ?? 0) - 0.0041) < 1e-12 && c6.verdict == .holds)
    // 4 of 19 rounds, all right.
    #expect(try claim("C7").verdict == .undecided)
    // .1 and .4 points at each seed.
    for (name, mean) in [("I1", 0.001), ("I2", 0.004)] { #expect(abs(try (claim(name).mean ?? 0) - mean) < 1e-12, "\(name)") }
    #expect(analysis.seeds == [0, 1, 2] && analysis.seconds == 42)
  }

  @Test func oneSeedDecidesNothingButTheDensities() {
    let analysis = TicketAnalysis(study().filter { $0.seed == 0 })
    let paired = analysis.claims.filter { !["C6", "C7"].contains($0.name) }
    #expect(paired.allSatisfy { $0.verdict == .undecided && $0.interval == nil && $0.mean != nil })
    // Its round is chosen by the other seeds.
    #expect(analysis.claims.first { $0.name == "C6" }?.verdict == .untested)
  }

  @Test func densitiesHoldOnceAllRoundsAreThere() {
    let densities = TicketAnalysis.publishedDensities.enumerated().map { round, percent in
      record(0, "trunk", round, (Double(percent) ?? 0) / 100, stop: 500, early: 9800, end: 9800)
    }
    func verdict(_ records: [TicketRound]) -> TicketClaim.Verdict? { TicketAnalysis(records).claims.first { $0.name == "C7" }?.verdict }
    #expect(verdict(densities) == .holds)
    #expect(verdict(densities.dropLast()) == .undecided)
  }

  @Test func theBestRoundIsChosenByTheOtherSeeds() {
    // Over dense: round 1 by 1, 1 and 9 ten-thousandths, round 2 by 2, 2 and 2, round 3, which one seed lacks, by 50. Without itself, the
    // first two seeds choose round 1 (10 against 4), the third round 2 (2 against 4).
    let gains = [[1, 1, 9], [2, 2, 2], [50, 50]]
    let records = (0..<3 as Range<UInt64>).flatMap { seed in
      [record(seed, "trunk", 0, 1, stop: 500, early: 9800, end: 9800)]
        + gains.enumerated().filter { Int(seed) < $0.element.count }.map { round, gain in
          record(seed, "trunk", round + 1, 0.8, stop: 500, early: 9800, end: 9800 + gain[Int(seed)])
        }
    }
    let claim = TicketAnalysis(records).claims.first { $0.name == "C6" }
    #expect(claim?.seeds == 3 && abs((claim?.mean ?? 0) - (1 + 1 + 2) / 3 * 1e-4) < 1e-12)
  }

  @Test func noEffectAtAllIsNoClaim() {
    // One-shot equals the rounds to the bit, and at the first round, where both are one removal, nobody looks.
    let records = (0..<3 as Range<UInt64>).flatMap { seed in
      [
        record(seed, "trunk", 0, 1, stop: 500, early: 9800, end: 9800), record(seed, "trunk", 1, 0.8, stop: 500, early: 9900, end: 9800),
        record(seed, "one-shot", 1, 0.8, stop: 500, early: 9700, end: 9800),
        record(seed, "trunk", 2, 0.64, stop: 500, early: 9850, end: 9800),
        record(seed, "one-shot", 2, 0.64, stop: 500, early: 9850, end: 9800),
      ]
    }
    let claim = TicketAnalysis(records).claims.first { $0.name == "I1" }
    #expect(claim?.mean == 0 && claim?.verdict == .fails && claim?.direction == .fails)
  }

  @Test func unfinishedDrawsAreNoPair() {
    let records = study().filter { !($0.seed == 1 && $0.branch == "reinit-2") }
    #expect(TicketAnalysis(records).claims.first { $0.name == "I2" }?.seeds == 2)
  }

  @Test func anotherSettingSaysNothingOfThePapersNumbers() {
    let analysis = TicketAnalysis(study(), departure: "batch size 64, not 60")
    #expect(analysis.claims.map(\.name) == ["I1", "I2"])
    #expect(analysis.text.contains("C1 to C7 are about the setting of Frankle & Carbin 2019, which this is not: batch size 64, not 60\n"))
  }

  @Test func whatWasNotTrainedIsUntested() {
    let analysis = TicketAnalysis(study().filter { $0.branch == "trunk" && $0.round != 7 })
    let verdicts = analysis.claims.filter { $0.verdict == .untested }.map(\.name)
    #expect(verdicts == ["C1", "C4", "C5", "I1", "I2"])
    #expect(!analysis.text.contains("untested"))
  }

  @Test func aWrongDensityIsSeen() {
    var records = study()
    records[1].layers[0].kept += 100
    #expect(TicketAnalysis(records).claims.first { $0.name == "C7" }?.verdict == .fails)
  }

  @Test func scatterAroundTheThresholdIsUndecided() {
    var records = study().filter { $0.branch == "trunk" }
    for index in records.indices where records[index].round == 9 {
      records[index].evaluations[0].test = Accuracy(correct: [9780, 9835, 9890][Int(records[index].seed)], count: 10_000, loss: 0)
    }
    let claim = TicketAnalysis(records).claims.first { $0.name == "C2" }
    #expect(claim?.verdict == .undecided && claim?.direction == .undecided)
  }

  @Test func tableOverSeedsAndDraws() {
    let rows = TicketTableRow.rows(of: study())
    #expect(rows.map { "\($0.branch) \($0.round)" } == ["trunk 0", "trunk 7", "trunk 9", "trunk 15", "reinit 7", "one-shot 7"])
    #expect(rows[4].earlyStop == 500 && rows[4].seeds == [0, 1, 2])
    #expect(
      TicketAnalysis(study()).rows.text.split(separator: "\n").prefix(3) == [
        "branch    round   density  early stop  accuracy there  accuracy at end  it/s  seeds",
        "trunk         0  100.00 %     500 ± 0    98.00 ± 0.00     97.90 ± 0.00   100      3",
        "trunk         7   21.07 %    250 ± 25    98.51 ± 0.02     98.31 ± 0.02   100      3",
      ])
  }

  @Test func recordsAreReadAsTheyWereWritten() throws {
    let record = study()[1]
    let json = try record.json()
    #expect(try TicketRound(json: Data(json.utf8)) == record)
    #expect(json.contains("\"earlyStopIteration\" : 250") && json.contains("\"accuracyAtEarlyStop\" : 0.985"))
    #expect(record.summary(of: 18) == "round 7/18: 21.07 % of the weights; early stop at 250, 98.50 %; end 98.30 %; 100 it/s")
  }
}
