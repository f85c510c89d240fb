internal import CSparse

/// The threads that compute a trainer's steps: the calling one, and others that wait between its calls.
final class WorkerTeam {
  let pointer: OpaquePointer
  /// The most threads that work at once.
  let threads: Int
  private var chooser: ThreadChooser

  /// Starts a team; one of fewer threads where the system does not provide so many, which changes no result. Nil without memory.
  init?(threads: Int) {
    guard let team = cs_team_new(UInt32(clamping: max(threads, 1))) ?? cs_team_new(1) else { return nil }
    pointer = team
    self.threads = Int(cs_team_count(team))
    chooser = ThreadChooser(most: self.threads)
  }

  deinit { cs_team_free(pointer) }

  /// Lets all threads work.
  func useAll() { cs_team_use(pointer, UInt32(threads)) }

  /// Lets as many threads work as are fastest for a step.
  func useFastest() { cs_team_use(pointer, UInt32(chooser.threads)) }

  /// Takes note of the time of a step of the fastest number of threads.
  func record(_ step: Duration) { chooser.record(seconds: step / .seconds(1)) }

  /// Returns each thread's part of some work: consecutive parts of about equal cost, cut at multiples of `alignment`.
  func shares(_ costs: [Int], alignment: Int = 1) -> Block<cs_share> {
    var sums = [0]
    for cost in costs { sums.append(sums[sums.count - 1] + cost) }
    let total = sums[sums.count - 1]
    var cuts = [0]
    for thread in 1..<max(threads, 1) {
      let goal = total * thread / threads
      let place = sums.firstIndex { $0 >= goal } ?? costs.count
      cuts.append(min(max((place + alignment / 2) / alignment * alignment, cuts[thread - 1]), costs.count))
    }
    cuts.append(costs.count)
    return Block(zip(cuts, cuts.dropFirst()).map { cs_share(from: UInt32($0), to: UInt32($1)) })
  }
}
