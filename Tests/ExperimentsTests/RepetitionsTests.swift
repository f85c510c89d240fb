import Testing

@testable import Experiments

/// When samples are enough, of samples made by hand: six to fifteen, medians to ± 2 %.
@Suite struct RepetitionsTests {
  /// The number of rounds that a sequence of samples of each subject is taken for.
  private func rounds(_ subjects: [[Double]], _ repetitions: Repetitions = .untilCertain) -> Int {
    (0...20).first { count in repetitions.suffice(subjects.map { Array($0.prefix(count)) }) } ?? 21
  }

  private let tight = (0..<20).map { 10 + 0.01 * Double($0 % 3) }
  private let noisy = (0..<20).map { 10 + Double($0 % 5) }

  @Test func tightSamplesStopAtTheLeast() {
    #expect(rounds([tight]) == 6)
    #expect(rounds([tight, tight]) == 6)
    #expect(rounds([Array(repeating: 3, count: 20)]) == 6)
  }

  @Test func noisySamplesGoToTheLimit() { #expect(rounds([noisy]) == 15) }

  /// Equally many of all, which are to be compared.
  @Test func theNoisiestDecides() {
    #expect(rounds([tight, noisy]) == 15)
    #expect(rounds([noisy, tight]) == 15)
  }

  /// With six to eight samples the interval reaches from the least to the greatest; of nine it leaves one out on each side.
  @Test(arguments: [0, 2, 5]) func oneOutlierCostsThreeMore(place: Int) {
    var samples = tight
    samples[place] = 1000
    #expect(rounds([samples]) == 9)
    samples[place + 1] = 0.001
    #expect(rounds([samples]) == 9)
  }

  /// A median of 100 of which the interval ends at 102: just enough. At 103 it takes nine.
  @Test func theToleranceIsToTheFartherEnd() {
    #expect(rounds([[100, 100, 100, 100, 100, 102] + Array(repeating: 100, count: 9)]) == 6)
    #expect(rounds([[100, 100, 100, 100, 100, 103] + Array(repeating: 100, count: 9)]) == 9)
    #expect(rounds([[100, 100, 100, 100, 100, 97] + Array(repeating: 100, count: 9)]) == 9)
  }

  @Test func times0AreNeverCertain() { #expect(rounds([Array(repeating: 0, count: 20)]) == 15) }

  @Test func aGivenNumber() {
    #expect(rounds([noisy], .exactly(1)) == 1)
    #expect(rounds([tight], .exactly(11)) == 11)
    #expect(rounds([tight], .exactly(0)) == 0)
  }
}
