/// Chooses how many of a team's threads take the next step, by the time that steps took.
///
/// The steps of small networks are as short as the time in which threads find each other, and on a core that another process uses too, a
/// thread makes all others wait: more threads can be slower than fewer. Because the number of threads changes no bit, it may follow the
/// clock: each number (all, half of them, … one) takes some steps, the one with the lowest median the following thousands. When the
/// median becomes a good deal higher, or after those thousands, all are tried anew. Medians, because a virtual machine may be halted for
/// several steps' time at any moment.
struct ThreadChooser {
  /// Steps by which a number of threads is judged.
  static let trial = 24
  /// Seconds before a number of threads is judged: systems wake threads on the core that calls them, and move them some milliseconds later.
  static let settling = 0.01
  /// The factor by which steps must become slower for a new choice.
  static let tolerance = 1.5
  /// Trials' lengths after which all are tried anew: if all threads work, and at first if fewer do; that doubles each time they lose.
  static let (longRest, shortRest) = (1000, 40)

  /// The number of threads for the next step.
  private(set) var threads: Int
  private let candidates: [Int]
  // Median seconds of the candidates tried in this round; nil once one is chosen.
  private var tried: [Double]?
  private var expected = Double.infinity
  private var rest = Self.shortRest
  private var nextRest = Self.shortRest
  private var elapsed = 0.0
  private var times: [Double] = []

  /// Creates a chooser among up to `most` threads; all of them take the first steps.
  init(most: Int) {
    candidates = Array(sequence(first: max(most, 1)) { $0 > 1 ? ($0 + 1) / 2 : nil })
    threads = candidates[0]
    tried = candidates.count == 1 ? nil : []
    times.reserveCapacity(Self.trial)
  }

  /// Takes note of a step.
  mutating func record(seconds: Double) {
    guard candidates.count > 1 else { return }
    elapsed += seconds
    guard tried == nil || elapsed > Self.settling else { return }
    times.append(seconds)
    guard times.count == Self.trial else { return }
    times.sort()
    let median = times[Self.trial / 2]
    times.removeAll(keepingCapacity: true)
    if tried == nil { watch(median) } else { judge(median) }
  }

  /// Goes on to the next candidate, or chooses.
  private mutating func judge(_ median: Double) {
    var medians = tried ?? []
    medians.append(median)
    elapsed = 0
    guard medians.count == candidates.count else {
      tried = medians
      threads = candidates[medians.count]
      return
    }
    let best = zip(medians, candidates).min { $0.0 < $1.0 } ?? (median, threads)
    (expected, threads, tried) = (best.0, best.1, nil)
    rest = threads == candidates[0] ? Self.longRest : nextRest
    nextRest = threads == candidates[0] ? Self.shortRest : min(2 * nextRest, Self.longRest)
  }

  /// Keeps the choice while it holds what it promised.
  private mutating func watch(_ median: Double) {
    rest -= 1
    if rest == 0 || median > Self.tolerance * expected { (tried, threads, elapsed) = ([], candidates[0], 0) }
  }
}
