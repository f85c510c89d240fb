import Pruning
import Testing
import Torch
import Training

/// Who leaves and who enters, worked out on paper.
@Suite struct ExchangeTests {
  private let now = ExchangeSchedule(interval: .iterations(1), fraction: 0.5, decay: .constant, until: 1)
  private let first: [Bool] = [true, true, true, true, false, false, false, false]

  @Test func riglDropsTheSmallestAndGrowsTheLargestGradients() throws {
    let end = try PaperCourse(
      method: RigL(schedule: now), weights: [0.1, -0.2, 0.3, 0.4, 0, 0, 0, 0], mask: first,
      gradients: { _ in [0, 0, 9, 9, 1, -5, 5, 2] }
    ).end()
    // Half of four: 0 and 1 leave, of the six then pruned 5 and 6 enter; the kept ones' gradients do not matter.
    #expect(end.mask == [false, false, true, true, false, true, true, false])
    #expect(end.weights[2] == 0.3 && end.weights[3] == 0.4)
    #expect(end.memory.exchanges == 1 && end.memory.exchanged == 2)
  }

  @Test func riglTakesTheJustDroppedBackAtZero() throws {
    var weights: [Float] = []
    let course = PaperCourse(
      method: RigL(schedule: now), weights: [0.1, -0.2, 0.3, 0.4, 0, 0, 0, 0], mask: first,
      gradients: { _ in [9, 8, 0, 0, 1, -5, 5, 2] })
    let end = try course.end { trainer, _ in
      if trainer.iteration == 1 { weights = try trainer.model.tensor(PaperCourse.name).detached().array(Float.self) }
    }
    #expect(end.mask == first)
    #expect(weights == [0, 0, 0.3, 0.4, 0, 0, 0, 0])
  }

  @Test func tiesGoToTheLowerIndex() throws {
    let end = try PaperCourse(
      method: RigL(schedule: now), weights: [0.2, -0.2, 0.2, 0.2, 0, 0, 0, 0], mask: first,
      gradients: { _ in [0, 0, 0, 0, -3, 3, 3, -3] }
    ).end()
    #expect(end.mask == [false, false, true, true, true, true, false, false])
  }

  @Test(arguments: UInt64(1)...8) func setGrowsAtRandomAtZero(seed: UInt64) throws {
    let end = try PaperCourse(method: SparseEvolution(schedule: now), weights: [0.1, -0.2, 0.3, 0.4, 0, 0, 0, 0], mask: first, seed: seed)
      .end()
    #expect(end.mask[2] && end.mask[3] && end.mask.count { $0 } == 4, "seed \(seed)")
    #expect(end.weights == [0, 0, 0.3, 0.4, 0, 0, 0, 0], "seed \(seed)")
    let again = try PaperCourse(
      method: SparseEvolution(schedule: now), weights: [0.1, -0.2, 0.3, 0.4, 0, 0, 0, 0], mask: first, seed: seed
    ).end()
    #expect(again.mask == end.mask, "seed \(seed)")
  }

  @Test func setDrawsDifferently() throws {
    let masks = try Set(
      (1...12).map { seed in
        try PaperCourse(
          method: SparseEvolution(schedule: now), weights: [0.1, -0.2, 0.3, 0.4, 0, 0, 0, 0], mask: first, seed: UInt64(seed)
        ).end().mask
      })
    #expect(masks.count > 3)
  }

  /// Those that entered are 0 and leave next: only fresh draws bring in the others.
  @Test func setDrawsAnewAtEachExchange() throws {
    let end = try PaperCourse(
      method: SparseEvolution(schedule: now), weights: [0.1, -0.2, 0.3, 0.4, 0, 0, 0, 0], mask: first, steps: 20
    ).end()
    #expect(try end.memory.tensors["explored.fc1.weight"]?.array(Bool.self) == Array(repeating: true, count: 8))
    #expect(end.memory.exchanges == 19 && end.memory.exchanged == 38)
  }

  private let rising: [Float] = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1]
  private func second(_ fraction: Double) -> ExchangeSchedule {
    ExchangeSchedule(interval: .iterations(2), fraction: fraction, decay: .constant, until: 1)
  }

  @Test func scoredPruningBringsTheBestBackWithTheirValues() throws {
    let gradients: [Float] = [-1, -1, 1, -2, 0, 0, 0, 0]
    let course = PaperCourse(
      method: ScoredPruning(schedule: second(0.5), decay: 0.5), weights: rising, gradients: { _ in gradients }, steps: 3,
      timing: PaperCourse.halfAfterOne)
    var scores: [[Float]] = []
    let end = try course.end { _, memory in scores.append(try #require(memory.tensors["score.fc1.weight"]).array(Float.self)) }
    // −w·g = 0.125, 0.25, −0.375, 1; half of it again at the second step; then 3 and 1 enter for 4 and 5, and begin anew.
    #expect(Array(scores[0].prefix(4)) == [0.125, 0.25, -0.375, 1])
    #expect(Array(scores[1].prefix(4)) == [0.1875, 0, -0.5625, 0])
    #expect(end.mask == [false, true, false, true, false, false, true, true])
    #expect(end.weights == [0, 0.25, 0, 0.5, 0, 0, 0.875, 1])
    // The third step: the value out of sight still counts for those that left.
    #expect(Array(scores[2].prefix(4)) == [0.21875, 0.25, -0.65625, 1])
  }

  @Test func scoredPruningCanLetTheLowestScoreLeave() throws {
    let end = try PaperCourse(
      method: ScoredPruning(schedule: second(0.25), leaving: .score), weights: rising, gradients: { _ in [-1, -1, 1, -2, 0, 0, 1, 0.5] },
      steps: 3, timing: PaperCourse.halfAfterOne
    ).end()
    #expect(end.mask == [false, false, false, true, true, true, false, true])
    #expect(end.weights == [0, 0, 0, 0.5, 0.625, 0.75, 0, 1])
  }

  /// η = 1/8. Weight 3 is out at 0.5 and moves by what its gradient says.
  @Test(arguments: [(Float(-4), true), (-2, false)]) func splicingTakesBackWhatHasGrownBeyondTheBand(gradient: Float, returns: Bool) throws
  {
    let end = try PaperCourse(
      method: Splicing(interval: .iterations(2), until: 1), weights: rising,
      gradients: { $0 == 2 ? [0, 0, 0, gradient, 0, 0, 0, 0] : Array(repeating: 0, count: 8) }, steps: 3, rate: 0.125,
      timing: PaperCourse.halfAfterOne
    ).end()
    // 0.5 + 0.5 = 1 is above 0.625·1.1/0.9 = 0.764, 0.5 + 0.25 = 0.75 is not, though it is larger than the smallest kept one.
    #expect(end.weights == (returns ? [0, 0, 0, 1, 0, 0.75, 0.875, 1] : [0, 0, 0, 0, 0.625, 0.75, 0.875, 1]))
    #expect(end.memory.exchanged == (returns ? 1 : 0))
  }

  @Test func everythingEverAliveIsCountedOnce() throws {
    let end = try PaperCourse(
      method: RigL(schedule: now), weights: [0.1, 0.2, 0.3, 0.4, 0, 0, 0, 0], mask: first,
      gradients: { $0 == 1 ? [0, 0, 0, 0, 0, 0, 1, 1] : [1, 1, 0, 0, 0, 0, 0, 0] }, steps: 3
    ).end()
    // 6 and 7 enter for 0 and 1, then leave again for them, being 0 still: four and two.
    #expect(end.mask == first)
    #expect(end.memory.exchanges == 2 && end.memory.exchanged == 4)
    #expect(try end.memory.tensors["explored.fc1.weight"]?.array(Bool.self) == [true, true, true, true, false, false, true, true])
  }
}

@Suite struct ExchangeScheduleTests {
  @Test func fallsByACosine() {
    let schedule = ExchangeSchedule()
    #expect(schedule.fraction(at: 0, of: 1000) == 0.3)
    #expect(abs(schedule.fraction(at: 375, of: 1000) - 0.15) < 1e-15)
    // 0.15·(1 + cos(π/3)).
    #expect(abs(schedule.fraction(at: 250, of: 1000) - 0.225) < 1e-15)
    #expect(abs(schedule.fraction(at: 750, of: 1000)) < 1e-15)
    #expect(schedule.fraction(at: 751, of: 1000) == 0)
  }

  @Test func isDueUntilTheEndAndNeverAfterTheLastStep() {
    let schedule = ExchangeSchedule()
    #expect((0...1000).filter { schedule.isDue(at: $0, of: 1000, perEpoch: 50) } == [100, 200, 300, 400, 500, 600, 700])
    let each = ExchangeSchedule(interval: .epochs(1), decay: .constant, until: 1)
    #expect((0...40).filter { each.isDue(at: $0, of: 40, perEpoch: 10) } == [10, 20, 30])
  }
}
