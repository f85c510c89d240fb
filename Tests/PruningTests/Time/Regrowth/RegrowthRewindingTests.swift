import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

@Suite struct RegrowthRewindingTests {
  private static let methods: [any Regrowth] = [
    NoRegrowth(), ScoredPruning(schedule: ExchangeSchedule(interval: .iterations(2))),
    DoublePruning(reintroduce: 0.2, prunedSteps: .iterations(2)),
  ]

  /// Removals after steps 4, 8 and 12; double pruning's end two steps later, with their exchange.
  @Test(arguments: methods.indices, [Rewinding.initial, .step(.iterations(3))])
  func whatIsKeptGoesBackAfterEachRemoval(method index: Int, rewinding: Rewinding) throws {
    let method = Self.methods[index]
    let course = SmallCourse(method: method, rewinding: rewinding)
    let running = try course.trainer()
    var origin = try course.model().tensors
    var rewound: [Int] = []
    try running.trainer.run(afterStep: { trainer in
      if trainer.iteration == 3, rewinding != .initial { origin = try trainer.model.copied().tensors }
      let isBack = try trainer.model.tensors.allSatisfy { name, tensor in
        let (now, then) = (
          try tensor.detached().contiguous().array(Float.self), try (#require(origin[name])).contiguous().array(Float.self)
        )
        guard let mask = try trainer.model.masks[name]?.array(Bool.self) else { return now == then }
        return zip(zip(now, then), mask).allSatisfy { $1 ? $0.0.bitPattern == $0.1.bitPattern : $0.0 == 0 }
      }
      guard isBack, trainer.iteration > 3 else { return }
      rewound.append(trainer.iteration)
      #expect(try trainer.state().optimizer.stepCount == 0)
      #expect(try trainer.state().optimizer.moments.values.joined().allSatisfy { try $0.nonZeroCount() == 0 })
    })
    #expect(rewound == (method is DoublePruning ? [6, 10, 14] : [4, 8, 12]))
  }

  @Test(arguments: methods.indices) func aResumedTrainingEndsWithTheSameBytes(method index: Int) throws {
    for rewinding in [Rewinding.initial, .step(.iterations(3))] {
      let course = SmallCourse(method: Self.methods[index], rewinding: rewinding)
      let whole = try course.end()
      // Before the step that is remembered, between it and a removal, amid double pruning's pruned part, after a return.
      #expect(try course.end(brokenOffAt: [2, 5, 13, 14]) == whole)
    }
  }

  @Test func aPlanIsReadAsItWasWritten() throws {
    let plan = RegrowthPlan(DoublePruning(), rewinding: .step(.iterations(500)))
    let json = try JSONEncoder().encode(plan)
    #expect(try JSONDecoder().decode(RegrowthPlan.self, from: json) == plan && plan != RegrowthPlan(DoublePruning()))
    #expect(plan.words.hasSuffix(", rewound to 500it after each removal"))
    #expect(!String(decoding: try JSONEncoder().encode(RegrowthPlan(DoublePruning())), as: UTF8.self).contains("rewinding"))
  }

  @Test func wordsForWhatCannotBe() throws {
    func words(_ method: any Regrowth, _ rewinding: Rewinding) throws -> String? {
      var plan = SmallCourse(method: method, rewinding: rewinding).plan
      plan.method = "course"
      return #expect(throws: PlanError.self) { try plan.validate() }?.description
    }
    #expect(try words(RigL(), .initial) == "--rewind does not go with --method course")
    #expect(
      try words(DoublePruning(), .learningRate)
        == "--rewind learning-rate does not go with --method course: one training has one learning-rate schedule; give init or a step")
    let late = #expect(throws: PlanError.self) {
      try SmallCourse(method: NoRegrowth(), rewinding: .step(.iterations(5))).trainer().trainer.run()
    }
    #expect(
      late?.description == "--rewind 5it is later than the first removal, after step 4: give an earlier step, or a longer --every")
  }
}
