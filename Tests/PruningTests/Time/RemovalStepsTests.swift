import Testing
import Training

@testable import Pruning

struct RemovalStepsTests {
  private func check(_ every: Step, until: Step? = nil, in length: Step, perEpoch: Int? = nil) throws {
    let plan = PruningPlan(
      criterion: .magnitude, granularity: .weight, scope: .global, amount: .total(0.9), timing: .during(every: every, until: until))
    let training = TrainingPlan(length: length, learningRate: .init(base: 0.1))
    try plan.checkRemovals(of: training)
    if let perEpoch { try plan.checkRemovals(in: TrainingSpan(training, perEpoch: perEpoch)) }
  }

  @Test func whatRemovesSomethingIsFine() throws {
    try check(.epochs(1), in: .epochs(2))
    try check(.epochs(1), until: .epochs(1), in: .epochs(20))
    try check(.iterations(5), in: .iterations(6))
    try check(.iterations(19), in: .epochs(1), perEpoch: 20)
    try check(.epochs(1), in: .iterations(21), perEpoch: 20)
    // An epoch may have so many steps.
    try check(.iterations(100), in: .epochs(1))
    try check(.epochs(1), in: .epochs(1))
  }

  @Test(
    arguments: [
      (.epochs(2), nil, .epochs(2), nil, "before the end of a training of 2ep: the longest that works is --every 1ep"),
      (.epochs(7), nil, .epochs(7), nil, "before the end of a training of 7ep: the longest that works is --every 6ep"),
      (.iterations(9), nil, .iterations(6), nil, "before the end of a training of 6it: the longest that works is --every 5it"),
      (.iterations(100), nil, .epochs(1), 20, "before the end of a training of 1ep: the longest that works is --every 19it"),
      (.epochs(1), nil, .epochs(1), 20, "before the end of a training of 1ep: the longest that works is --every 19it"),
      (.epochs(3), .iterations(50), .epochs(9), 20, "until 50it: the longest that works is --every 2ep"),
      (.epochs(3), .epochs(2), .epochs(9), nil, "until 2ep: the longest that works is --every 2ep"),
      (.epochs(3), .epochs(20), .epochs(2), nil, "before the end of a training of 2ep: the longest that works is --every 1ep"),
      (.epochs(1), .epochs(0), .epochs(9), 20, "until 0ep: give a later --until"),
      (.epochs(1), nil, .epochs(0), nil, "before the end of a training of 0ep: train longer"),
      (.iterations(1), nil, .epochs(1), 1, "before the end of a training of 1ep: train longer"),
    ] as [(Step, Step?, Step, Int?, String)])
  func whatRemovesNothingIsRefused(every: Step, until: Step?, length: Step, perEpoch: Int?, words: String) {
    #expect(throws: PlanError("--every \(every) removes nothing \(words)")) {
      try check(every, until: until, in: length, perEpoch: perEpoch)
    }
  }

  /// The longest that is named works, and one more does not.
  @Test(arguments: 0..<60) func theLongestWorks(seed: UInt64) throws {
    var random = Seeded(seed)
    let perEpoch = 1 + random.below(30)
    func step() -> Step { random.chance(0.5) ? .epochs(random.below(9)) : .iterations(random.below(200)) }
    let (length, until) = (step(), random.chance(0.5) ? step() : nil)
    for unit in [Step.epochs, Step.iterations] {
      let works = (1...300).filter { (try? check(unit($0), until: until, in: length, perEpoch: perEpoch)) != nil }
      let error = #expect(throws: PlanError.self) { try check(unit(300), until: until, in: length, perEpoch: perEpoch) }
      #expect(works == Array(1..<works.count + 1))
      if let longest = works.last {
        #expect(error?.description.hasSuffix(": the longest that works is --every \(unit(longest))") == true, "seed \(seed)")
      }
    }
  }
}
