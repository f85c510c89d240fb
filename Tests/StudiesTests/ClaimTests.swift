import Results
import Testing

@testable import Studies

@Suite struct ClaimTests {
  private func claim(
    _ measure: String = "test-accuracy", _ comparison: Claim.Comparison = .minus(["method": ["random"]]),
    _ threshold: (side: Claim.Side, value: Double)? = nil, of: [String: [String]] = ["method": ["snip"]]
  ) throws -> Claim {
    Claim(
      id: "A", statement: "s", source: "X", measure: .quantity(try #require(RowQuantity.named(measure))), of: of, comparison: comparison,
      threshold: threshold, setting: "smaller")
  }

  /// Differences by seed are 0.10, 0.07 and 0.13: mean 0.10, deviation 0.03, t(0.95; 2) = 2.919986.
  @Test func differencesArePairedBySeed() throws {
    let result = try claim().result(study(), evidence: "studies/s")
    #expect(try abs(#require(result.mean) - 0.1) < 1e-12 && result.count == 3)
    let half = 2.9199855803537 * 0.03 / 3.0.squareRoot()
    #expect(try abs(#require(result.lower) - (0.1 - half)) < 1e-9 && abs(#require(result.upper) - (0.1 + half)) < 1e-9)
    #expect(result.measured == "10.00 (4.94 to 15.06) points")
    #expect(result.measure == "test accuracy at the end of training, method snip − method random")
    #expect(result.verdict == .untested && result.evidence == "studies/s" && result.setting == "smaller" && result.source == "X")
  }

  /// The bounds 0.0494 and 0.1506 decide.
  @Test(arguments: [
    (Claim.Side.above, 0.0, ClaimResult.Verdict.holds), (.above, 0.1, .undecided), (.above, 0.2, .fails), (.atLeast, 0.049, .holds),
    (.atLeast, 0.151, .fails), (.below, 0.151, .holds), (.below, 0.1, .undecided), (.below, 0.049, .fails), (.atMost, 0.151, .holds),
    (.atMost, 0.049, .fails),
  ])
  func boundsDecide(_ side: Claim.Side, _ threshold: Double, _ verdict: ClaimResult.Verdict) throws {
    let found = try claim("test-accuracy", .minus(["method": ["random"]]), (side, threshold)).result(study(), evidence: "")
    #expect(found.verdict == verdict && found.threshold == threshold)
  }

  /// Steps are 10 in all runs of snip, accuracies differ: bounds 0.0494 and 0.1506 of the difference.
  @Test(arguments: [
    ("steps", Claim.Comparison.none, Claim.Side.exactly, 10.0, ClaimResult.Verdict.holds), ("steps", .none, .exactly, 11, .fails),
    ("test-accuracy", .minus(["method": ["random"]]), .contains, 0.1, .holds),
    ("test-accuracy", .minus(["method": ["random"]]), .contains, 0, .fails),
    ("test-accuracy", .none, .exactly, 0.82, .fails),
  ])
  func equalOrNotDifferent(
    _ measure: String, _ comparison: Claim.Comparison, _ side: Claim.Side, _ value: Double, _ verdict: ClaimResult.Verdict
  ) throws {
    #expect(try claim(measure, comparison, (side, value)).result(study(), evidence: "").verdict == verdict)
  }

  /// Steps are 10 and 20: their mean is no run's, and one run that has the number says so.
  @Test func exactlyIsOfEveryRun() throws {
    func verdict(_ value: Double, of places: [String: [String]]) throws -> ClaimResult {
      try claim("steps", .none, (.exactly, value), of: places).result(study(), evidence: "")
    }
    let all = try verdict(15, of: [:])
    #expect(all.mean == 15 && all.count == 3 && all.verdict == .fails)
    #expect(try verdict(10, of: ["method": ["snip"], "seed": ["1"]]).verdict == .holds)
    #expect(try verdict(20, of: ["method": ["snip"], "seed": ["1"]]).verdict == .fails)
    let half = try claim("steps", .over(["method": ["random"]]), (.exactly, 0.5)).result(study(), evidence: "")
    #expect(half.verdict == .holds)
  }

  /// Two seeds, compared over all methods: 80 − 82 and 70 − 75.
  @Test func seedsCanBeTheTwoSides() throws {
    let result = try claim("test-accuracy", .minus(["seed": ["1"]]), (.above, 0), of: ["seed": ["0"]]).result(study(), evidence: "")
    #expect(try result.count == 1 && abs(#require(result.mean) + 0.035) < 1e-12 && result.verdict == .undecided)
  }

  /// What is counted is told to the last one, what is measured with four digits.
  @Test func countsAreToldWhole() throws {
    let steps = try claim("steps", .none, (.exactly, 10)).result(study(), evidence: "")
    #expect(steps.measured == "10 (10 to 10)" && steps.number(206_279_680) == "206,279,680")
    #expect(steps.digits(-1_234_567) == "−1,234,567" && steps.digits(206_279_680.5) == "206300000" && steps.digits(0.25) == "0.2500")
    #expect(steps.digits(1e18) == "1.000e+18")
  }

  @Test func someAreForOtherScales() throws {
    var (claim, study) = (try claim("test-accuracy", .none, (.above, 0.5)), study())
    (claim.scales, study.scale) = (["small", "paper"], "smoke")
    let result = claim.result(study, evidence: "e")
    #expect(result.verdict == .untested && result.count == 0 && result.mean == nil && result.threshold == 0.5 && result.evidence == "e")
    #expect(result.setting == "judged at scale small or paper only" && result.unit == "fraction")
    study.scale = "paper"
    #expect(claim.result(study, evidence: "").verdict == .holds && claim.result(study, evidence: "").setting == "smaller")
  }

  /// The tickets of all seeds together: early stop at step 50 of 100, and at 100 for the dense network, with accuracies 0.9 and 0.8.
  @Test func ticketsOfSeveralRows() throws {
    func round(_ seed: UInt64, _ number: Int, kept: Int, stop: Int, correct: Int) -> TicketRound {
      func evaluation(_ iteration: Int) -> TicketRound.Evaluation {
        .init(
          iteration: iteration, trainingLoss: 1, validationLoss: iteration == stop ? 0.1 : 0.5, validationAccuracy: 0.9,
          test: Accuracy(correct: correct, count: 100, loss: 1))
      }
      return TicketRound(
        seed: seed, branch: "trunk", round: number, layers: [.init(name: "fc1", prunable: 10_000, kept: kept)], iterations: 100,
        evaluations: [50, 80, 100].map(evaluation))
    }
    var study = study()
    for seed in 0..<3 {
      let records = TicketRecords([
        round(UInt64(seed), 0, kept: 10_000, stop: 100, correct: 80), round(UInt64(seed), 7, kept: 2107, stop: 50, correct: 90 + seed),
      ])
      #expect(records.rounds.map(\.evaluations.count) == [1, 2])
      study.runs[seed].row?.tickets = records
    }
    func result(_ name: String) -> ClaimResult {
      Claim(id: "LT", statement: "s", measure: .tickets(name), of: ["method": ["snip"]], setting: "x").result(study, evidence: "e")
    }
    let early = result("C1")
    #expect(early.mean == 0.5 && early.lower == 0.5 && early.count == 3 && early.verdict == .holds && early.threshold == 0.38)
    #expect(early.unit == "fraction" && early.setting == "x" && early.evidence == "e" && early.measured == "50.00 (50.00 to 50.00) %")
    #expect(result("C4").verdict == .untested && result("C4").count == 0)
    for seed in 0..<3 { study.runs[seed].row?.tickets?.departure = "fewer steps" }
    #expect(result("C1").verdict == .untested)
    #expect(Claim(id: "LT", statement: "s", measure: .tickets("C1"), of: ["method": ["random"]]).result(study, evidence: "").count == 0)
  }

  /// Kept weights minus steps of the same run: 50 − 10 in each of three runs.
  @Test func twoQuantitiesOfARun() throws {
    let steps = try #require(RowQuantity.named("steps"))
    let result = try claim("nonzero-weights", .minusMeasure(steps), (.above, 39)).result(study(), evidence: "")
    #expect(result.mean == 40 && result.count == 3 && result.verdict == .holds)
    #expect(result.measure == "prunable weights that are not 0 − training steps, method snip")
    let accuracy = try claim("test-accuracy", .minusMeasure(try #require(RowQuantity.named("dense-accuracy")))).result(
      study(), evidence: "")
    #expect(accuracy.unit == "points" && accuracy.measured.hasPrefix("−8.00 ("), "\(accuracy.measured)")
  }

  @Test func whatIsEqualInAllRunsIsOnItsBound() throws {
    func verdict(_ side: Claim.Side) throws -> ClaimResult.Verdict {
      try claim("steps", .over(["method": ["random"]]), (side, 0.5)).result(study(), evidence: "").verdict
    }
    #expect(try [Claim.Side.above, .atLeast, .below, .atMost].map(verdict) == [.fails, .holds, .fails, .holds])
    let ratio = try claim("steps", .over(["method": ["random"]])).result(study(), evidence: "")
    #expect(ratio.mean == 0.5 && ratio.unit == "ratio" && ratio.measured == "0.5000 (0.5000 to 0.5000)")
  }

  /// A pair of which one run is missing says nothing; one pair decides nothing, and none is no evidence.
  @Test func missingRunsLeaveNoPair() throws {
    let above: (Claim.Side, Double) = (.above, 0)
    let result = try claim("test-accuracy", .minus(["method": ["random"]]), above).result(study(failing: true), evidence: "")
    #expect(try result.count == 2 && abs(#require(result.mean) - 0.085) < 1e-12)
    var one = study()
    for index in one.runs.indices where one.runs[index].place["seed"] != "1" { one.runs[index].row = nil }
    let single = try claim("test-accuracy", .minus(["method": ["random"]]), above).result(one, evidence: "")
    #expect(single.count == 1 && single.verdict == .undecided && single.lower == nil && single.measured == "7.00 points")
    let none = try claim("test-accuracy", .none, above, of: ["method": ["grasp"]]).result(study(), evidence: "")
    #expect(none.count == 0 && none.verdict == .untested && none.measured == "–")
  }

  /// Accuracies 80, 82, 84, 70, 75, 71 with 10, 10, 10, 20, 20, 20 steps: r = −0.93386; within a method, whose steps are alike, there is none.
  @Test func correlationsAreOverRuns() throws {
    let steps = try #require(RowQuantity.named("steps"))
    let result = try claim("test-accuracy", .correlation(with: steps, within: []), (.below, 0), of: [:]).result(study(), evidence: "")
    #expect(try abs(#require(result.mean) + 0.93386) < 1e-4 && result.count == 6 && result.verdict == .holds && result.unit == "r")
    #expect(result.measure == "correlation of test accuracy at the end of training with training steps")
    let within = try claim("test-accuracy", .correlation(with: steps, within: ["method"]), (.below, 0), of: [:])
    #expect(within.result(study(), evidence: "").verdict == .untested)
    #expect(within.result(study(), evidence: "").measure.hasSuffix(" with training steps, within each method"))
    let one = try claim("test-accuracy", .correlation(with: steps, within: []), (.below, 0), of: ["method": ["snip"]])
    #expect(one.result(study(), evidence: "").count == 0)
  }

  /// Each reaches 80 % with its last step, 10 or 20.
  @Test func stepsToATargetAreClaimedOf() throws {
    let result = try claim("steps-to@0.8", .minus(["method": ["random"]]), (.below, 0)).result(study(), evidence: "")
    #expect(result.mean == -10 && result.count == 3 && result.unit == "steps" && result.measured.hasSuffix(" steps"))
    #expect(result.measure.hasPrefix("training steps to a validation accuracy of 0.8"), "\(result.measure)")
    let never = try claim("steps-to@0.81", .minus(["method": ["random"]]), (.below, 0)).result(study(), evidence: "")
    #expect(never.count == 0 && never.verdict == .untested)
  }

  /// A number that is none decides nothing, and does not leave the comparison unnoticed.
  @Test func whatIsNoNumberDecidesNothing() throws {
    var study = study()
    study.runs[0].row?.trainingSeconds = .nan
    let result = try claim("training-seconds", .minus(["method": ["random"]]), (.above, -1)).result(study, evidence: "")
    #expect(result.count == 3 && result.verdict == .undecided)
  }

  /// Without a comparison seeds are averaged over all other axes.
  @Test func otherAxesAreAveraged() throws {
    let all = try claim("test-accuracy", .none, of: [:])
    #expect(all.pairedValues(study(), try #require(RowQuantity.named("test-accuracy"))).map { ($0 * 1000).rounded() } == [750, 785, 775])
    let result = all.result(study(), evidence: "")
    #expect(result.unit == "fraction" && result.measure == "test accuracy at the end of training")
    #expect(result.measured == "77.00 (73.96 to 80.04) %")
  }
}
