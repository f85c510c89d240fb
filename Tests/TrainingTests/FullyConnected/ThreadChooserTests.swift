import Testing

@testable import Training

/// The choice of a number of threads by made-up times of steps.
@Suite struct ThreadChooserTests {
  /// The numbers of threads that take `steps` steps, each of which takes the given time.
  private func choices(_ chooser: inout ThreadChooser, _ steps: Int, seconds: (Int) -> Double) -> [Int] {
    (0..<steps).map { _ in
      let threads = chooser.threads
      chooser.record(seconds: seconds(threads))
      return threads
    }
  }

  private static let trial = ThreadChooser.trial

  @Test func eachIsTriedAndTheFastestStays() {
    for (fastest, most) in [(1, 2), (2, 2), (4, 8), (8, 8), (1, 8), (3, 5)] {
      var chooser = ThreadChooser(most: most)
      let candidates = most == 2 ? [2, 1] : most == 8 ? [8, 4, 2, 1] : [5, 3, 2, 1]
      let seen = choices(&chooser, (candidates.count + 9) * Self.trial) { $0 == fastest ? 1e-4 : 1.2e-4 }
      let expected = candidates.flatMap { Array(repeating: $0, count: Self.trial) }
      #expect(seen == expected + Array(repeating: fastest, count: 9 * Self.trial), "\(most)")
    }
  }

  @Test func oneThreadIsNeverTried() {
    var chooser = ThreadChooser(most: 1)
    #expect(Set(choices(&chooser, 10_000) { _ in 1 }) == [1])
  }

  /// A neighbour that makes two threads slow is noticed within a trial.
  @Test func slowerStepsAreNoticed() {
    var chooser = ThreadChooser(most: 2)
    _ = choices(&chooser, 10 * Self.trial) { $0 == 2 ? 1e-4 : 1.8e-4 }
    #expect(chooser.threads == 2)
    let seen = choices(&chooser, 6 * Self.trial) { $0 == 2 ? 9e-4 : 1.8e-4 }
    // One trial that is slow, two of the new choice, the rest.
    #expect(seen == [2, 2, 1, 1, 1, 1].flatMap { Array(repeating: $0, count: Self.trial) })
  }

  /// All are tried again now and then, in a hundredth of the steps or so.
  @Test func chosenAnew() {
    var chooser = ThreadChooser(most: 2)
    let round = 2 + ThreadChooser.settledTrials
    let seen = choices(&chooser, round * Self.trial) { $0 == 2 ? 1e-4 : 1.8e-4 }
    #expect(seen.count { $0 == 1 } == Self.trial && chooser.threads == 2)
    let later = choices(&chooser, (round - 1) * Self.trial) { $0 == 1 ? 1e-4 : 1.2e-4 }
    #expect(later.count { $0 == 2 } == Self.trial && chooser.threads == 1)
  }
}
