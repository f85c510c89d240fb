import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

@Suite struct DoublePruningTests {
  /// Everything that must be as before, with the weights by layer.
  private struct Snapshot {
    var tensors: [ParameterName: [UInt8]] = [:]
    var moments: [ParameterName: [[Float]]] = [:]
    var values: [ParameterName: [Float]] = [:]
    var masks: [ParameterName: [Bool]] = [:]

    init(_ trainer: Trainer) throws {
      for (name, tensor) in trainer.model.tensors {
        tensors[name] = try tensor.detached().bytes()
        values[name] = try tensor.detached().contiguous().array(Float.self)
      }
      for (name, mask) in trainer.model.masks { masks[name] = try mask.array(Bool.self) }
      for (name, list) in try trainer.state().optimizer.moments { moments[name] = try list.map { try $0.contiguous().array(Float.self) } }
    }
  }

  /// Cycles of four steps from step 4 on, the first two of each on the pruned network.
  private func run(_ method: DoublePruning, _ look: (Trainer, RegrowthMemory) throws -> Void) throws -> Trainer {
    let running = try SmallCourse(method: method).trainer(evaluateEvery: .iterations(1))
    try running.trainer.run(afterStep: { try look($0, running.memory) })
    return running.trainer
  }

  /// What a hook sees at the beginning of a cycle, before the pruned network takes over, is what the pruner has left.
  @Test func onlyThePrunedPartMovesAndTheKeptOneReturnsBitForBit() throws {
    var (before, during): (Snapshot?, Snapshot?)
    var kept: [ParameterName: [UInt8]] = [:]
    var moments: [ParameterName: [[Float]]] = [:]
    var masks: [ParameterName: [Bool]] = [:]
    var returns = 0
    _ = try run(DoublePruning(reintroduce: 0.2, prunedSteps: .iterations(2))) { trainer, memory in
      let now = try Snapshot(trainer)
      let isAway = memory.tensors["moments.steps"] != nil
      if isAway, before == nil {
        before = now
        for name in now.tensors.keys {
          kept[name] = try #require(memory.tensors["kept.\(name)"]).bytes()
          if let mask = memory.tensors["mask.\(name)"] { masks[name] = try mask.array(Bool.self) }
          for k in 0..<2 {
            if let moment = memory.tensors["moments.\(k).\(name)"] {
              moments[name, default: []].append(try moment.contiguous().array(Float.self))
            }
          }
        }
        // The pruned network holds what the kept one does not.
        for (name, mask) in masks { #expect(now.masks[name] == mask.map { !$0 }) }
      } else if isAway, let start = before {
        during = now
        for name in now.tensors.keys where name.role.isTrained && now.masks[name] == nil {
          #expect(now.tensors[name] == start.tensors[name], "\(name) stays as it is")
        }
        #expect(now.masks.keys.allSatisfy { now.tensors[$0] != start.tensors[$0] }, "the pruned weights move")
        let mean = ParameterName("bn1", .runningMean)
        #expect(now.tensors[mean] != start.tensors[mean], "its own running statistics")
      } else if before != nil, during != nil {
        returns += 1
        for name in now.tensors.keys where masks[name] == nil { #expect(now.tensors[name] == kept[name], "\(name)") }
        for (name, mask) in masks {
          let old = try #require(kept[name]).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
          let (mask2, values) = (try #require(now.masks[name]), try #require(now.values[name]))
          let stays = mask.indices.filter { mask[$0] && mask2[$0] }
          #expect(stays.allSatisfy { values[$0].bitPattern == old[$0].bitPattern } && stays.count > 2, "\(name)")
          for (moment, earlier) in zip(try #require(now.moments[name]), try #require(moments[name])) {
            #expect(stays.allSatisfy { moment[$0].bitPattern == earlier[$0].bitPattern }, "\(name)")
          }
        }
        for name in now.moments.keys where masks[name] == nil { #expect(now.moments[name] == moments[name], "\(name)") }
        (before, during, kept, moments, masks) = (nil, nil, [:], [:], [:])
      }
    }
    // Cycles begin at 4, 8, 12 and 16: the last ends at 18 = 75 % of 24.
    #expect(returns == 4)
  }

  @Test func evaluationsLookAtTheKeptNetwork() throws {
    let trainer = try run(DoublePruning(prunedSteps: .iterations(2))) { _, _ in }
    let losses = Dictionary(
      uniqueKeysWithValues: trainer.log.evaluations.compactMap { record in record.validation.map { (record.iteration, $0.loss) } })
    for start in [4, 8, 12, 16] {
      #expect(losses[start + 1] == losses[start + 2] && losses[start] != losses[start + 3], "cycle at \(start)")
    }
  }

  /// Evaluated after every step: the pruned network's steps say nothing of the kept one, so the last loss stands.
  @Test func theLoggedLossIsTheKeptNetworks() throws {
    let trainer = try run(DoublePruning(prunedSteps: .iterations(2))) { _, _ in }
    let losses = Dictionary(uniqueKeysWithValues: trainer.log.evaluations.map { ($0.iteration, $0.trainingLoss) })
    for start in [4, 8, 12, 16] {
      let kept = try #require(losses[start])
      #expect(losses[start + 1] == kept && losses[start + 2] == kept && losses[start + 3] != kept, "cycle at \(start)")
    }
  }

  /// After step 4 the pruned network takes over; after step 6 the best of it have come back.
  @Test(arguments: DoublePruning.Entry.allCases) func weightsEnterAsAsked(entry: DoublePruning.Entry) throws {
    let name = ParameterName("fc1", .weight)
    let initial = try SmallCourse(method: DoublePruning()).model().tensor(name).array(Float.self)
    var old: (kept: [Bool], values: [Float])?
    var learned: [Float] = []
    var entered = 0
    _ = try run(DoublePruning(reintroduce: 0.25, prunedSteps: .iterations(2), enter: entry)) { trainer, memory in
      switch trainer.iteration {
      case 4:
        old = (
          try #require(memory.tensors["mask.\(name)"]).array(Bool.self), try #require(memory.tensors["kept.\(name)"]).array(Float.self)
        )
      case 6:
        let (kept, values) = try #require(old)
        learned = try #require(memory.tensors["stored.\(name)"]).array(Float.self)
        let mask = try #require(trainer.model.masks[name]).array(Bool.self)
        let now = try trainer.model.tensor(name).detached().array(Float.self)
        let entering = mask.indices.filter { mask[$0] && !kept[$0] }
        let leaving = mask.indices.filter { !mask[$0] && kept[$0] }
        #expect(entering.count == Rounding.round.count(0.25, of: kept.count { $0 }) && leaving.count == entering.count)
        for i in entering {
          switch entry {
          case .trained: #expect(now[i] == learned[i] && now[i] != 0)
          case .zero: #expect(now[i] == 0)
          case .initial: #expect(now[i] == initial[i] && now[i] != learned[i])
          }
          entered += 1
        }
        // The largest of the pruned came, the smallest of the kept went.
        let smallest = entering.map { abs(learned[$0]) }.min() ?? 0
        #expect(mask.indices.filter { !kept[$0] && !mask[$0] }.allSatisfy { abs(learned[$0]) <= smallest })
        let largest = leaving.map { abs(values[$0]) }.max() ?? 0
        #expect(mask.indices.filter { kept[$0] && mask[$0] }.allSatisfy { abs(values[$0]) >= largest })
      default: break
      }
    }
    #expect(entered > 5)
  }
}
