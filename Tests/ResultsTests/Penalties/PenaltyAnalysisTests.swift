import Results
import Testing

/// A row whose loss before is 1.
func penaltyRow(
  _ penalty: Double, with propagated: Bool = false, seed: UInt64 = 0, step: Int = 0, layers: String = "all",
  amount: PenaltyAmount = .fraction(0.5), scorer: String = "l2", meanAt: String = "consumer", retrainSteps: Int = 0, removed: Int = 3
) -> PenaltyRow {
  PenaltyRow(
    seed: seed, step: step, layers: layers, amount: amount, scorer: scorer, propagated: propagated, meanAt: meanAt,
    retrainSteps: retrainSteps, removed: removed, lossBefore: 1, lossAfter: 1 + penalty)
}

@Suite struct PenaltyAnalysisTests {
  /// t of one degree of freedom at 90 % is tan(0.4π) = 3.0777; of 1 and 3 the deviation is √2, over √2 seeds 1.
  @Test func curvesAverageSeeds() throws {
    let rows = [
      penaltyRow(1, step: 10), penaltyRow(3, seed: 1, step: 10), penaltyRow(0.5, step: 5), penaltyRow(.infinity, seed: 1, step: 5),
      penaltyRow(7, with: true, step: 10),
    ]
    let curves = PenaltyCurve.curves(of: rows)
    #expect(curves.map(\.key.propagated) == [false, true])
    let points = try #require(curves.first?.points)
    #expect(points.map(\.step) == [5, 10] && points.map(\.mean) == [0.5, 2] && points.map(\.count) == [1, 2])
    #expect(points[0].interval == nil)
    #expect(abs((points[1].interval?.halfWidth ?? 0) - 3.077_683_537) < 1e-8)
  }

  /// Differences with − without: seed 0: −0.5, 0; seed 1: −0.25, −0.75; what has no partner, lost nothing or is infinite is left out.
  private let rows = [
    penaltyRow(1, step: 10), penaltyRow(0.5, with: true, step: 10),
    penaltyRow(2, step: 30, scorer: "rs"), penaltyRow(2, with: true, step: 30, scorer: "rs"),
    penaltyRow(1, seed: 1, step: 20, amount: .count(1)), penaltyRow(0.75, with: true, seed: 1, step: 20, amount: .count(1)),
    penaltyRow(1, seed: 1, step: 21), penaltyRow(0.25, with: true, seed: 1, step: 21),
    penaltyRow(9, with: true, step: 12), penaltyRow(0, step: 13, removed: 0), penaltyRow(0, with: true, step: 13, removed: 0),
    penaltyRow(.infinity, step: 14), penaltyRow(1, with: true, step: 14),
  ]

  @Test func sharesUnderTheDiagonal() throws {
    let overall = try #require(PropagationComparison.comparisons(of: rows, by: .overall, totalSteps: 30).first)
    #expect(overall.count == 4 && overall.under == 3 && overall.ties == 1 && overall.share == 0.75)
    // Of −0.75, −0.5, −0.25, 0.
    #expect(overall.medianDifference == -0.375)
    // Seeds' shares ½ and 1: mean ¾, deviation √⅛, half width tan(0.4π)·√⅛/√2 = tan(0.4π)/4.
    #expect(overall.shareInterval?.mean == 0.75)
    #expect(abs((overall.shareInterval?.halfWidth ?? 0) - 3.077_683_537 / 4) < 1e-8)
    // Seeds' medians −0.25 and −0.5.
    #expect(overall.differenceInterval?.mean == -0.375)
    #expect(abs((overall.differenceInterval?.halfWidth ?? 0) - 3.077_683_537 / 8) < 1e-8)
  }

  @Test func groupsOfPoints() {
    func names(_ grouping: PropagationComparison.Grouping) -> [String] {
      PropagationComparison.comparisons(of: rows, by: grouping, totalSteps: 30).map { "\($0.name) \($0.under)/\($0.count)" }
    }
    #expect(names(.scorer) == ["l2 3/3", "rs 0/1"])
    #expect(names(.amount) == ["1 unit 1/1", "0.5 2/3"])
    // A boundary belongs to the part before it: step 10 of 30 is in the first third, 20 in the second.
    #expect(names(.third) == ["first third 1/1", "second third 1/1", "last third 1/2"])
    #expect(names(.half) == ["first half 1/1", "second half 2/3"])
    #expect(names(.scorerAndThird) == ["l2, first third 1/1", "l2, second third 1/1", "l2, last third 1/1", "rs, last third 0/1"])
    #expect(
      names(.cell) == [
        "l2, 0.5, first third 1/1", "l2, 0.5, last third 1/1", "l2, 1 unit, second third 1/1", "rs, 0.5, last third 0/1",
      ])
    #expect(names(.layers) == ["all 3/4"])
    #expect(names(.retraining) == ["0 steps 3/4"])
    #expect(names(.place) == ["consumer 3/4"])
  }

  /// Penalties −1, 0, 3 and 2, 2, 2: thresholds reach (3 − d)/4 = 1, ¾, 0 and 1, 1, 1.
  @Test func profiles() {
    let profile = PerformanceProfile(
      of: [["a": -1, "b": 0, "c": 3], ["a": 2, "b": 2, "c": 2], ["a": 1, "b": 0]], thresholds: [0, 0.5, 0.75, 0.8, 1])
    // The third measurement lacks c.
    #expect(profile.count == 2)
    #expect(profile.lines.map(\.variant) == ["a", "b", "c"])
    #expect(profile.lines.map(\.area) == [1, 0.875, 0.5])
    #expect(profile.lines.map(\.values) == [[1, 1, 1, 1, 1], [1, 1, 1, 0.5, 0.5], [1, 0.5, 0.5, 0.5, 0.5]])
  }

  @Test func profilesOfRows() {
    let profile = PerformanceProfile(of: [penaltyRow(1, step: 10), penaltyRow(0.5, with: true, step: 10), penaltyRow(1, step: 20)])
    #expect(profile.count == 1 && profile.lines.map(\.variant) == ["l2 + mean", "l2"] && profile.lines.map(\.area) == [1, 0])
  }

  private func choice(_ units: [Int], seed: UInt64 = 0, step: Int, scorer: String = "l2", squares: [Double] = []) -> UnitChoice {
    UnitChoice(
      seed: seed, step: step, layers: "all", amount: .fraction(0.25), scorer: scorer, group: "fc1", width: 8, units: units,
      squaredActivations: squares)
  }

  /// Of 8 units 2 a probe: {0,1}, {1,2}, {0,2} make 2, 3, 3; chance would reach 1 − 0.75ⁿ.
  @Test func chosenFractions() throws {
    let choices = [choice([1, 2], step: 20), choice([0, 1], step: 10), choice([0, 2], step: 30)]
    let curve = try #require(ChosenFraction.curves(of: choices).first)
    #expect(curve.points.map(\.step) == [10, 20, 30])
    #expect(curve.points.map(\.fraction) == [0.25, 0.375, 0.375])
    #expect(curve.points.map(\.expected) == [0.25, 0.4375, 0.578125])
    let late = try #require(ChosenFraction.curves(of: choices, from: 20).first)
    #expect(late.points.map(\.fraction) == [0.25, 0.375] && late.points.map(\.expected) == [0.25, 0.4375])
    let two = ChosenFraction.curves(of: choices + [choice([4, 5], seed: 1, step: 10), choice([6, 7], seed: 1, step: 20)])
    #expect(two.first?.points.map(\.fraction) == [0.25, 0.4375, 0.375])
    #expect(abs((two.first?.points[1].interval?.halfWidth ?? 0) - 3.077_683_537 / 16) < 1e-8)
  }

  /// {0,1} and {1,2}: 1 of 3; {0,1} and {0,1}: all; empty ones say nothing.
  @Test func overlaps() throws {
    let choices = [
      choice([0, 1], step: 1), choice([1, 2], step: 1, scorer: "rs"), choice([0, 1], step: 2), choice([0, 1], step: 2, scorer: "rs"),
      choice([], step: 3), choice([], step: 3, scorer: "rs"),
    ]
    let overlap = try #require(ChoiceOverlap.overlaps(of: choices).first)
    #expect(overlap.first == "l2" && overlap.second == "rs" && overlap.count == 2)
    #expect(abs(overlap.mean - 2.0 / 3) < 1e-15)
  }

  /// From 0.02 to 5: decades 0.01 and up to below 10, two bins each: edges 0.01, 0.0316, 0.1, 0.316, 1, 3.16, 10.
  @Test func histograms() {
    let choices = [choice([0, 1, 2], step: 1, squares: [0, 0.02, 5]), choice([0, 1], step: 2, squares: [0.1, .infinity])]
    let (edges, histograms) = SquaredActivationHistogram.histograms(of: choices)
    #expect(edges.count == 7 && abs(edges[0] - 0.01) < 1e-15 && abs(edges[6] - 10) < 1e-12)
    #expect(histograms == [.init(scorer: "l2", zeros: 1, counts: [1, 0, 1, 0, 0, 1])])
    #expect(SquaredActivationHistogram.histograms(of: [choice([0], step: 1, squares: [0])]).edges.isEmpty)
  }

  @Test func theAnalysisKeepsRetrainedRowsApart() {
    let analysis = PenaltyAnalysis(
      rows: rows + [penaltyRow(1, retrainSteps: 10), penaltyRow(2, with: true, retrainSteps: 10)], choices: [choice([0, 1], step: 10)])
    #expect(analysis.totalSteps == 30 && analysis.seeds == [0, 1] && analysis.rows == 15)
    #expect(analysis.parts.map(\.retrainSteps) == [0, 10])
    #expect(analysis.parts.compactMap { $0.comparisons.first?.count } == [4, 1])
    let lines = analysis.text.split(separator: "\n").map(String.init)
    #expect(lines[0] == "15 penalties of 2 seeds; intervals of 80 % over seeds")
    #expect(lines[3] == "overall        all                    4  0.750 ± 0.769     −0.375 ± 0.385")
    #expect(lines.contains("With mean replacement against without (means at consumer), after 10 steps of retraining"))
    #expect(lines.contains("consumer  all        0.5          0  l2 + mean       –     9.00     1.00        –"))
    #expect(lines.suffix(1) == ["consumer  all       0.25  fc1    0.250      0.250"])
  }

  @Test func nothingIsAnAnalysisToo() {
    let analysis = PenaltyAnalysis(rows: [], choices: [])
    #expect(analysis.parts.isEmpty && analysis.text == "0 penalties of 0 seeds; intervals of 80 % over seeds")
  }
}
