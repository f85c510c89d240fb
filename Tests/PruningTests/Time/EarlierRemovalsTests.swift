import Networks
import Testing
import Torch
import Training

@testable import Pruning

/// Schedules and targets of a run that finds something gone already.
struct EarlierRemovalsTests {
  private func sparsity(_ schedule: SparsitySchedule, _ k: Int, of n: Int, _ fraction: Double, _ present: Int) -> Double? {
    guard case .ofOriginal(let value) = schedule.amount(forEvent: k, of: n, fraction: fraction, present: present, original: 400) else {
      return nil
    }
    return value
  }

  /// From half to 70 %, by hand: linear passes 60 %; exponential keeps √(0.3/0.5) of what is there.
  @Test func schedulesBeginWhereTheModelStands() throws {
    #expect(abs(try #require(sparsity(.linear, 1, of: 2, 0.7, 200)) - 0.6) < 1e-15)
    #expect(abs(try #require(sparsity(.exponential, 1, of: 2, 0.7, 200)) - (1 - 0.5 * 0.6.squareRoot())) < 1e-15)
    for schedule in SparsitySchedule.allCases where schedule != .iterative {
      #expect(sparsity(schedule, 3, of: 3, 0.7, 200) == 0.7)
      let path = (1...7).compactMap { sparsity(schedule, $0, of: 7, 0.7, 200) }
      #expect(path.count == 7 && zip([0.5] + path, path).allSatisfy { $0 <= $1 + 1e-12 })
      // What is gone already asks for nothing, and a whole model for what it always did.
      #expect(sparsity(schedule, 1, of: 3, 0.4, 200) == 0.4)
      #expect(
        sparsity(schedule, 1, of: 3, 0.4, 400) == schedule.sparsity(afterEvent: 1, of: 3, fraction: 0.4), "\(schedule)")
    }
    #expect(SparsitySchedule.iterative.amount(forEvent: 1, of: 2, fraction: 0.2, present: 200, original: 400) == .ofKept(0.2))
  }

  @Test func targetsBeginWhereTheModelStands() {
    func goal(_ amount: CostTarget.Amount, starting: Double, event: Int, _ schedule: SparsitySchedule = .linear) -> Double {
      CostTarget(.macs, amount).goal(original: 400, starting: starting, schedule: schedule, event: event, of: 2)
    }
    #expect(goal(.less(0.75), starting: 200, event: 1) == 150)
    #expect(goal(.less(0.75), starting: 200, event: 2) == 100)
    #expect(goal(.less(0.75), starting: 400, event: 1) == 250)
    #expect(goal(.less(0.25), starting: 200, event: 1) == 300)
    #expect(goal(.most(100), starting: 200, event: 1) == 150)
    #expect(abs(goal(.most(50), starting: 200, event: 1, .exponential) - 100) < 1e-9)
  }

  /// Weights count from the original's, layer by layer too, and floors as well.
  @Test(arguments: [Scope.global, .layer])
  func weightsOfACompactedModel(scope: Scope) throws {
    let network = try TinyNetworks.mlp([20, 30, 10])
    var plan = PruningPlan(
      criterion: .magnitude, granularity: .weight, scope: scope, amount: .total(0.9), timing: .rounds(1, recovery: .iterations(0)))
    let once = try Pruner(plan, original: network).prune(network.randomModel(seed: 1), event: 1, of: 1, iteration: 0)
    #expect(once.event.kept == 90 && once.event.prunable == 900)
    let small = try once.model.compacted().model
    #expect(try small.network.cost().parameters < network.cost().parameters)
    let present = try MaskSet(small).kept
    let again = try Pruner(plan, original: small.network).prune(small, event: 1, of: 1, iteration: 0)
    #expect(again.event.prunable == 900 && again.event.kept == present && again.event.removed == 0)
    plan.amount = .total(0.95)
    let more = try Pruner(plan, original: small.network).prune(small, event: 1, of: 1, iteration: 0)
    #expect(more.event.kept == 45 && more.event.removed == present - 45)
    #expect(more.event.summary.hasPrefix("prune 1 after step 0: \(present - 45) removed, 45 left"))
    #expect(again.event.summary == "prune 1 after step 0: 0 removed, \(present) left; \(900 - present) of 900 had left before")
  }
}
