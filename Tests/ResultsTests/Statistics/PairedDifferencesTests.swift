import Results
import Testing

@Suite struct PairedDifferencesTests {
  @Test func eachSeedAgainstItself() throws {
    let pairs = PairedDifferences([3: 0.5, 1: 2, 2: 8, 9: 1], minus: [1: 1, 2: 4, 3: 0, 7: 1])
    #expect(pairs.seeds == [1, 2, 3])
    #expect(pairs.values == [1, 4, 0.5])
    #expect(pairs.unpaired == [7, 9])
    #expect(pairs.interval(level: 0.9) == Statistics.interval([1, 4, 0.5], level: 0.9))
    #expect(pairs.interval() != nil)
  }

  @Test func withoutTwoFinitePairsThereIsNoInterval() {
    #expect(PairedDifferences([1: 2], minus: [1: 1]).interval() == nil)
    #expect(PairedDifferences([1: 2, 2: 3], minus: [3: 1]).values == [])
    #expect(PairedDifferences([1: 2, 2: 3, 4: .nan], minus: [1: 1, 2: 1, 4: 1]).interval() == nil)
  }
}
