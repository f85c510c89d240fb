import Results
import Testing

/// Of 1, 2, 3 the mean is 2 and s/√3 = 0.57735; with t(0.95, 2) = 2.91999 the one-sided bounds are 0.31415 and 3.68585.
@Suite struct ClaimVerdictTests {
  typealias Verdict = ClaimResult.Verdict

  @Test(arguments: [(0.3141, Verdict.holds), (0.3142, .undecided), (2, .undecided), (3.6858, .undecided), (3.6859, .fails)])
  func theNearerBoundDecides(threshold: Double, expected: Verdict) {
    #expect(Verdict(.atLeast, threshold, paired: [1, 2, 3]) == expected)
    #expect(Verdict(.above, threshold, paired: [1, 2, 3]) == expected)
  }

  @Test func equalityReachesButDoesNotPass() {
    #expect(Verdict(.atLeast, 0.5, paired: [0.5, 0.5]) == .holds)
    #expect(Verdict(.above, 0.5, paired: [0.5, 0.5]) == .fails)
    #expect(Verdict(.above, 0.4999, paired: [0.5, 0.5]) == .holds)
    #expect(Verdict(.atLeast, 0.5001, paired: [0.5, 0.5]) == .fails)
  }

  @Test func littleEvidenceDecidesNothing() {
    #expect(Verdict(.atLeast, 0, paired: []) == .untested && Verdict(.above, 0, paired: []) == .untested)
    #expect(Verdict(.atLeast, 0, paired: [5]) == .undecided && Verdict(.above, 0, paired: [5]) == .undecided)
    #expect(Verdict(.atLeast, 0, paired: [5, 6, .nan]) == .undecided)
    #expect(Verdict(.atLeast, 0, paired: [5, .infinity]) == .undecided)
  }
}
