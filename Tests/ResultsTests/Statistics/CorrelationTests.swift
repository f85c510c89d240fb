import Results
import Testing

/// Correlations against SciPy and statsmodels (Tests/Reference/statistics_correlations.py).
@Suite struct CorrelationTests {
  struct Golden: Decodable {
    struct Row: Decodable {
      var x: [Double]
      var y: [Double]
      var level: Double?
      var settings: [String]?
      var covariates: [[Double]]?
      var coefficient: Double
      var p: Double
      var interval: [Double]?
    }
    var pearson: [Row]
    var kendall: [Row]
    var partial: [Row]
  }

  private let golden: Golden

  init() throws { golden = try Reference.read("statistics_correlations") }

  private func compare(_ found: Correlation?, _ row: Golden.Row, within precision: Double, or absolute: Double = 0) throws {
    let words = "\(row.x) \(row.y)"
    let found = try #require(found, "\(words)")
    expect(found.coefficient, near: row.coefficient, within: precision, or: 1e-15, words)
    // Where r is 1 but for its last bit, p is a rounding error.
    expect(found.p, near: row.p, within: precision, or: abs(row.coefficient) > 1 - 1e-12 ? absolute : 0, words)
    #expect(found.count == row.x.count && found.level == row.level ?? 0.95)
    if let interval = row.interval {
      expect(found.lower, near: interval[0], within: precision, words)
      expect(found.upper, near: interval[1], within: precision, words)
    } else {
      #expect(found.lower == nil && found.upper == nil, "\(words)")
    }
  }

  @Test func pearsonAsSciPy() throws {
    for row in golden.pearson {
      try compare(Statistics.pearson(row.x, row.y, level: row.level ?? 0), row, within: 1e-10, or: 1e-20)
    }
  }

  @Test func kendallAsSciPy() throws {
    for row in golden.kendall { try compare(Statistics.kendall(row.x, row.y, level: row.level ?? 0), row, within: 1e-12) }
  }

  @Test func partialAsStatsmodels() throws {
    for row in golden.partial {
      let settings = try #require(row.settings)
      let covariates = try #require(row.covariates)
      try compare(Statistics.partialCorrelation(row.x, row.y, settings: settings, covariates: covariates), row, within: 1e-9)
      guard Set(settings).count == 1 else { continue }
      try compare(Statistics.partialCorrelation(row.x, row.y, covariates: covariates), row, within: 1e-9)
    }
  }

  /// Of the 120 orders of five things one has no pair in the wrong order, and four have one.
  @Test func kendallOfFiveSeedsByHand() throws {
    let none = try #require(Statistics.kendall([1, 2, 3, 4, 5], [10, 20, 30, 40, 50]))
    #expect(none.coefficient == 1 && none.lower == nil)
    expect(none.p, near: 2.0 / 120)
    let one = try #require(Statistics.kendall([1, 2, 3, 4, 5], [1, 2, 3, 5, 4]))
    #expect(one.coefficient == 0.8 && one.lower != nil)
    expect(one.p, near: 2 * 5.0 / 120)
    #expect(Statistics.kendall([1, 2, .infinity], [1, 2, 3])?.coefficient == 1)
  }

  /// Within each setting y falls as x rises; over all it rises.
  @Test func settingsCanTurnACorrelationAround() throws {
    let (x, y) = ([1.0, 2, 3, 11, 12, 13], [3.0, 2, 1, 13, 12, 11])
    let overall = try #require(Statistics.pearson(x, y))
    #expect(overall.coefficient > 0.9)
    let within = try #require(Statistics.partialCorrelation(x, y, settings: [0, 0, 0, 1, 1, 1]))
    expect(within.coefficient, near: -1)
  }

  @Test func aSettingWithOnePairChangesNothing() throws {
    let (x, y) = ([1.0, 2, 4, 5, 7, 9], [2.0, 1, 5, 3, 8, 6])
    let alone = try #require(Statistics.partialCorrelation(x, y, settings: ["a", "a", "a", "b", "b", "b"]))
    let joined = try #require(Statistics.partialCorrelation(x + [99], y + [-99], settings: ["a", "a", "a", "b", "b", "b", "c"]))
    #expect((alone.coefficient, alone.p, alone.lower) == (joined.coefficient, joined.p, joined.lower))
  }

  @Test func fewPairs() {
    #expect(Statistics.pearson([1, 2], [5, 3])?.p == 1)
    #expect(Statistics.pearson([1, 2, 4], [5, 3, 4])?.lower == nil)
    #expect(Statistics.pearson([1, 2, 4, 3], [5, 3, 4, 1])?.lower != nil)
    #expect(Statistics.kendall([1, 2], [5, 3])?.p == 1)
    // Three pairs in one setting with one covariate: no degree of freedom is left.
    let bare = Statistics.partialCorrelation([1, 2, 4], [5, 3, 4], covariates: [[1, 0, 1]])
    #expect(bare?.p == 1 && bare?.lower == nil)
    expect(bare.map { abs($0.coefficient) }, near: 1)
    #expect(Statistics.partialCorrelation([1, 2, 4], [5, 3, 4], settings: [1, 2, 3]) == nil)
    #expect(Statistics.partialCorrelation([1, 2, 4], [5, 3, 4], covariates: [[1, 0, 1], [1, 2, 5]]) == nil)
  }

  @Test func whatHasNoCorrelation() {
    let good = [1.0, 2, 3, 4, 6]
    for bad in [[1.0, 1, 1, 1, 1], [1, 2], [1, 2, .nan, 4, 5], []] {
      #expect(Statistics.pearson(good, bad) == nil)
      #expect(Statistics.kendall(bad, good) == nil)
      #expect(Statistics.partialCorrelation(good, bad, settings: [0, 0, 0, 0, 0]) == nil)
      #expect(Statistics.partialCorrelation(bad, good, settings: [0, 0, 0, 0, 0]) == nil)
    }
    #expect(Statistics.pearson(good, [1, 2, 3, 4, .infinity]) == nil)
    #expect(Statistics.partialCorrelation(good, [0, 2, 3, 4, 5], covariates: [[1, 2, 3, .nan, 5]]) == nil)
    #expect(Statistics.partialCorrelation(good, [0, 2, 3, 4, 5], covariates: [[1, 2, 3]]) == nil)
    // A thousand times 0.1 does not add up to 100: what is left of a quantity that settings determine is not noise to correlate.
    let settings = (0..<1000).map { $0 % 2 }
    let line = (0..<1000).map { Double($0 * $0 % 97) }
    #expect(Statistics.partialCorrelation(settings.map { 0.1 + 0.2 * Double($0) }, line, settings: settings) == nil)
    #expect(Statistics.partialCorrelation(line.map { 0.3 * $0 + 0.1 }, settings.map { Double($0) }, covariates: [line])?.p == nil)
    for level in [0, 1, .nan] {
      #expect(Statistics.pearson(good, [0, 2, 3, 4, 5], level: level) == nil)
      #expect(Statistics.kendall(good, [0, 2, 3, 4, 5], level: level) == nil)
      #expect(Statistics.partialCorrelation(good, [0, 2, 3, 4, 5], covariates: [], level: level) == nil)
    }
  }
}
