import Pruning
import Testing

struct SparsityScheduleTests {
  @Test(arguments: SparsitySchedule.allCases.filter { $0 != .iterative })
  func endsExactlyAndNeverGoesBack(schedule: SparsitySchedule) {
    for n in [1, 2, 3, 7, 100] {
      for fraction in [0.1, 0.29, 0.9, 0.98] {
        let path = (0...n).map { schedule.sparsity(afterEvent: $0, of: n, fraction: fraction) }
        #expect(path[0] == 0 && path[n] == fraction)
        #expect(zip(path, path.dropFirst()).allSatisfy { $0 <= $1 })
        var kept = 1000
        for k in 1...n {
          kept -= schedule.amount(forEvent: k, of: n, fraction: fraction).count(kept: kept, original: 1000, rounding: .round)
        }
        #expect(1000 - kept == Rounding.round.count(fraction, of: 1000), "\(schedule) \(n) \(fraction)")
      }
    }
  }

  @Test func formulas() {
    // Zhu & Gupta: s_f − s_f·(1 − k/n)³; half-way 0.8·(1 − 1/8).
    #expect(abs(SparsitySchedule.cubic.sparsity(afterEvent: 1, of: 2, fraction: 0.8) - 0.7) < 1e-15)
    #expect(abs(SparsitySchedule.linear.sparsity(afterEvent: 1, of: 4, fraction: 0.8) - 0.2) < 1e-15)
    #expect(abs(SparsitySchedule.exponential.sparsity(afterEvent: 1, of: 2, fraction: 0.99) - 0.9) < 1e-15)
    #expect(SparsitySchedule.oneShot.sparsity(afterEvent: 1, of: 4, fraction: 0.8) == 0.8)
    #expect(abs(SparsitySchedule.iterative.sparsity(afterEvent: 2, of: 2, fraction: 0.2) - 0.36) < 1e-15)
  }

  @Test func iterativeRemovesOfWhatIsKept() {
    #expect(SparsitySchedule.iterative.amount(forEvent: 3, of: 5, fraction: 0.2) == .ofKept(0.2))
    #expect(SparsitySchedule.linear.amount(forEvent: 2, of: 4, fraction: 0.8) == .ofOriginal(0.4))
  }
}
