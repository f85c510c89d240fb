import Foundation
import Pruning
import TestSupport
import Testing
import Torch
import Training

/// Whoever may write a checkpoint can write anything into what a hook keeps.
@Suite(.serialized) struct RegrowthStateTests {
  /// After step 5 of a cycle that began at 4: the pruned network trains.
  private func state(_ method: any Regrowth, _ rewinding: Rewinding = .none, step: Int = 5) throws -> (RegrowthHook, [String: Tensor]) {
    let course = SmallCourse(method: method, rewinding: rewinding)
    let running = try course.trainer()
    var state: [String: Tensor] = [:]
    try running.trainer.run(afterStep: { if $0.iteration == step { state = try $0.state().hooks["regrowth"] ?? [:] } })
    let fresh = try RegrowthHook(
      RegrowthPlan(method, rewinding: rewinding), pruner: Pruner(course.plan, original: course.network()), start: course.model())
    return (fresh, try state.mapValues { try $0.detached().copied() })
  }

  @Test(arguments: [true, false]) func everyTensorIsLookedAt(doubly: Bool) throws {
    let (hook, good) =
      try doubly
      ? state(DoublePruning(reintroduce: 0.2, prunedSteps: .iterations(2)), .initial) : state(Splicing(interval: .iterations(3)), step: 7)
    try hook.restore(good)
    #expect(good.keys.contains { $0.hasPrefix("kept.") } == doubly && good.count > 10)
    for (key, tensor) in good {
      let shaped = try Tensor.zeros(tensor.shape + [2], type: tensor.elementType ?? .float32)
      let spoilt = tensor.elementType?.isFloatingPoint == true ? try tensor.copied() : shaped
      if tensor.elementType?.isFloatingPoint == true { try spoilt.fill(.nan) }
      for wrong in [shaped, spoilt, try tensor.cast(to: tensor.elementType == .float64 ? .float32 : .float64)] {
        var state = good
        state[key] = wrong
        #expect(throws: RecordError("its regrowth is damaged: \(key)")) { try hook.restore(state) }
      }
    }
    for key in ["stranger", "stored.fc9.weight", "own.2.fc1.weight", "rewind.soon", "own", ""] {
      var state = good
      state[key] = try .zeros([1])
      #expect(throws: RecordError("its regrowth is damaged: \(key)")) { try hook.restore(state) }
    }
    for counts in [[.max, 0, -1], [0, .max, -1], [0, 0, .max], [-1, 0, 0], [0, 0, -2]] as [[Int64]] {
      var state = good
      state["counts"] = try Tensor(counts)
      #expect(throws: RecordError("its regrowth is damaged: counts")) { try hook.restore(state) }
    }
    for steps in [-1, .max] as [Int64] {
      var state = good
      state["own.steps"] = try Tensor([steps])
      #expect(throws: RecordError("its regrowth is damaged: own.steps")) { try hook.restore(state) }
    }
  }

  @Test func aNetworkWaitsWholeOrNotAtAll() throws {
    let (hook, good) = try state(DoublePruning(reintroduce: 0.2, prunedSteps: .iterations(2)), .initial)
    var state = good
    state["kept.fc2.bias"] = nil
    #expect(throws: RecordError("its regrowth lacks tensors of kept")) { try hook.restore(state) }
    state = good
    state["origin.bn1.running_mean"] = nil
    #expect(throws: RecordError("its regrowth lacks tensors of origin")) { try hook.restore(state) }
    state = good
    state["moments.steps"] = nil
    #expect(throws: RecordError("its regrowth has tensors of kept, though no network is stored")) { try hook.restore(state) }
  }
}
