import Foundation
import Results
import struct Results.Measurement
import Testing

/// Order statistics of the interval at 95 %, as tables of the sign test have them (e.g. Hollander & Wolfe): k is the largest with
/// P(B < k) ≤ 0.025.
@Suite struct MedianIntervalTests {
  @Test(arguments: [(6, 1), (7, 1), (8, 1), (9, 2), (11, 2), (12, 3), (15, 4), (17, 5), (20, 6), (25, 8), (50, 18), (100, 40)])
  func ranks(count: Int, k: Int) throws {
    let interval = try #require(Statistics.medianInterval((1...count).reversed().map(Double.init)))
    #expect(interval == MedianInterval(lower: Double(k), upper: Double(count + 1 - k), level: 0.95))
  }

  @Test func tooFewSamplesHaveNone() {
    for count in 0...5 { #expect(Statistics.medianInterval(Array(repeating: 1, count: count)) == nil) }
    // Of five the least and the greatest cover it with 1 − 2/32 = 93.75 %.
    #expect(Statistics.medianInterval([5, 1, 4, 2, 3], level: 0.9375) == MedianInterval(lower: 1, upper: 5, level: 0.9375))
    for level in [0, 1, -1, 2, .nan] { #expect(Statistics.medianInterval([1, 2, 3, 4, 5, 6], level: level) == nil) }
  }

  /// The normal approximation, n/2 ± 1.96·√n/2, is 4938.0… here.
  @Test func largeSamples() throws {
    let interval = try #require(Statistics.medianInterval((1...10_000).map(Double.init)))
    #expect(abs(interval.lower - 4902) <= 1 && interval.lower + interval.upper == 10_001)
  }

  @Test func measurementsKnowHowCertainTheirMedianIs() throws {
    let measured = try #require(Measurement([10, 9, 12, 10, 10, 11], unit: .seconds))
    #expect(measured.interval == MedianInterval(lower: 9, upper: 12, level: 0.95) && measured.uncertainty == 0.2)
    #expect(Measurement([1, 2, 3, 4, 5], unit: .seconds)?.uncertainty == nil)
    #expect(Measurement(Array(repeating: 0, count: 6), unit: .seconds)?.uncertainty == nil)
  }

  /// Records of earlier versions have none.
  @Test func recordsWithoutIntervalsAreRead() throws {
    let measured = try #require(Measurement([1, 2, 3, 4, 5, 6], unit: .seconds))
    let json = try JSONEncoder().encode(measured)
    var object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    #expect(object.removeValue(forKey: "interval") as? [String: Double] == ["lower": 1, "upper": 6, "level": 0.95])
    let old = try JSONDecoder().decode(Measurement.self, from: JSONSerialization.data(withJSONObject: object))
    var expected = measured
    expected.interval = nil
    #expect(old == expected && old.uncertainty == nil)
    #expect(try JSONDecoder().decode(Measurement.self, from: json) == measured)
  }
}
