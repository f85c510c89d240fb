/// Chooses how many of a team's threads take the next step, by the time that steps took.
///
/// The steps of small networks are as short as the time in which threads find each other, and on a core that another process uses too, a
/// thread makes all others wait: more threads can be slower than fewer. Because the number of threads changes no bit, it may follow the
/// clock: each number (all, half of them, … one) takes a few steps, the fastest one the following thousands. When steps become a good
/// deal slower, or after those thousands, all are tried anew.
struct ThreadChooser {
  /// Steps from which a number of threads is judged.
  static let trial = 24
  /// Steps, in trials' lengths, between choices: trials take a hundredth of the time or so.
  static let settledTrials = 160
  /// The factor by which steps must become slower for a new choice.
  static let tolerance = 1.5

  /// The number of threads for the next step.
  private(set) var threads: Int
  private let candidates: [Int]
  // Mean seconds of the candidates tried in this round; empty while settled.
  private var tried: [Double] = []
  private var isSettled: Bool
  private var expected = Double.infinity
  private var trials = 0
  private var steps = 0
  private var seconds = 0.0

  /// Creates a chooser among up to `most` threads; all of them take the first steps.
  init(most: Int) {
    candidates = Array(sequence(first: max(most, 1)) { $0 > 1 ? ($0 + 1) / 2 : nil })
    threads = candidates[0]
    isSettled = candidates.count == 1
  }

  /// Takes note of a step.
  mutating func record(seconds stepSeconds: Double) {
    guard candidates.count > 1 else { return }
    steps += 1
    // The first steps with another number of threads pay for its caches.
    if steps > Self.trial / 4 { seconds += stepSeconds }
    guard steps == Self.trial else { return }
    let mean = seconds / Double(Self.trial - Self.trial / 4)
    (steps, seconds) = (0, 0)
    guard isSettled else {
      tried.append(mean)
      guard tried.count == candidates.count else {
        threads = candidates[tried.count]
        return
      }
      let best = zip(tried, candidates).min { $0.0 < $1.0 } ?? (mean, threads)
      (expected, threads, isSettled, trials) = (best.0, best.1, true, 0)
      return
    }
    trials += 1
    if trials == Self.settledTrials || mean > Self.tolerance * expected {
      (tried, isSettled, threads) = ([], false, candidates[0])
    }
  }
}
