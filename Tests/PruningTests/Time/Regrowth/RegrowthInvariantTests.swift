import Networks
import Pruning
import Testing
import Torch
import Training

/// What holds for every member, at every step, for every seed.
@Suite struct RegrowthInvariantTests {
  private func isDouble(_ method: any Regrowth) -> Bool { method is DoublePruning }

  @Test(arguments: SmallCourse.members.indices) func densityIsExactAndPrunedIsZero(member: Int) throws {
    for seed in UInt64(1)...4 {
      let course = SmallCourse(method: SmallCourse.members[member], seed: seed)
      let name = "\(type(of: course.method).name), seed \(seed)"
      let running = try course.trainer()
      var asked = try running.trainer.model.keptCounts().reduce(0, +)
      var kept = asked
      running.pruner.didPrune = { event, _ in asked = event.kept }
      var masks = running.trainer.model.masks
      var exchanged = 0
      try running.trainer.run(afterStep: { trainer in
        let isAway = running.memory.tensors["moments.steps"] != nil
        let moments = try trainer.state().optimizer.moments
        for (parameter, mask) in trainer.model.masks {
          let flags = try mask.array(Bool.self)
          for tensor in try [trainer.model.tensor(parameter)] + #require(moments[parameter]) {
            let values = try tensor.detached().contiguous().array(Float.self)
            #expect(zip(values, flags).allSatisfy { $0 == 0 || $1 }, "\(name), \(parameter), step \(trainer.iteration)")
          }
          guard !isAway, running.memory.exchanged > exchanged, let before = try masks[parameter]?.array(Bool.self) else { continue }
          for moment in try #require(moments[parameter]) {
            let values = try moment.contiguous().array(Float.self)
            for i in flags.indices where flags[i] && !before[i] {
              #expect(values[i] == 0, "\(name), \(parameter)[\(i)], step \(trainer.iteration)")
            }
          }
        }
        exchanged = running.memory.exchanged
        if !isAway {
          kept = try trainer.model.keptCounts().reduce(0, +)
          if course.method is DenseSparseDense, trainer.iteration >= 16 {
            let isCut = trainer.iteration == 24 && asked < 300
            #expect(trainer.model.masks.isEmpty || isCut, "\(name)")
          } else {
            #expect(kept == asked, "\(name), step \(trainer.iteration)")
          }
          masks = trainer.model.masks
        }
      })
      // conv1 36, fc1 288, fc2 24: 348 weights, of which round(0.7·348) = 244 leave.
      let isDense = (course.method as? DenseSparseDense).map { !$0.prune } ?? false
      #expect(kept == (isDense ? 348 : 104) || course.method is DenseSparseDense, "\(name)")
      #expect(try running.trainer.model.keptCounts().reduce(0, +) == (isDense ? 348 : 104), "\(name)")
      let report = try running.memory.report(running.trainer.model)
      #expect(report.kept == (isDense ? 348 : 104) && report.prunable == 348 && report.explored >= report.kept, "\(name)")
      let stays = course.method is StaticMask || course.method is NoRegrowth
      #expect((report.exchanged > 0) == !stays, "\(name): \(report)")
    }
  }

  @Test(arguments: SmallCourse.members.indices) func layersKeepTheirDensityOnceTheRemovalsAreOver(member: Int) throws {
    let course = SmallCourse(method: SmallCourse.members[member])
    guard !(course.method is DenseSparseDense) else { return }
    let running = try course.trainer()
    var counts: [[Int]] = []
    try running.trainer.run(afterStep: { trainer in
      guard trainer.iteration >= 12, running.memory.tensors["moments.steps"] == nil else { return }
      counts.append(try trainer.model.keptCounts())
    })
    #expect(Set(counts).count == 1 && counts.count > 5)
  }

  @Test(arguments: SmallCourse.members.indices) func breakingOffAtEveryStepChangesNothing(member: Int) throws {
    let course = SmallCourse(method: SmallCourse.members[member])
    let unbroken = try course.end()
    #expect(try course.end(brokenOffAt: Array(1..<SmallCourse.steps)) == unbroken, "\(type(of: course.method).name)")
    #expect(try course.end(brokenOffAt: [5, 6, 13, 17]) == unbroken, "\(type(of: course.method).name)")
  }

  @Test func valuesOutOfSightAreFrozenInScoredPruning() throws {
    let running = try SmallCourse(method: ScoredPruning(schedule: .init(interval: .iterations(3)))).trainer()
    let name = ParameterName("fc1", .weight)
    var before: (stored: [Float], kept: [Bool])?
    var compared = 0
    try running.trainer.run(afterStep: { trainer in
      guard trainer.iteration <= 18, let mask = trainer.model.masks[name] else { return }
      let (stored, kept) = (try #require(running.memory.tensors["stored.fc1.weight"]).array(Float.self), try mask.array(Bool.self))
      if let before {
        for i in kept.indices where !kept[i] && !before.kept[i] {
          #expect(stored[i] == before.stored[i])
          compared += 1
        }
      }
      #expect(stored.contains { $0 != 0 })
      before = (stored, kept)
    })
    #expect(compared > 1000)
  }
}
