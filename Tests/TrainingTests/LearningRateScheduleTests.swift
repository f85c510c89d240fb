import Testing
import Training

@Suite struct LearningRateScheduleTests {
  private func rates(_ schedule: LearningRateSchedule, _ iterations: [Int], of total: Int = 100) -> [Double] {
    iterations.map { schedule.rate(at: $0, of: total, perEpoch: 10) }
  }

  @Test func constantStaysWhereItIs() {
    #expect(rates(LearningRateSchedule(base: 0.1), [0, 50, 99]) == [0.1, 0.1, 0.1])
  }

  @Test func multiStepFallsAtItsMilestones() {
    let schedule = LearningRateSchedule(base: 1, decay: .multiStep(milestones: [.epochs(2), .iterations(50)], factor: 0.5))
    #expect(rates(schedule, [0, 19, 20, 49, 50, 99]) == [1, 1, 0.5, 0.5, 0.25, 0.25])
  }

  @Test func cosineEndsNearZeroAndIsHalfInTheMiddle() {
    let rates = rates(LearningRateSchedule(base: 2, decay: .cosine), [0, 50, 100])
    #expect(rates[0] == 2)
    #expect(abs(rates[1] - 1) < 1e-12)
    #expect(abs(rates[2]) < 1e-12)
  }

  /// What the warm-up leaves, steps 20 to 100, is the cosine's span.
  @Test func cosineBeginsBehindTheWarmUp() {
    let rates = rates(LearningRateSchedule(base: 1, decay: .cosine, warmUp: .epochs(2)), [0, 19, 20, 60, 100])
    #expect(rates[..<3] == [0.05, 1, 1])
    #expect(abs(rates[3] - 0.5) < 1e-12 && abs(rates[4]) < 1e-12)
  }

  @Test func exponentialFallsEachEpoch() {
    #expect(rates(LearningRateSchedule(base: 1, decay: .exponential(factor: 0.5)), [0, 9, 10, 29]) == [1, 1, 0.5, 0.25])
  }

  @Test func warmUpClimbsLinearly() {
    let schedule = LearningRateSchedule(base: 1, warmUp: .iterations(4))
    #expect(rates(schedule, [0, 1, 2, 3, 4]) == [0.25, 0.5, 0.75, 1, 1])
  }
}

@Suite struct StepTests {
  @Test func parsesEpochsAndIterations() throws {
    #expect(try Step(parsing: "40ep") == .epochs(40))
    #expect(try Step(parsing: "50000it") == .iterations(50000))
    #expect(try Step(parsing: "7") == .epochs(7))
    #expect(Step.epochs(3).iterations(perEpoch: 917) == 2751)
    #expect(Step.epochs(.max).iterations(perEpoch: 2) == .max)
  }

  @Test(arguments: ["", "ep", "-3ep", "4 weeks", "3.5ep", "99999999999999999999it"])
  func refusesOtherWords(_ text: String) {
    #expect {
      try Step(parsing: text)
    } throws: {
      "\($0)" == "\"\(text)\" is not a length of training: write 40ep or 50000it"
    }
  }
}
