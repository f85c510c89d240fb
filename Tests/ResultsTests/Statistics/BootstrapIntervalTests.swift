import Results
import Testing

/// BCa intervals against SciPy (Tests/Reference/statistics_bootstrap.py).
@Suite struct BootstrapIntervalTests {
  struct Golden: Decodable {
    enum Statistic: String, Decodable {
      case mean, median, deviation
      func callAsFunction(_ values: [Double]) -> Double? {
        switch self {
        case .mean: Statistics.mean(values)
        case .median: Statistics.median(values)
        case .deviation: Statistics.standardDeviation(values)
        }
      }
    }
    struct Case: Decodable {
      var sample: [Double]
      var statistic: Statistic
      var level: Double
      var distribution: [Double]
      var estimate: Double
      var bias: Double
      var acceleration: Double
      var interval: [Double]
    }
    struct Large: Decodable {
      var sample: [Double]
      var statistic: Statistic
      var interval: [Double]
      var error: Double
    }
    struct Drawn: Decodable {
      var sample: [Double]
      var seed: UInt64
      var means: [Double]
    }
    var cases: [Case]
    var large: [Large]
    var drawn: [Drawn]
  }

  private let golden: Golden

  init() throws { golden = try Reference.read("statistics_bootstrap") }

  @Test func eachStepAsSciPy() throws {
    for row in golden.cases {
      let words = "\(row.statistic) \(row.sample)"
      expect(BootstrapInterval.bias(of: row.distribution, estimate: row.estimate), near: row.bias, words)
      let acceleration = try #require(BootstrapInterval.acceleration(of: row.sample) { row.statistic($0) }, "\(words)")
      #expect(abs(acceleration - row.acceleration) < 1e-13, "\(words)")
      let interval = try #require(
        BootstrapInterval(
          estimate: row.estimate, distribution: row.distribution, acceleration: acceleration, level: row.level, count: row.sample.count))
      expect(interval.lower, near: row.interval[0], words)
      expect(interval.upper, near: row.interval[1], words)
      #expect(interval.level == row.level && interval.resamples == 150)
    }
  }

  /// The error of a bound from 100,000 resamples is about two hundredths of the standard error.
  @Test func manyResamplesComeToSciPysInterval() throws {
    for row in golden.large where row.statistic != .median && row.sample.count == 12 {
      let interval = try #require(BootstrapInterval(of: row.sample, resamples: 100_000, seed: 1) { row.statistic($0) })
      #expect(abs(interval.lower - row.interval[0]) < 0.05 * row.error, "\(interval) \(row)")
      #expect(abs(interval.upper - row.interval[1]) < 0.05 * row.error, "\(interval) \(row)")
      #expect(interval.estimate == row.statistic(row.sample) && interval.count == 12)
    }
  }

  @Test func theSameSeedDrawsTheSameSamples() throws {
    for row in golden.drawn {
      let means = try #require(
        BootstrapInterval.distribution(of: row.sample, resamples: row.means.count, seed: row.seed, statistic: Statistics.mean))
      for (mean, expected) in zip(means, row.means) { expect(mean, near: expected) }
    }
    let sample = [1.0, 2, 4, 8, 9]
    #expect(BootstrapInterval(of: sample, seed: 4) == BootstrapInterval(of: sample, seed: 4))
    #expect(BootstrapInterval(of: sample, resamples: 99, seed: 4) != BootstrapInterval(of: sample, resamples: 99, seed: 5))
  }

  /// In another order 0.1 + 0.2 + 0.3 is another sum, and a sample that holds each value once would be above its own mean.
  @Test func aSampleThatIsTheSampleItselfIsEqualToIt() throws {
    let sample = [0.1, 0.7, 0.3]
    let drawn = try #require(
      BootstrapInterval.distribution(of: sample, resamples: 2000, seed: 1) { $0.reduce(0, +) })
    let near = drawn.filter { abs($0 - 1.1) < 1e-9 }
    #expect(near.count > 300 && Set(near).count == 1 && near.first == sample.reduce(0, +))
  }

  @Test func pairsAreDrawnTogether() throws {
    let pairs = zip([1.0, 2, 3, 4, 5, 6, 7, 8], [2.0, 1, 4, 3, 6, 5, 8, 9]).map { (x: $0, y: $1) }
    let interval = try #require(
      BootstrapInterval(of: pairs, resamples: 999) { Statistics.correlation($0.map(\.x), $0.map(\.y)) })
    #expect(interval.lower > 0.5 && interval.upper <= 1 && interval.lower < interval.estimate && interval.estimate < interval.upper)
  }

  @Test func nothingIsClaimedFromTooLittle() {
    #expect(BootstrapInterval(of: []) == nil)
    #expect(BootstrapInterval(of: [1]) == nil)
    #expect(BootstrapInterval(of: [2, 2, 2]) == nil, "of what does not vary nothing is known")
    #expect(BootstrapInterval(of: [1, 2, .nan]) == nil)
    #expect(BootstrapInterval(of: [1, 2, .infinity]) == nil)
    #expect(BootstrapInterval(of: [1, 2, 3], resamples: 0) == nil)
    for level in [0, 1, .nan] { #expect(BootstrapInterval(of: [1, 2, 3], level: level) == nil) }
    #expect(BootstrapInterval.acceleration(of: [2, 2, 2], statistic: Statistics.mean) == nil)
    // The deviation of one value of two is none.
    #expect(BootstrapInterval(of: [1, 2], statistic: Statistics.standardDeviation) == nil)
    #expect(BootstrapInterval.bias(of: [], estimate: 1) == nil)
    #expect(BootstrapInterval.bias(of: [1, 2], estimate: 3) == nil)
    #expect(BootstrapInterval.bias(of: [1, .nan], estimate: 1) == nil)
    #expect(BootstrapInterval(estimate: 2, distribution: [1, 2, 3], acceleration: 0.6, count: 3) == nil, "quantiles would change places")
    #expect(BootstrapInterval(estimate: 2, distribution: [1, 2, 3], acceleration: 0.5, count: 3) != nil)
  }
}
