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
          kept -= schedule.amount(forEvent: k, of: n, fraction: fraction).count(kept: kept, original: 1000, rounding: .round) ?? 0
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

  @Test func cosineAndOneCycleByHand() {
    // (1 − cos(π/3))/2 = 1/4, (1 − cos(π/2))/2 = 1/2.
    #expect(abs(SparsitySchedule.cosine.sparsity(afterEvent: 1, of: 3, fraction: 0.8) - 0.2) < 1e-15)
    #expect(abs(SparsitySchedule.cosine.sparsity(afterEvent: 2, of: 4, fraction: 0.8) - 0.4) < 1e-15)
    // (1 + e⁻⁹)/(1 + e⁵⁻¹⁴ᵗ): at t = 5/14 half of 1.0001234, at t = 1/2 of it 1/(1 + e⁻²) = 0.8807971, at t = 1/14 1/(1 + e⁴) = 0.0179862.
    func oneCycle(_ k: Int, _ n: Int) -> Double { SparsitySchedule.oneCycle.sparsity(afterEvent: k, of: n, fraction: 1) }
    #expect(abs(oneCycle(5, 14) - 0.500061705) < 1e-9)
    #expect(abs(oneCycle(1, 2) - 0.880905778) < 1e-8)
    #expect(abs(oneCycle(1, 14) - 0.017988429) < 1e-8)
    #expect(oneCycle(14, 14) == 1 && oneCycle(0, 14) == 0)
    #expect(SparsitySchedule(rawValue: "one-cycle") == .oneCycle && SparsitySchedule(rawValue: "cosine") == .cosine)
  }

  @Test(arguments: 0..<100)
  func neverGoesBack(seed: UInt64) {
    var random = Seeded(seed)
    let (fraction, n) = (Double.random(in: 0..<1, using: &random), 1 + random.below(300))
    for schedule in SparsitySchedule.allCases {
      let path = (0...n + 2).map { schedule.sparsity(afterEvent: $0, of: n, fraction: fraction) }
      #expect(zip(path, path.dropFirst()).allSatisfy { $0 <= $1 }, "seed \(seed), \(schedule), \(fraction) in \(n)")
      #expect(path.allSatisfy { (0...1).contains($0) }, "seed \(seed), \(schedule)")
      if schedule != .iterative { #expect(path[n] == fraction && path[n + 2] == fraction, "seed \(seed), \(schedule)") }
    }
  }

  @Test func iterativeRemovesOfWhatIsKept() {
    #expect(SparsitySchedule.iterative.amount(forEvent: 3, of: 5, fraction: 0.2) == .ofKept(0.2))
    #expect(SparsitySchedule.linear.amount(forEvent: 2, of: 4, fraction: 0.8) == .ofOriginal(0.4))
  }
}
