import Results
import Testing

@Suite struct StatisticsTests {
  @Test func handWorkedSummaries() throws {
    let values = [2.0, 4, 4, 4, 5, 5, 7, 9]
    #expect(Statistics.mean(values) == 5)
    // Σ(x − 5)² = 32, over 7.
    #expect(Statistics.standardDeviation(values) == (32.0 / 7).squareRoot())
    #expect(Statistics.median(values) == 4.5)
    #expect(Statistics.median([3, 1, 2]) == 2)
    #expect(Statistics.quantile(0.25, of: [1, 2, 3, 4]) == 1.75)
    #expect(Statistics.quantile(1, of: [1, 2, 3, 4]) == 4)
  }

  @Test func nothingIsClaimedFromTooLittle() {
    #expect(Statistics.mean([]) == nil)
    #expect(Statistics.median([]) == nil)
    #expect(Statistics.standardDeviation([1]) == nil)
    #expect(Statistics.interval([1]) == nil)
    #expect(Statistics.interval([1, 2], level: 1) == nil)
    #expect(Statistics.quantile(1.5, of: [1]) == nil)
    #expect(Statistics.correlation([1, 2], [1]) == nil)
    #expect(Statistics.correlation([1, 1], [1, 2]) == nil)
  }

  @Test func aLargeOffsetDoesNotDrownTheSpread() throws {
    let deviation = try #require(Statistics.standardDeviation([1_000_000_004, 1_000_000_007, 1_000_000_013, 1_000_000_016]))
    #expect(abs(deviation - 30.0.squareRoot()) < 1e-6)
  }

  /// The published two-sided 95 % (0.975) and 80 % (0.9) points, to the digits that tables print.
  @Test(arguments: [
    (0.975, 1, 12.7062), (0.975, 2, 4.30265), (0.975, 3, 3.18245), (0.975, 4, 2.77645), (0.975, 7, 2.36462), (0.975, 9, 2.26216),
    (0.975, 29, 2.04523), (0.975, 120, 1.97993), (0.9, 1, 3.07768), (0.9, 7, 1.41492), (0.995, 4, 4.60409), (0.9995, 1, 636.619),
  ])
  func quantilesOfStudentsDistribution(probability: Double, freedom: Int, expected: Double) throws {
    let t = try #require(StudentT.quantile(probability, degreesOfFreedom: freedom))
    #expect(abs(t - expected) / expected < 5e-6)
    let mirrored = try #require(StudentT.quantile(1 - probability, degreesOfFreedom: freedom))
    #expect(abs(mirrored + expected) / expected < 5e-6)
    let back = try #require(StudentT.cumulative(t, degreesOfFreedom: freedom))
    #expect(abs(back - probability) < 1e-12)
  }

  /// ν = 1 is Cauchy's distribution and ν = 2 has a closed form: 1/2 + t/(2√(2 + t²)).
  @Test func closedForms() throws {
    for t in [-30.0, -2, -0.1, 0, 0.5, 3, 100] {
      let two = try #require(StudentT.cumulative(t, degreesOfFreedom: 2))
      #expect(abs(two - (0.5 + t / (2 * (2 + t * t).squareRoot()))) < 1e-13)
    }
    let one = try #require(StudentT.cumulative(1, degreesOfFreedom: 1))
    #expect(abs(one - 0.75) < 1e-14)
    #expect(StudentT.quantile(0.5, degreesOfFreedom: 3) == 0)
    #expect(StudentT.quantile(0.9, degreesOfFreedom: 0) == nil)
    #expect(StudentT.quantile(1, degreesOfFreedom: 3) == nil)
  }

  @Test func intervalOfFiveSeeds() throws {
    // mean 3, s = √2.5, t(4) = 2.77645: 2.77645·√2.5/√5.
    let interval = try #require(Statistics.interval([1, 2, 3, 4, 5]))
    #expect(interval.mean == 3)
    #expect(abs(interval.halfWidth - 1.963243) < 1e-5)
    #expect(abs(interval.lower - 1.036757) < 1e-5)
    #expect(interval.count == 5)
  }

  @Test func correlation() throws {
    #expect(Statistics.correlation([1, 2, 3], [2, 4, 6]) == 1)
    #expect(Statistics.correlation([1, 2, 3], [3, 2, 1]) == -1)
    // Σ = 1·(−1) + … : x̄ = 2.5, ȳ = 2.5, xy = 4, xx = yy = 5.
    let r = try #require(Statistics.correlation([1, 2, 3, 4], [1, 3, 2, 4]))
    #expect(abs(r - 0.8) < 1e-15)
  }

  @Test func measurementsOrderOnlyWhereTheirBoxesAreApart() throws {
    let low = try #require(Measurement([1, 2, 3, 4, 5], unit: .seconds))
    #expect((low.minimum, low.lowerQuartile, low.median, low.upperQuartile, low.maximum) == (1, 2, 3, 4, 5))
    #expect(low.spread == 2 && low.count == 5)
    let high = try #require(Measurement([4.5, 5, 5.5, 6, 6.5], unit: .seconds))
    #expect(low.order(to: high) == .lower)
    #expect(high.order(to: low) == .higher)
    let touching = try #require(Measurement([3, 4, 5, 6, 7], unit: .seconds))
    #expect(low.order(to: touching) == .undecided)
    let two = try #require(Measurement([50, 60], unit: .seconds))
    #expect(two.order(to: low) == .undecided, "two samples say nothing of the spread")
    #expect(Measurement([], unit: .seconds) == nil)
    #expect(Measurement([1, .nan], unit: .seconds) == nil)
    #expect(low.text == "3.00 s (2.00–4.00)")
    #expect(Measurement([0.000_9, 0.001, 0.002], unit: .seconds)?.text == "1.00 ms (950 µs–1.50 ms)")
    #expect(Measurement([100, 100, 100], unit: .seconds)?.text == "1 min 40 s (1 min 40 s–1 min 40 s)")
    #expect(Measurement([8.31e-5], unit: .seconds)?.text == "83.1 µs")
    #expect(Measurement([700], unit: .perSecond)?.text == "700/s")
  }
}
