import Foundation
import Results
import Testing

@Suite struct PenaltySummaryTests {
  private func choice(_ scorer: String, step: Int, _ units: [Int], _ squares: [Double], amount: Double = 0.25) -> UnitChoice {
    UnitChoice(
      seed: 0, step: step, layers: "all", amount: .fraction(amount), scorer: scorer, group: "fc1", width: 8, units: units,
      squaredActivations: squares)
  }

  /// Of 30 steps the last third begins after step 20. With − without there: l2 −0.5 and 0.25, rs 1; after 5 steps: l2 −0.125.
  private let rows = [
    penaltyRow(9, step: 10), penaltyRow(1, with: true, step: 10), penaltyRow(2, step: 10, scorer: "rs"),
    penaltyRow(4, with: true, step: 10, scorer: "rs"),
    penaltyRow(1, step: 21), penaltyRow(0.5, with: true, step: 21), penaltyRow(1, step: 30), penaltyRow(1.25, with: true, step: 30),
    penaltyRow(1, step: 30, scorer: "rs"), penaltyRow(2, with: true, step: 30, scorer: "rs"),
    penaltyRow(0.25, step: 30, retrainSteps: 5), penaltyRow(0.125, with: true, step: 30, retrainSteps: 5),
    penaltyRow(0.25, step: 30, retrainSteps: 2), penaltyRow(7, with: true, step: 30, retrainSteps: 2),
    // Another place of means is another story.
    penaltyRow(0, step: 30, meanAt: "output"), penaltyRow(5, with: true, step: 30, meanAt: "output"),
  ]

  @Test func theNumbersOfEachScorer() throws {
    let choices = [
      choice("l2", step: 10, [0, 1], [1, 2]), choice("l2", step: 30, [1, 2], [3, 8]), choice("rs", step: 10, [0, 1], [10, 20]),
      choice("rs", step: 30, [4, 5], [30, 40]), choice("rs", step: 30, [0, 1, 2, 3], [50, 60, 70, 80], amount: 0.5),
    ]
    let summary = try #require(PenaltySummary(rows: rows, choices: choices, totalSteps: 30))
    #expect(summary.meanAt == "consumer" && summary.retrainSteps == 5 && summary.overlap == nil)
    let (l2, rs) = (try #require(summary.scorers.first), try #require(summary.scorers.last))
    #expect(summary.scorers.map(\.name) == ["l2", "rs"])
    #expect(l2.points == 2 && l2.share == 0.5 && l2.change == -0.125 && l2.retrainedShare == 1 && l2.retrainedChange == -0.125)
    #expect(rs.points == 1 && rs.share == 0 && rs.change == 1 && rs.retrainedShare == nil && rs.retrainedChange == nil)
    // Three and four of eight units at the smaller amount; medians of 1, 2, 3, 8 and of 10, 20 … 80.
    #expect(l2.chosen == 0.375 && rs.chosen == 0.5 && l2.squaredActivation == 2.5 && rs.squaredActivation == 45)
    // Steps 10 and 30 have all four variants: 9, 1, 2, 4 and 1, 1.25, 1, 2, so τ of l2 is 0 and 1, with means 1 and 0.75.
    #expect(l2.area == 0.5 && l2.areaWithMeans == 0.875 && rs.area == 0.9375 && rs.areaWithMeans == 0.3125)
  }

  @Test func quantitiesOfARow() throws {
    let choices = [choice("abs-mrs", step: 10, [0, 1], []), choice("abs-rs", step: 10, [1, 2], [])]
    var row = RunRecord(
      tool: Tool(version: "0", libtorch: "2"),
      machine: Machine(processor: "P", cores: 2, threads: 1, memory: 1, system: "S"), command: [], network: "n", data: nil, seed: 0,
      dense: Artefact(
        parameters: 1, prunableWeights: 1, nonZeroWeights: 1, widths: [], tensorBytes: 4, macs: 1, effectiveMACs: 1), peakMemory: 1)
    row.penalties = PenaltySummary(rows: rows, choices: choices, totalSteps: 30)
    #expect(RowQuantity.named("mean-change-l2")?.value(row) == -0.125 && RowQuantity.named("mean-share-rs")?.value(row) == 0)
    #expect(RowQuantity.named("retrained-change-l2")?.value(row) == -0.125 && RowQuantity.named("retrained-share-l2")?.value(row) == 1)
    #expect(RowQuantity.named("profile-area-l2")?.value(row) == 0.5)
    #expect(RowQuantity.named("profile-area-with-means-l2")?.value(row) == 0.875)
    #expect(try abs(#require(RowQuantity.named("choice-overlap")?.value(row)) - 1 / 3) < 1e-15)
    #expect(RowQuantity.named("mean-change-mrs")?.value(row) == nil)
    #expect(
      RowQuantity.named("mean-change-rs")?.words
        == "median change of the penalty by mean replacement in the last third of training in nats, of rs")
    #expect(try RunRecord(json: .init(row.json().utf8)) == row)
    #expect(RowQuantity.named("chosen-share-l2")?.unit == "fraction" && RowQuantity.named("squared-activation-l2")?.unit == "")
    #expect(PenaltySummary(rows: [], choices: [], totalSteps: 1) == nil)
  }
}
