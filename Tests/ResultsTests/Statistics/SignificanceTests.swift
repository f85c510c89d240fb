import Results
import Testing

/// Tests and corrections against SciPy and statsmodels (Tests/Reference/statistics_tests.py).
@Suite struct SignificanceTests {
  struct Golden: Decodable {
    struct Wilcoxon: Decodable {
      var values: [Double]
      var zeros: WilcoxonTest.Zeros
      var alternative: Alternative
      var statistic: Double
      var p: Double
      var corrected: Double
    }
    struct T: Decodable {
      var values: [Double]
      var mean: Double
      var alternative: Alternative
      var statistic: Double
      var p: Double
    }
    struct Holm: Decodable {
      var p: [Double]
      var adjusted: [Double]
    }
    struct Normal: Decodable {
      var probability: Double
      var z: Double
    }
    var wilcoxon: [Wilcoxon]
    var t: [T]
    var holm: [Holm]
    var normal: [Normal]
  }

  private let golden: Golden

  init() throws { golden = try Reference.read("statistics_tests") }

  @Test func wilcoxonAsSciPy() throws {
    #expect(golden.wilcoxon.count > 100)
    for row in golden.wilcoxon {
      let words = "\(row.alternative) \(row.zeros) \(row.values)"
      let test = try #require(WilcoxonTest(row.values, alternative: row.alternative, zeros: row.zeros), "\(words)")
      #expect(test.statistic == row.statistic, "\(words)")
      expect(test.p, near: row.p, words)
      let corrected = WilcoxonTest(row.values, alternative: row.alternative, zeros: row.zeros, continuity: true)
      expect(corrected?.p, near: row.corrected, words)
    }
  }

  /// Of the 2⁵ = 32 ways to give signs only one has no negative rank, and one more a negative 1 alone.
  @Test func wilcoxonOfFiveSeedsByHand() throws {
    let all = try #require(WilcoxonTest([3, 1, 4, 2, 5], alternative: .greater))
    #expect(all.p == 1.0 / 32 && all.statistic == 15 && all.isExact)
    #expect(WilcoxonTest([3, -1, 4, 2, 5])?.p == 4.0 / 32)
    #expect(WilcoxonTest([3, -1, 4, 2, 5])?.statistic == 1)
    #expect(WilcoxonTest([2, 2, 2], alternative: .greater)?.p == 1.0 / 8, "ties, still exact")
    #expect(WilcoxonTest([.infinity, 1, -2], alternative: .less)?.p == WilcoxonTest([9, 1, -2], alternative: .less)?.p)
  }

  @Test func wilcoxonIsExactAsFarAsSciPys() {
    let ranks = (1...51).map(Double.init)
    #expect(WilcoxonTest(Array(ranks.prefix(50)))?.isExact == true)
    #expect(WilcoxonTest(ranks)?.isExact == false)
    #expect(WilcoxonTest(Array(ranks.prefix(12)) + [12])?.isExact == true)
    #expect(WilcoxonTest(Array(ranks.prefix(13)) + [13])?.isExact == false)
    #expect(WilcoxonTest(Array(ranks.prefix(13)) + [0])?.isExact == false)
  }

  @Test func nothingFollowsFromZeros() {
    for zeros in WilcoxonTest.Zeros.allCases {
      for count in [1, 5, 20, 60] { #expect(WilcoxonTest(Array(repeating: 0, count: count), zeros: zeros)?.p == 1) }
    }
    #expect(WilcoxonTest([]) == nil)
    #expect(WilcoxonTest([1, .nan, 2]) == nil)
  }

  @Test func tTestAsSciPy() throws {
    for row in golden.t {
      let test = try #require(TTest(row.values, mean: row.mean, alternative: row.alternative))
      expect(test.statistic, near: row.statistic, "\(row)")
      expect(test.p, near: row.p, "\(row)")
      #expect(test.degreesOfFreedom == row.values.count - 1)
    }
  }

  @Test func tTestOfEqualValues() {
    #expect(TTest([0.25, 0.25])?.p == 0)
    #expect(TTest([0.25, 0.25], alternative: .less)?.p == 1)
    #expect(TTest([0.25, 0.25], mean: 0.25)?.p == 1)
    #expect(TTest([0.25, 0.25], mean: 0.25, alternative: .greater)?.p == 0.5)
    #expect(TTest([0.25]) == nil)
    #expect(TTest([0.25, .nan]) == nil)
    #expect(TTest([0.25, .infinity]) == nil)
  }

  @Test func holmAsStatsmodels() throws {
    for row in golden.holm {
      let adjusted = try #require(Statistics.holm(row.p))
      for (value, expected) in zip(adjusted, row.adjusted) { expect(value, near: expected, within: 1e-15, "\(row.p)") }
    }
    #expect(Statistics.holm([]) == [])
    #expect(Statistics.holm([0.5, .nan]) == nil)
    #expect(Statistics.holm([0.5, 1.5]) == nil)
    #expect(Statistics.holm([-0.1]) == nil)
  }

  @Test func normalQuantilesAsSciPy() {
    for row in golden.normal {
      expect(Normal.quantile(row.probability), near: row.z, within: 1e-13, or: 1e-15)
      expect(Normal.cumulative(row.z), near: row.probability, within: 1e-12)
    }
    for probability in [0, 1, -1, 2, .nan] { #expect(Normal.quantile(probability) == nil) }
    #expect(Normal.cumulative(.infinity) == 1 && Normal.cumulative(-.infinity) == 0)
  }
}
