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

  /// The steps of a trial if each takes so long: those before it begins, and its own.
  private static func length(_ seconds: Double) -> Int { Int(ThreadChooser.settling / seconds) + trial }

  private func runs(_ seen: [Int]) -> [[Int]] {
    seen.reduce(into: []) { result, threads in
      if result.last?[0] == threads { result[result.count - 1][1] += 1 } else { result.append([threads, 1]) }
    }
  }

  @Test func eachIsTriedAndTheFastestStays() {
    for (fastest, most) in [(1, 2), (2, 2), (4, 8), (8, 8), (1, 8), (3, 5)] {
      var chooser = ThreadChooser(most: most)
      let candidates = most == 2 ? [2, 1] : most == 8 ? [8, 4, 2, 1] : [5, 3, 2, 1]
      // Powers of two, whose sums are exact.
      let seconds = { $0 == fastest ? 1.0 / 8192 : 1.0 / 4096 }
      let lengths = candidates.map { Self.length(seconds($0)) }
      let seen = choices(&chooser, lengths.reduce(0, +) + 9 * Self.trial, seconds: seconds)
      let expected = zip(candidates, lengths).flatMap { Array(repeating: $0, count: $1) }
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
    let (fast, middling, slow) = (1.0 / 8192, 1.0 / 4096, 1.0 / 512)
    _ = choices(&chooser, Self.length(fast) + Self.length(middling)) { $0 == 2 ? fast : middling }
    #expect(chooser.threads == 2)
    let seen = choices(&chooser, 500) { $0 == 2 ? slow : middling }
    // One look that is slow, a trial of two threads, and from then on one.
    let two = Self.trial + Self.length(slow)
    #expect(runs(seen) == [[2, two], [1, 500 - two]])
  }

  /// Steps during which the machine was halted say nothing.
  @Test func haltsAreNoReason() {
    var chooser = ThreadChooser(most: 2)
    var step = 0
    let seen = choices(&chooser, 40 * Self.trial) { threads in
      step += 1
      return step % 5 == 0 ? 0.05 : threads == 2 ? 1e-4 : 1.8e-4
    }
    #expect(seen.count { $0 == 1 } < 2 * Self.trial && chooser.threads == 2)
  }

  /// A choice of fewer threads is looked at again soon, then after twice as long each time; one of all threads after long.
  @Test func chosenAnew() {
    let (fast, middling) = (1.0 / 8192, 1.0 / 4096)
    var chooser = ThreadChooser(most: 2)
    let seen = runs(choices(&chooser, 6000) { $0 == 1 ? fast : middling })
    let (two, one) = (Self.length(middling), Self.length(fast))
    let rests = [1, 2, 4].map { $0 * ThreadChooser.shortRest * Self.trial + one }
    #expect(
      Array(seen.prefix(6)) == [
        [2, two], [1, rests[0]], [2, two], [1, rests[1]], [2, two], [1, 6000 - 3 * two - rests[0] - rests[1]],
      ])

    var other = ThreadChooser(most: 2)
    let whole = Self.length(fast) + Self.length(middling) + ThreadChooser.longRest * Self.trial
    let all = runs(choices(&other, whole + Self.length(fast) + 1) { $0 == 2 ? fast : middling })
    #expect(all.map { $0[0] } == [2, 1, 2, 1] && all[1][1] == Self.length(middling))
  }
}
