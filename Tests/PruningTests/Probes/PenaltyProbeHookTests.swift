import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// Probes in the course of a training with batch norm, dropout, momentum and augmentation.
@Suite struct PenaltyProbeHookTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func hooks() throws -> [PenaltyProbeHook] {
    let retraining = PenaltyProbe.Retraining(steps: [1, 3], at: [0, 10], scorers: [try Criterion(named: "abs-mrs")])
    return try [
      PenaltyProbeHook(ProbeFixtures.probe(retraining: retraining), every: .iterations(5), data: ProbeFixtures.data(), channelsLast: true),
      PenaltyProbeHook(ProbeFixtures.probe(.output), every: .epochs(1), data: ProbeFixtures.data(), channelsLast: true),
    ]
  }

  private func trainer(_ hooks: [any TrainingHook], _ checkpoint: Checkpoint? = nil) throws -> Trainer {
    try Trainer(
      ProbeFixtures.plan(), model: checkpoint?.model ?? ProbeFixtures.model(), data: ProbeFixtures.data(), hooks: hooks,
      state: checkpoint?.training)
  }

  @Test func probesLeaveNoTraceInTheTraining() throws {
    let plain = try trainer([])
    try plain.run()
    let hooks = try hooks()
    let probed = try trainer(hooks)
    for hook in hooks { try hook.probeStart(probed) }
    try probed.run()
    let (a, b) = (try TrainingBits(plain), try TrainingBits(probed))
    for (name, bytes) in a.tensors { #expect(b.tensors[name] == bytes, "\(name)") }
    #expect(a == b)
    // Four probes in 18 steps, with that before the first; two of them retrain a scorer's variants at two lengths.
    let rows = hooks[0].result.rows
    #expect(Set(rows.map(\.step)) == [0, 5, 10, 15] && hooks[0].seconds.count == 2)
    #expect(rows.count { $0.retrainSteps == 0 } == 192)
    #expect(rows.count { $0.retrainSteps > 0 } == 32)
    #expect(
      Set(rows.filter { $0.retrainSteps > 0 }.map { "\($0.step) \($0.scorer) \($0.retrainSteps)" })
        == ["0 abs-mrs 1", "0 abs-mrs 3", "10 abs-mrs 1", "10 abs-mrs 3"])
    #expect(Set(hooks[1].result.rows.map(\.step)) == [0, 6, 12, 18])
    #expect(rows.contains { $0.step == 15 && $0.penalty != 0 })
  }

  /// Broken off between probes, just before and just after one.
  @Test(arguments: [4, 5]) func nothingIsLostOrDoubledByAResume(step: Int) throws {
    let whole = try hooks()
    let unbroken = try trainer(whole)
    for hook in whole { try hook.probeStart(unbroken) }
    try unbroken.run()
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      let first = try hooks()
      let broken = try trainer(first)
      for hook in first { try hook.probeStart(broken) }
      // Killed some steps after the checkpoint was written: those steps are done again.
      #expect(throws: TrainingError.interrupted(iteration: step + 2)) {
        try broken.run(afterStep: { trainer in
          if trainer.iteration == step { try Checkpoint(model: trainer.model, training: trainer.state(), progress: "").write(to: path) }
          if trainer.iteration == step + 2 { throw TrainingError.interrupted(iteration: step + 2) }
        })
      }
      let second = try hooks()
      let resumed = try trainer(second, Checkpoint(contentsOf: path))
      for hook in second { try hook.probeStart(resumed) }
      try resumed.run()
      #expect(try TrainingBits(resumed) == TrainingBits(unbroken))
      for (hook, other) in zip(second, whole) { #expect(hook.result == other.result) }
    }
  }

  /// A copy that lost nothing trains exactly as the training itself goes on: batches, variation, momentum, dropout, rate.
  ///
  /// Steps 4 to 11 of 18: the second epoch begins in between, and the rate falls only after them; and steps 14 to 18, at the last rate.
  @Test(arguments: [(3, 2, 8), (13, 2, 5)]) func aContinuationIsWhatTrainingWouldDo(begin: Int, few: Int, many: Int) throws {
    var after: [Int: [ParameterName: [UInt8]]] = [:]
    var copies: [Int: [ParameterName: [UInt8]]] = [:]
    func bytes(_ model: Model) throws -> [ParameterName: [UInt8]] { try model.tensors.mapValues { try $0.detached().bytes() } }
    let trainer = try trainer([])
    try trainer.run(afterStep: { trainer in
      if trainer.iteration == begin {
        try TrainingContinuation(of: trainer, data: ProbeFixtures.data()).retrain(trainer.model, slices: [], measuringAfter: [many, few]) {
          copies[$0] = try bytes(#require($1))
        }
      }
      after[trainer.iteration - begin] = try bytes(trainer.model)
    })
    #expect(copies.keys.sorted() == [few, many])
    for steps in [few, many] { #expect(copies[steps] == after[steps], "\(steps) steps") }
    #expect(copies[many] != after[many - 1])
  }

  @Test func aCopyThatDivergesIsInfinitelyBad() throws {
    var plan = ProbeFixtures.plan()
    plan.learningRate.base = 1e30
    let trainer = try Trainer(plan, model: ProbeFixtures.model(), data: ProbeFixtures.data())
    var seen: [Int: Bool] = [:]
    try TrainingContinuation(of: trainer, data: ProbeFixtures.data()).retrain(trainer.model, slices: [], measuringAfter: [5, 1]) {
      seen[$0] = $1 != nil
    }
    #expect(seen.count == 2 && seen[5] == false)
  }

  @Test func damagedStatesAndImpossibleIntervals() throws {
    let hook = try hooks()[0]
    for state in try [
      ["results": Tensor([7, 8] as [UInt8], shape: [2])], ["results": .zeros([2])], ["other": Tensor([1] as [UInt8])],
      ["results": Tensor(Array(#"{"rows":[],"choices":[],"count":9223372036854775807}"#.utf8))],
    ] { #expect(throws: RecordError("its probes are damaged")) { try hook.restore(state) } }
    let interval = #expect(throws: PlanError.self) {
      try PenaltyProbeHook(ProbeFixtures.probe(), every: .iterations(0), data: ProbeFixtures.data(), channelsLast: true)
    }
    #expect(interval?.description == "a probe every 0it is impossible: give at least 1it")
    var data = try ProbeFixtures.data()
    data.test = nil
    let test = #expect(throws: PlanError.self) { try PenaltyProbeData(ProbeFixtures.probe(), from: data, channelsLast: true) }
    #expect(test?.description == "a probe cannot look at test images: there are none")
  }
}
