import Testing
import Training

@Suite struct TrainingSpanTests {
  private func plan(_ length: Step, decay: LearningRateSchedule.Decay = .constant) -> TrainingPlan {
    TrainingPlan(length: length, batchSize: 8, learningRate: LearningRateSchedule(base: 0.1, decay: decay))
  }

  @Test func stepsOfAPlan() throws {
    let span = try TrainingSpan(plan(.epochs(3)), perEpoch: 7)
    #expect(span.total == 21 && span.perEpoch == 7)
    #expect(try TrainingSpan(plan(.iterations(1_000_000_000)), perEpoch: 7).total == 1_000_000_000)
    // 50 examples in batches of 8: the last two of an epoch are left out; in a batch of 64 they are all there is.
    let data = try learnableData(side: 4, classes: 4)
    #expect(try TrainingSpan(plan(.epochs(3)), on: data).perEpoch == 6)
    var large = plan(.epochs(3))
    large.batchSize = 64
    #expect(try TrainingSpan(large, on: data).total == 3)
  }

  @Test(arguments: [Step.iterations(1_000_000_001), .iterations(.max), .epochs(.max), .epochs(142_857_143)])
  func tooLong(length: Step) {
    #expect(throws: PlanError("a training of \(length) is too long: 1000000000 steps are possible")) {
      try TrainingSpan(plan(length), perEpoch: 7)
    }
  }

  @Test func halves() {
    #expect([0, 1, 2, 3, 20].map { Step.epochs($0).half } == [0, 1, 1, 2, 10].map { .epochs($0) })
    #expect(Step.iterations(.max).half == .iterations(1 << 62))
  }

  @Test(arguments: [Double.nan, .infinity, 0, -0.1, 1.5])
  func decayFactorsThatAreNone(factor: Double) {
    for decay in [LearningRateSchedule.Decay.exponential(factor: factor), .multiStep(milestones: [], factor: factor)] {
      #expect(throws: PlanError("a decay factor of \(factor) is impossible: give a number above 0, up to 1")) {
        try plan(.epochs(1), decay: decay).validate()
      }
    }
  }
}
